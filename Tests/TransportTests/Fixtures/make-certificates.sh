#!/bin/bash
# Makes the certificates beside it: two authorities and what the first one signed. They last for a hundred years, but
# for the one that ended in 2001. Nothing but these tests trusts them.
set -euo pipefail
cd "$(dirname "$0")"
days=36500
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

authority() { # name, file
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days $days -subj "/CN=$1" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout "$work/$2.key" -out "$2.pem"
}

leaf() { # file, alternative names, more options of `openssl ca`
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$work/$1.csr"
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$2" > "$work/$1.ext"
  : > "$work/index"
  printf '[ca]\ndefault_ca=x\n[x]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
    "$work" "$work" > "$work/ca.conf"
  openssl ca -batch -notext -config "$work/ca.conf" -cert authority.pem -keyfile "$work/authority.key" \
    -in "$work/$1.csr" -extfile "$work/$1.ext" -out "$1.pem" "${@:3}"
}

authority "Candlecast test authority" authority
authority "Some other authority" stranger
leaf localhost DNS:localhost,IP:127.0.0.1 -days $days
leaf elsewhere DNS:elsewhere.test -days $days
leaf expired DNS:localhost,IP:127.0.0.1 -startdate 20000101000000Z -enddate 20010101000000Z
