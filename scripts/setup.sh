#!/bin/sh
# Makes .venv with exactly the packages of requirements.lock, and the project itself in place.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
  say "setup: there is no $python; install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "setup: $("$python" --version) is too old; Python 3.11 or newer is needed (set PYTHON=/path/to/python3)"
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "setup: installing python3-venv"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  else
    say "setup: the venv module is missing; run: sudo apt-get install python3-venv"
    exit 1
  fi
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
say "setup: installing the locked packages into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
touch .venv/.ready
