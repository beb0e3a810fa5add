"""Writes the Avro files that ArchiveTests reads, with fastavro; needs fastavro 1.13 and backports.zstd.

    make_avro.py Tests/ArchiveTests/Fixtures

every_<codec>.avro     two records with every type, in three codecs
counted.avro           a map and an array in pieces with their lengths, as Java's writer makes them; fastavro does not
older.avro             candles as a first writer had them: fewer fields, milliseconds, decimals of two digits
seed.avro              ticks of market data with plain numbers, as a collector in Python writes them
"""

import datetime
import io
import sys
from decimal import Decimal
from pathlib import Path

import fastavro

UTC = datetime.timezone.utc
SYNC = bytes(range(16))

EVERY = {
    "type": "record",
    "name": "Every",
    "namespace": "golden.types",
    "fields": [
        {"name": "nothing", "type": "null"},
        {"name": "yes", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "large", "type": "long"},
        {"name": "single", "type": "float"},
        {"name": "twice", "type": "double"},
        {"name": "raw", "type": "bytes"},
        {"name": "words", "type": "string"},
        {"name": "side", "type": {"type": "enum", "name": "Side", "symbols": ["buy", "sell"]}},
        {"name": "digest", "type": {"type": "fixed", "name": "Digest", "size": 4}},
        {"name": "levels", "type": {"type": "array", "items": "long"}},
        {"name": "tags", "type": {"type": "map", "values": ["null", "string"]}},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "either", "type": ["null", "long", "string"]},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 8}},
        {
            "name": "exact",
            "type": {"type": "fixed", "name": "Exact", "size": 9, "logicalType": "decimal", "precision": 20, "scale": 8},
        },
        {"name": "millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "micros", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "nanos", "type": {"type": "long", "logicalType": "timestamp-nanos"}},
        {
            "name": "inner",
            "type": {
                "type": "record",
                "name": "Inner",
                "fields": [{"name": "side", "type": "Side"}, {"name": "next", "type": ["null", "Inner"]}],
            },
        },
    ],
}


def every():
    time = datetime.datetime(2024, 1, 17, 12, 30, 5, 123000, tzinfo=UTC)
    first = {
        "nothing": None, "yes": True, "small": -2147483648, "large": 9223372036854775807, "single": 0.5,
        "twice": 0.1, "raw": b"\x00\xff", "words": "Bitcoin \u20bf", "side": "sell", "digest": b"\x01\x02\x03\x04",
        "levels": [1, -1, 64, -65], "tags": {"a": "b", "c": None}, "note": None, "either": 7,
        "price": Decimal("60000.12345678"), "exact": Decimal("-0.00000001"), "millis": time,
        "micros": time.replace(microsecond=123456), "nanos": 1705494605123456789,
        "inner": {"side": "buy", "next": {"side": "sell", "next": None}},
    }
    second = {
        "nothing": None, "yes": False, "small": 2147483647, "large": -9223372036854775808, "single": -1.5,
        "twice": -2.5e300, "raw": b"", "words": "", "side": "buy", "digest": b"\xff\x00\xff\x00",
        "levels": [], "tags": {}, "note": "x", "either": "seven",
        "price": Decimal("-1.00000000"), "exact": Decimal("999999999999.99999999"),
        "millis": datetime.datetime(1970, 1, 1, tzinfo=UTC),
        "micros": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "nanos": 0,
        "inner": {"side": "sell", "next": None},
    }
    return [first, second]


def number(value):
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw >= 0x80:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    return bytes(out) + bytes([raw])


def text(value):
    data = value.encode()
    return number(len(data)) + data


def counted(path):
    """The header's map comes in two pieces too, each with its length."""
    schema = (
        '{"type":"record","name":"Counted","fields":['
        '{"name":"levels","type":{"type":"array","items":"long"}},'
        '{"name":"tags","type":{"type":"map","values":"long"}}]}'
    )
    first = text("avro.schema") + text(schema)
    second = text("avro.codec") + text("null")
    header = b"Obj\x01"
    for entry in (first, second):
        header += number(-1) + number(len(entry)) + entry
    header += number(0) + SYNC
    levels = b"".join(number(value) for value in (3, 4))
    tags = text("a") + number(1)
    record = number(-2) + number(len(levels)) + levels + number(1) + number(5) + number(0)
    record += number(-1) + number(len(tags)) + tags + number(0)
    Path(path).write_bytes(header + number(1) + number(len(record)) + record + SYNC)


OLDER = {
    "type": "record",
    "name": "Kline",
    "fields": [
        {"name": "symbol", "type": "string"},
        {"name": "open_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "interval", "type": "string"},
    ]
    + [
        {"name": name, "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}}
        for name in ("open", "high", "low", "close")
    ]
    + [{"name": "volume", "type": "double"}, {"name": "trades", "type": "int"}],
}


def older():
    for minute in range(3):
        yield {
            "symbol": "BTCUSDT",
            "open_time": datetime.datetime(2024, 1, 17, 0, minute, tzinfo=UTC),
            "interval": "1m",
            "open": Decimal("42000.10") + minute, "high": Decimal("42010.00") + minute,
            "low": Decimal("41990.05") + minute, "close": Decimal("42005.55") + minute,
            "volume": 1.5 + minute, "trades": 10 + minute,
        }


SEED = {
    "type": "record",
    "name": "RawMarketData",
    "fields": [
        {"name": "symbol", "type": "string"},
        {"name": "timestamp", "type": "long"},
        {"name": "price", "type": "double"},
        {"name": "volume", "type": ["null", "double"]},
        {"name": "bid_price", "type": ["null", "double"]},
        {"name": "ask_price", "type": ["null", "double"]},
        {"name": "source", "type": "string"},
        {"name": "data_type", "type": "string"},
        {
            "name": "metadata",
            "type": {
                "type": "record",
                "name": "Metadata",
                "fields": [{"name": "collection_time", "type": "long"}, {"name": "api_latency_ms", "type": "int"}],
            },
        },
    ],
}


def seed():
    start = 1638360000000
    for index in range(5):
        yield {
            "symbol": "BTCUSDT", "timestamp": start + 250 * index, "price": 45230.50 + index * 0.1,
            "volume": 123.45 if index else None, "bid_price": 45229.50, "ask_price": 45231.50, "source": "rest",
            "data_type": "aggTrades",
            "metadata": {"collection_time": start + 1000 + 250 * index, "api_latency_ms": 45 + index},
        }


def write(path, schema, records, codec):
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), records, codec=codec, sync_marker=SYNC)
    Path(path).write_bytes(out.getvalue())


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for codec in ("null", "deflate", "zstandard"):
        write(folder / f"every_{codec}.avro", EVERY, every(), codec)
    counted(folder / "counted.avro")
    write(folder / "older.avro", OLDER, older(), "deflate")
    write(folder / "seed.avro", SEED, seed(), "deflate")


if __name__ == "__main__":
    main(sys.argv[1])
