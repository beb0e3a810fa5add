"""Copies chosen members of a wheel: unpack-wheel.py WHEEL FOLDER FROM=TO...

FROM is a member's name, or a prefix ending in "/" that is replaced by TO. A rule that matches nothing is an error.
"""

import pathlib
import shutil
import sys
import zipfile


def destination(name: str, source: str, target: str) -> str | None:
    if source.endswith("/") and name.startswith(source):
        return target + name[len(source):]
    return target if name == source else None


def main(wheel: str, folder: str, *rules: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        for rule in rules:
            source, target = rule.split("=", 1)
            copies = [(name, to) for name in names if (to := destination(name, source, target))]
            if not copies:
                sys.exit(f"{wheel} has no {source}")
            for name, to in copies:
                path = pathlib.Path(folder, to)
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as member, open(path, "wb") as file:
                    shutil.copyfileobj(member, file, 1 << 20)


if __name__ == "__main__":
    main(*sys.argv[1:])
