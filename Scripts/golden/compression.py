"""Makes the files in Tests/CompressionTests/Fixtures: one text, packed in every way that must be read and some that must be refused."""

import gzip
import pathlib
import random
import zipfile

import zstandard

here = pathlib.Path(__file__).parents[2] / "Tests/CompressionTests/Fixtures"
here.mkdir(exist_ok=True)
random.seed(7)
text = "".join(f"{i},{random.randrange(10**9)}\n" for i in range(120)).encode()
halves = text[:700], text[700:]
compress = zstandard.ZstdCompressor(level=9, write_checksum=True).compress

(here / "text.txt").write_bytes(text)
(here / "text.gz").write_bytes(gzip.compress(text, mtime=0))
(here / "members.gz").write_bytes(b"".join(gzip.compress(half, mtime=0) for half in halves))
(here / "text.zst").write_bytes(compress(text))
(here / "frames.zst").write_bytes(b"".join(map(compress, halves)))
(here / "large.zst").write_bytes(compress(bytes(3_000_000)))


def archive(name, contents, method=zipfile.ZIP_DEFLATED, comment=b""):
    with zipfile.ZipFile(here / name, "w", method) as file:
        file.comment = comment
        for entry, data in contents:
            file.writestr(zipfile.ZipInfo(entry, (2024, 1, 1, 0, 0, 0)), data, method)


archive("text.zip", [("text.csv", text)])
archive("stored.zip", [("text.csv", text)], zipfile.ZIP_STORED)
archive("folder.zip", [("a/", b""), ("a/text.csv", text)], comment=b"with a comment")
archive("two.zip", [("a.csv", text), ("b.csv", text)])
archive("bzip2.zip", [("text.csv", text)], zipfile.ZIP_BZIP2)
archive("none.zip", [])
