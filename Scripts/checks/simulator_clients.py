"""Reads a running simulator with other people's clients, of which only base URLs are changed.

    candlecast simulate --data Data/BTCUSDT_….csv.zst --port 9500 &
    python Scripts/checks/simulator_clients.py 9500

Needs ccxt and python-binance. Ends with 1 if a client cannot read what it asks for.
"""

import asyncio
import sys

import ccxt
import ccxt.pro
from binance import AsyncClient, BinanceSocketManager
from binance.client import Client

PORT = sys.argv[1]
HTTP, WS = f"http://127.0.0.1:{PORT}", f"ws://127.0.0.1:{PORT}"
SYMBOLS = {
    "binance": "BTC/USDT",
    "binanceus": "BTC/USDT",
    "coinbaseexchange": "BTC/USD",
    "bybit": "BTC/USDT",
}
# ccxt asks for keys before it opens this one's book.
WATCHED = {name: ["trades", "ohlcv", "order_book", "ticker"] for name in SYMBOLS}
WATCHED["coinbaseexchange"] = ["trades", "ticker"]
failures = []


def point(exchange):
    """Changes the hosts, and nothing else."""
    api = exchange.urls["api"]
    folder = {"coinbaseexchange": "coinbase-exchange"}.get(exchange.id, exchange.id)
    keeps_path = exchange.id in ("binance", "binanceus")
    for key, url in list(api.items()):
        if isinstance(url, str):
            path = "/" + url.split("/", 3)[3] if keeps_path and url.count("/") > 2 else ""
            api[key] = f"{WS if key == 'ws' else HTTP}/{folder}{path}"
    if exchange.id in ("binance", "binanceus") and isinstance(api.get("ws"), dict):
        api["ws"] = {key: f"{WS}/{folder}/ws" for key in api["ws"]}
    if exchange.id == "bybit" and isinstance(api.get("ws"), dict):
        api["ws"]["public"] = {kind: f"{WS}/bybit/v5/public/{kind}" for kind in ("spot", "linear", "inverse", "option")}
    return exchange


def check(label, ask, is_good=bool):
    try:
        answer = ask()
    except Exception as error:
        failures.append(label)
        return print(f"{label}: {type(error).__name__}: {str(error)[:200]}")
    if not is_good(answer):
        failures.append(label)
    print(f"{label}: {'read' if is_good(answer) else 'wrong'}: {str(answer)[:100]}")


async def watch(name):
    exchange = point(getattr(ccxt.pro, name)({"enableRateLimit": False}))
    for what in WATCHED[name]:
        arguments = (SYMBOLS[name], "1m") if what == "ohlcv" else (SYMBOLS[name],)
        try:
            for _ in range(2):
                answer = await asyncio.wait_for(getattr(exchange, "watch_" + what)(*arguments), 10)
            print(f"{name} watch {what}: read: {str(answer)[:100]}")
        except Exception as error:
            failures.append(f"{name} watch {what}")
            print(f"{name} watch {what}: {type(error).__name__}: {str(error)[:200]}")
    await exchange.close()


async def python_binance():
    client = Client(ping=False)
    client.API_URL = f"{HTTP}/binance/api"
    check("python-binance symbol", lambda: client.get_symbol_info("BTCUSDT"))
    check("python-binance klines", lambda: client.get_klines(symbol="BTCUSDT", interval="1m", limit=5), lambda a: len(a) == 5)
    check("python-binance aggregates", lambda: client.get_aggregate_trades(symbol="BTCUSDT", limit=5), lambda a: len(a) == 5)
    sockets = BinanceSocketManager(AsyncClient())
    sockets.STREAM_URL = f"{WS}/binance/"
    async with sockets.kline_socket("BTCUSDT", interval="1m") as socket:
        message = await asyncio.wait_for(socket.recv(), 10)
    check("python-binance kline socket", lambda: message, lambda a: a["e"] == "kline")
    async with sockets.multiplex_socket(["btcusdt@trade", "btcusdt@bookTicker"]) as socket:
        message = await asyncio.wait_for(socket.recv(), 10)
    check("python-binance multiplex socket", lambda: message, lambda a: a["data"]["s"] == "BTCUSDT")


for name, symbol in SYMBOLS.items():
    exchange = point(getattr(ccxt, name)({"enableRateLimit": False}))
    check(f"{name} markets", exchange.load_markets, lambda a: symbol in a)
    check(f"{name} ohlcv", lambda: exchange.fetch_ohlcv(symbol, "1m", limit=3), lambda a: len(a) == 3)
    check(f"{name} trades", lambda: exchange.fetch_trades(symbol, limit=3))
    check(f"{name} book", lambda: exchange.fetch_order_book(symbol), lambda a: a["bids"][0][0] < a["asks"][0][0])
    check(f"{name} ticker", lambda: exchange.fetch_ticker(symbol)["last"])
    check(f"{name} time", exchange.fetch_time)
    asyncio.run(watch(name))
asyncio.run(python_binance())
print(f"{len(failures)} failures" + (": " + ", ".join(failures) if failures else ""))
sys.exit(1 if failures else 0)
