"""What fastavro makes of files of ours; run by the tests.

    avro_peer.py dump FILE                      each record as a line of JSON
    avro_peer.py recode CODEC IN OUT [IN OUT…]  reads a file, and writes its records again under the same schema
"""

import datetime
import decimal
import json
import sys

import fastavro

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value))


def dump(path):
    with open(path, "rb") as file:
        for record in fastavro.reader(file):
            print(json.dumps(record, default=plain, sort_keys=True))


def recode(codec, source, target):
    with open(source, "rb") as file:
        reader = fastavro.reader(file)
        schema, records = reader.writer_schema, list(reader)
    with open(target, "wb") as file:
        fastavro.writer(file, schema, records, codec=codec, sync_interval=500)


def main(verb, *arguments):
    if verb == "dump":
        return dump(*arguments)
    codec, *paths = arguments
    for source, target in zip(paths[::2], paths[1::2]):
        recode(codec, source, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
