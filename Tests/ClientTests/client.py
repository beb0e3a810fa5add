"""Lets a public client library look at a venue, and prints what it saw as one line of JSON.

    client.py CLIENT STILL RUNNING

CLIENT is `python-binance` or a class of ccxt. STILL is the base URL of a venue whose clock stands still: its REST
answers are asked for one by one. RUNNING is that of a venue whose clock runs: its sockets are followed until a few
minutes have closed. Nothing is changed but the library's base URLs, and what goes anywhere but this machine ends the
program.
"""

import asyncio
import json
import re
import sys


def stay_here(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", b"127.0.0.1", None):
        sys.exit(f"the client looked for {arguments[0]}")
    if event == "socket.connect" and arguments[1][0] != "127.0.0.1":
        sys.exit(f"the client called {arguments[1]}")


sys.addaudithook(stay_here)

import binance  # noqa: E402
import ccxt.pro  # noqa: E402

CLOSED_MINUTES = 2
HOUR = 3_600_000
TICKER = ("last", "open", "high", "low", "bid", "ask", "baseVolume", "quoteVolume")


class Stream:
    """What comes over sockets until so many minutes have closed."""

    def __init__(self, has_minutes=True):
        self.has_minutes = has_minutes
        self.trades, self.minutes, self.books, self.quotes, self.tickers = {}, {}, [], [], []

    def is_done(self):
        minutes = {row[1] // 60_000 for row in self.trades.values()}
        if self.has_minutes and len(self.minutes) <= CLOSED_MINUTES:
            return False
        return len(minutes) > CLOSED_MINUTES + 1

    async def follow(self, *readers):
        async def forever(read):
            while not self.is_done():
                await read()

        tasks = [asyncio.create_task(forever(read)) for read in readers]
        done, rest = await asyncio.wait(tasks, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()

    def report(self):
        return {
            "trades": [self.trades[key] for key in sorted(self.trades)],
            "minutes": [self.minutes[key] for key in sorted(self.minutes)],
            "books": self.books[-20:],
            "quotes": self.quotes[-20:],
            "tickers": self.tickers[-20:],
        }


def levels(rows):
    return [[float(row[0]), float(row[1])] for row in rows]


# --- ccxt


def moved(address, url):
    """A URL, or a table of them, of which scheme and host are replaced."""
    if isinstance(address, dict):
        return {name: moved(inner, url) for name, inner in address.items()}
    if not isinstance(address, str):
        return address
    base = re.sub("^http", "ws", url) if address.startswith("ws") else url
    return re.sub(r"^(http|ws)s?://[^/]+", base, address)


def exchange_at(url, module, name):
    exchange = getattr(module, name)()
    exchange.urls["api"] = moved(exchange.urls["api"], url)
    return exchange


def ccxt_trade(trade):
    return [int(trade["id"]), trade["timestamp"], trade["price"], trade["amount"], trade["side"]]


def ccxt_book(book):
    return {
        "id": book["nonce"], "time": book["timestamp"], "bids": levels(book["bids"]), "asks": levels(book["asks"])}


def ccxt_quote(ticker):
    number = ticker["info"].get("u") if isinstance(ticker["info"], dict) else None
    return {
        "id": None if number is None else int(number), "time": ticker["timestamp"],
        "bids": [[ticker["bid"], ticker["bidVolume"]]], "asks": [[ticker["ask"], ticker["askVolume"]]]}


def ccxt_ticker(ticker):
    return {"time": ticker["timestamp"]} | {name: ticker[name] for name in TICKER}


def look_with_ccxt(name, symbol, url):
    exchange = exchange_at(url, ccxt, name)
    markets = exchange.load_markets()
    minutes = exchange.fetch_ohlcv(symbol, "1m", limit=100)
    return {
        "markets": sorted(markets),
        "time": exchange.fetch_time(),
        "minutes": minutes,
        "earlier": exchange.fetch_ohlcv(symbol, "1m", since=minutes[0][0] - 5 * HOUR, limit=60),
        "hours": exchange.fetch_ohlcv(symbol, "1h", limit=5),
        "trades": [ccxt_trade(trade) for trade in exchange.fetch_trades(symbol, limit=50)],
        "book": ccxt_book(exchange.fetch_order_book(symbol, 50)),
        "ticker": ccxt_ticker(exchange.fetch_ticker(symbol)),
    }


async def follow_with_ccxt(name, symbol, url):
    exchange = exchange_at(url, ccxt.pro, name)
    # Another one for quotes: some classes keep them where they keep the book.
    quoting = exchange_at(url, ccxt.pro, name)
    if name == "coinbaseexchange":
        # ccxt signs for books, whoever asks.
        exchange.apiKey, exchange.secret, exchange.password = "key", "c2VjcmV0", "word"
    stream = Stream(has_minutes=bool(exchange.has["watchOHLCV"]))

    async def trades():
        for trade in await exchange.watch_trades(symbol):
            stream.trades[int(trade["id"])] = ccxt_trade(trade)

    async def minutes():
        for row in await exchange.watch_ohlcv(symbol, "1m"):
            stream.minutes[row[0]] = list(row)

    async def books():
        stream.books.append(ccxt_book(await exchange.watch_order_book(symbol)))

    async def quotes():
        stream.quotes += [ccxt_quote(quote) for quote in (await quoting.watch_bids_asks([symbol])).values()]

    async def tickers():
        stream.tickers.append(ccxt_ticker(await exchange.watch_ticker(symbol)))

    readers = [trades, books, tickers]
    readers += [minutes] if stream.has_minutes else []
    readers += [quotes] if exchange.has["watchBidsAsks"] else []
    try:
        await stream.follow(*readers)
    finally:
        await exchange.close()
        await quoting.close()
    return stream.report()


# --- python-binance


def binance_minute(row):
    return [row[0]] + [float(value) for value in row[1:6] + row[7:11]]


def binance_trade(number, time, price, quantity, is_seller):
    return [number, time, float(price), float(quantity), "sell" if is_seller else "buy"]


def binance_book(book):
    return {"id": book["lastUpdateId"], "time": None, "bids": levels(book["bids"]), "asks": levels(book["asks"])}


def look_with_python_binance(symbol, url):
    binance.Client.API_URL = url + "/api"
    client = binance.Client()
    time = client.get_server_time()["serverTime"]
    day = client.get_ticker(symbol=symbol)
    return {
        "markets": [market["symbol"] for market in client.get_exchange_info()["symbols"]],
        "time": time,
        "minutes": [binance_minute(row) for row in client.get_klines(symbol=symbol, interval="1m", limit=100)],
        "earlier": [
            binance_minute(row)
            for row in client.get_historical_klines(symbol, "1m", time - 20 * HOUR, time - 1 * HOUR)],
        "hours": [binance_minute(row) for row in client.get_klines(symbol=symbol, interval="1h", limit=5)],
        "trades": [
            binance_trade(trade["id"], trade["time"], trade["price"], trade["qty"], trade["isBuyerMaker"])
            for trade in client.get_recent_trades(symbol=symbol, limit=500)],
        "aggregates": [
            binance_trade(trade["a"], trade["T"], trade["p"], trade["q"], trade["m"])
            for trade in client.aggregate_trade_iter(symbol, start_str=time - 10 * 60_000)],
        "book": binance_book(client.get_order_book(symbol=symbol, limit=100)),
        "ticker": {
            "time": day["closeTime"], "last": float(day["lastPrice"]), "open": float(day["openPrice"]),
            "high": float(day["highPrice"]), "low": float(day["lowPrice"]), "bid": float(day["bidPrice"]),
            "ask": float(day["askPrice"]), "baseVolume": float(day["volume"]),
            "quoteVolume": float(day["quoteVolume"])},
    }


async def follow_with_python_binance(symbol, url):
    binance.AsyncClient.API_URL = url + "/api"
    binance.BinanceSocketManager.STREAM_URL = re.sub("^http", "ws", url) + "/"
    client = await binance.AsyncClient.create()
    manager = binance.BinanceSocketManager(client, max_queue_size=10_000)
    stream = Stream()

    def trade(message):
        row = binance_trade(message["t"], message["T"], message["p"], message["q"], message["m"])
        stream.trades[message["t"]] = row

    def minute(message):
        bar = message["k"]
        stream.minutes[bar["t"]] = [bar["t"]] + [float(bar[name]) for name in "ohlcvqnVQ"]

    def ticker(message):
        names = dict(zip(TICKER, "cohlbavq"))
        stream.tickers.append({"time": message["C"]} | {name: float(message[key]) for name, key in names.items()})

    def quote(message):
        message = message["data"]
        stream.quotes.append({
            "id": message["u"], "time": None, "bids": levels([[message["b"], message["B"]]]),
            "asks": levels([[message["a"], message["A"]]])})

    sockets = [
        (manager.trade_socket(symbol), trade),
        (manager.kline_socket(symbol, "1m"), minute),
        (manager.depth_socket(symbol, depth="20", interval=100), lambda book: stream.books.append(binance_book(book))),
        (manager.symbol_ticker_socket(symbol), ticker),
        (manager.multiplex_socket([symbol.lower() + "@bookTicker"]), quote),
    ]

    def reader(socket, take):
        async def read():
            take(await socket.recv())

        return read

    for socket, _ in sockets:
        await socket.__aenter__()
    try:
        await stream.follow(*[reader(*pair) for pair in sockets])
    finally:
        for socket, _ in sockets:
            await socket.__aexit__(None, None, None)
        await client.close_connection()
    return stream.report()


def main(name, still, running):
    if name == "python-binance":
        report = look_with_python_binance("BTCUSDT", still)
        report["stream"] = asyncio.run(follow_with_python_binance("BTCUSDT", running))
    else:
        symbol = "BTC/USD" if name == "coinbaseexchange" else "BTC/USDT"
        report = look_with_ccxt(name, symbol, still)
        report["stream"] = asyncio.run(follow_with_ccxt(name, symbol, running))
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
