#!/bin/sh
# Makes a small library that defines the Python names a DuckDB extension module asks for, so that it loads without Python.
# usage: make-python-stub.sh LIBRARY STUB
set -eu
library=$1
stub=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --undefined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' | grep -E '^_?Py' | sort -u >"$work/names" || true
{
  echo '#include <stdlib.h>'
  while read -r name; do
    case $name in
      # Objects: room enough for any of them, never read by the database.
      PyExc_* | _Py_*Struct | *Type) echo "void *${name}[64];" ;;
      *) echo "void ${name}(void) { abort(); }" ;;
    esac
  done <"$work/names"
} >"$work/stub.c"
${CC:-cc} -w -shared -fPIC -fno-builtin -O1 -o "$work/stub.so" "$work/stub.c"
mv "$work/stub.so" "$stub"
echo "made $stub for $(wc -l <"$work/names") Python names"
