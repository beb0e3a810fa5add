#!/bin/bash
# Installs what the build and the tests need and no Swift package gives: Debian packages, libraries out of PyPI wheels,
# and what the tests use in Python.
#
# Each step looks whether its result is there, does nothing if so, and puts a result in place whole by renaming it. So
# it can be stopped at any moment and started again. Exit 4: something needed could not be had; the text says what to do.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CANDLECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/candlecast}
packages=(
  binutils g++ git libcurl4-openssl-dev libhiredis-dev libpq-dev libssl-dev libyaml-dev libzstd-dev
  pkg-config postgresql-15 redis-server zlib1g-dev)
# Nothing is built with it: where it cannot be had, the tests that look at the page in it are left out and say so.
browser=chromium

say() { printf 'setup: %s\n' "$*" >&2; }

give_up() {
  say "$@"
  exit 4
}

# --- Debian packages and the compiler

is_installed() { [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

missing_packages() {
  local package
  for package in "${packages[@]}"; do is_installed "$package" || echo "$package"; done
  python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    give_up "these Debian 12 packages or their like are missing and there is no apt-get here: ${missing[*]}"
  ((EUID == 0)) || give_up "these packages are missing; install them and run this again:
  sudo apt-get install --no-install-recommends ${missing[*]}"
  say "installing ${missing[*]}"
  # RUNLEVEL keeps the servers among them from being started: the tests start their own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  { apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}"; } >/dev/null ||
    give_up "apt-get could not install ${missing[*]}: see its message above; is there a network or a proxy to set?"
}

install_browser() {
  is_installed "$browser" && return 0
  { ((EUID == 0)) && command -v apt-get >/dev/null; } || {
    say "$browser is not installed: the page is not tested in a browser"
    return 0
  }
  say "installing $browser"
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  { apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends "$browser"; } >/dev/null ||
    say "apt-get could not install $browser: the page is not tested in a browser"
}

check_swift() {
  local version
  version=$(swift --version 2>/dev/null | grep -o 'Swift version [0-9]*\.[0-9]*' | grep -o '[0-9.]*$' || true)
  [[ -n $version ]] || give_up "swift is not on the PATH: install the Swift 6.3 toolchain for Debian 12"
  printf '6.3\n%s\n' "$version" | sort --check=quiet --version-sort ||
    give_up "Swift $version is too old: install the Swift 6.3 toolchain for Debian 12"
}

# --- wheels

# The pinned line of a requirement in wheels.txt: requirement, sha256, file.
pinned() { awk -v name="$1" '$1 ~ "^" name "==" { print; exit }' "$here/wheels.txt"; }

is_wheel() { [[ -f $1 && $(sha256sum <"$1") == "$2  -" ]]; }

# Sets `wheel` to the path of a checked wheel, fetching it if it is not there.
fetch() {
  local requirement sha256 file partial
  read -r requirement sha256 file < <(pinned "$1")
  wheel=$cache/wheels/$file
  is_wheel "$wheel" "$sha256" && return 0
  [[ -f $wheel ]] && say "$wheel is damaged, fetching it again"
  say "fetching $file"
  partial=$cache/.partial.fetch
  rm -rf "$partial"
  mkdir -p "$partial" "$cache/wheels"
  local quiet=(--quiet)
  [[ -t 2 ]] && quiet=()
  TMPDIR=$partial python3 -m pip download ${quiet[@]+"${quiet[@]}"} --disable-pip-version-check --no-cache-dir \
    --no-deps --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_25_x86_64 \
    --platform manylinux2014_x86_64 --dest "$partial" "$requirement" >&2 || could_not_fetch "$requirement" "$sha256" "$file"
  is_wheel "$partial/$file" "$sha256" ||
    give_up "$requirement came with another checksum than $sha256: it is not what was pinned and was not installed"
  mv "$partial/$file" "$wheel"
  rm -rf "$partial"
}

could_not_fetch() {
  give_up "could not get $3 ($1). Either set pip's proxy or index and run this again,
  or fetch that file elsewhere (sha256 $2)
  and put it here by hand: $cache/wheels/$3"
}

# --- libraries

# place LIBRARY STAMP: renames the finished folder in `partial` to its place; the stamp inside says what it was made of.
place() {
  local old=$cache/.old.$1
  echo "$2" >"$partial/.made-of"
  [[ -e $cache/$1 ]] && mv "$cache/$1" "$old"
  mv "$partial" "$cache/$1"
  rm -rf "$old"
}

is_placed() { [[ -f $cache/$1/.made-of && $(<"$cache/$1/.made-of") == "$2" ]]; }

stamp_of() {
  local requirement
  for requirement in "$@"; do pinned "$requirement" | awk '{ printf "%s ", $2 }'; done
}

# install LIBRARY REQUIREMENT RULE... [-- REQUIREMENT RULE...]: makes the folder LIBRARY of members of wheels.
install() {
  local library=$1 requirements=() arguments stamp
  shift
  local next=yes argument
  for argument in "$@"; do
    [[ $next == yes ]] && requirements+=("$argument")
    [[ $argument == -- ]] && next=yes || next=no
  done
  stamp=$(stamp_of "${requirements[@]}")
  is_placed "$library" "$stamp" && return 0
  partial=$cache/.partial.$library
  rm -rf "$partial"
  mkdir -p "$partial"
  while (($#)); do
    fetch "$1"
    shift
    arguments=()
    while (($#)) && [[ $1 != -- ]]; do
      arguments+=("$1")
      shift
    done
    (($#)) && shift
    say "unpacking $(basename "$wheel")"
    python3 "$here/unpack-wheel.py" "$wheel" "$partial" "${arguments[@]}" ||
      give_up "could not unpack $wheel into $cache/$library: is the disk full?"
  done
  place "$library" "$stamp"
}

# The wheel's library names symbols of Python that it never calls; a stub defines them.
make_python_stub() {
  local stub=$cache/duckdb/libpython_stub.so
  [[ -s $stub ]] && return 0
  say "making $stub"
  "$here/make-python-stub.sh" "$cache/duckdb/libduckdb.so" "$stub.partial" >&2 ||
    give_up "could not make $stub: see the message above"
  mv "$stub.partial" "$stub"
}

# --- Python

# Clients, a server that stands for AWS, a reader of Avro and a checker of OpenAPI, for the tests, in an environment of
# their own.
# Wheels that were put into the wheels' folder by hand are taken from there.
install_clients() {
  local python stamp
  python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  stamp="$python $(sha256sum <"$here/clients.txt")"
  is_placed clients "$stamp" && return 0
  say "installing ccxt, python-binance, moto, fastavro, tritonclient and schemathesis, which the tests use"
  partial=$cache/.partial.clients
  rm -rf "$partial"
  mkdir -p "$cache/wheels"
  { python3 -m venv --without-pip "$partial" &&
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir \
      --no-deps --require-hashes --only-binary=:all: --find-links "$cache/wheels" \
      --target "$partial/lib/python$python/site-packages" --requirement "$here/clients.txt"; } >&2 ||
    give_up "could not install what $here/clients.txt lists: see the message above.
  Either set pip's proxy or index and run this again, with Python 3.11, 3.12 or 3.13,
  or fetch the wheels elsewhere and put them here by hand: $cache/wheels"
  place clients "$stamp"
}

install_packages
install_browser
check_swift
mkdir -p "$cache" || give_up "cannot write to $cache: set CANDLECAST_CACHE to a folder that you may write to"
exec 9>"$cache/.lock"
flock --nonblock 9 || {
  say "waiting for another set-up that is using $cache"
  flock 9
}

install duckdb duckdb _duckdb.cpython-311-x86_64-linux-gnu.so=libduckdb.so
make_python_stub
install xgboost xgboost-cpu xgboost/lib/libxgboost.so=xgboost/lib/libxgboost.so xgboost_cpu.libs/=xgboost_cpu.libs/
install torch torch torch/include/=include/ torch/lib/libtorch_cpu.so=lib/libtorch_cpu.so \
  torch/lib/libc10.so=lib/libc10.so torch/lib/libgomp.so.1=lib/libgomp.so.1 \
  torch/lib/libgfortran.so.5=lib/libgfortran.so.5 \
  -- nvidia-cuda-cupti nvidia/cu13/lib/libcupti.so.13=lib/libcupti.so.13 \
  -- nvidia-cuda-runtime nvidia/cu13/lib/libcudart.so.13=lib/libcudart.so.13
install charts lightweight-charts lightweight_charts/js/lightweight-charts.js=lightweight-charts.js
install_clients
