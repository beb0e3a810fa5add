"""Writes what botocore signs for a number of requests into Tests/CloudTests/Fixtures/signatures.json.

    python Scripts/golden/signatures.py

Needs botocore. Paths, names and values stand unencoded in the file; what is signed is what botocore makes of them.
"""

import datetime
import hashlib
import json
import pathlib
import random
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FILE = pathlib.Path(__file__).parents[2] / "Tests" / "CloudTests" / "Fixtures" / "signatures.json"
LETTERS = "abzAZ09-_.~ +=,:;@&$%()'!*?#[]|\"<>äß€😀"


def text(chance, longest):
    return "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, longest)))


def case(chance):
    service = chance.choice(["s3", "s3", "kinesis", "monitoring", "execute-api"])
    region = chance.choice(["us-east-1", "eu-central-1", "ap-southeast-2"])
    segments = [text(chance, 12).replace(".", "x") for _ in range(chance.randint(0, 4))]
    path = "/" + "/".join(segments)
    query = [[text(chance, 6), text(chance, 10) if chance.random() < 0.8 else ""] for _ in range(chance.randint(0, 5))]
    host = chance.choice(["example.amazonaws.com", "127.0.0.1:9000"])
    headers = {"Content-Type": "application/x-amz-json-1.1"} if chance.random() < 0.5 else {}
    if chance.random() < 0.5:
        headers["X-Amz-Meta-A"] = "  many   blanks  "
        headers["X-Amz-Meta-A-B"] = "1"
    body = text(chance, 40) if chance.random() < 0.5 else ""
    token = "AQoDYXdz//" + "+" * chance.randint(1, 5) if chance.random() < 0.4 else None
    time = datetime.datetime(2026, chance.randint(1, 12), chance.randint(1, 28), chance.randint(0, 23), 5, 9)

    encoded = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query)
    url = f"http://{host}{quote(path, safe='/~')}" + ("?" + encoded if encoded else "")
    request = AWSRequest(method=chance.choice(["GET", "PUT", "POST"]), url=url, headers=dict(headers), data=body.encode())
    if service == "s3":
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body.encode()).hexdigest()
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    with mock.patch("botocore.auth.get_current_datetime", return_value=time):
        kind(credentials, service, region).add_auth(request)
    return {
        "method": request.method, "service": service, "region": region, "host": host, "path": path,
        "query": [list(pair) for pair in query], "headers": [list(pair) for pair in headers.items()], "body": body,
        "token": token, "time": time.isoformat() + "Z", "authorization": request.headers["Authorization"],
    }


def main():
    chance = random.Random(4)
    cases = [case(chance) for _ in range(60)]
    FILE.write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
