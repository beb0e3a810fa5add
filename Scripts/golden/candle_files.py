"""Makes the files in Tests/IngestionTests/Fixtures from the bundled candles: a stretch around the halt of 2023-03-24.

usage: candle_files.py CANDLES.csv.zst
"""

import gzip
import hashlib
import io
import pathlib
import sys
import zipfile

import zstandard

here = pathlib.Path(__file__).parents[2] / "Tests/IngestionTests/Fixtures"
here.mkdir(exist_ok=True)
with open(sys.argv[1], "rb") as file:
    lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file))
    header = next(lines).strip()
    first, last = 1679657040000, 1679667000000  # 11:24 to 14:10
    rows = [line.strip() for line in lines if first <= int(line[:13]) < last]

candles = ("\n".join([header, *rows]) + "\n").encode()
(here / "candles.csv").write_bytes(candles)
(here / "candles.csv.gz").write_bytes(gzip.compress(candles, mtime=0))
(here / "candles.csv.zst").write_bytes(zstandard.ZstdCompressor(level=9, write_checksum=True).compress(candles))


def kline(row, scale):
    time, o, h, l, c, volume, quote, trades, base, taker = row.split(",")
    opened = int(time) * scale
    return ",".join([str(opened), o, h, l, c, volume, str(opened + 60000 * scale - 1), quote, trades, base, taker, "0"])


with zipfile.ZipFile(here / "BTCUSDT-1m-2023-03-24.zip", "w", zipfile.ZIP_DEFLATED) as file:
    entry = zipfile.ZipInfo("BTCUSDT-1m-2023-03-24.csv", (2023, 3, 25, 0, 0, 0))
    file.writestr(entry, "\n".join(kline(row, 1) for row in rows) + "\n", zipfile.ZIP_DEFLATED)
digest = hashlib.sha256((here / "BTCUSDT-1m-2023-03-24.zip").read_bytes()).hexdigest()
(here / "BTCUSDT-1m-2023-03-24.zip.CHECKSUM").write_text(f"{digest}  BTCUSDT-1m-2023-03-24.zip\n")

names = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
(here / "klines_microseconds.csv").write_text("\n".join([names, *(kline(row, 1000) for row in rows)]) + "\n")
