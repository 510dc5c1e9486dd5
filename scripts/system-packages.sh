#!/bin/sh
# Installs the programs that the tests hold our files against: pdfsig, xmlsec1, SoftHSM2, OpenSSL and Chromium.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need pdfsig poppler-utils
need xmlsec1 xmlsec1
need softhsm2-util softhsm2
need openssl openssl
if grep -qi '^ID=ubuntu' /etc/os-release 2>/dev/null; then
  command -v chromium >/dev/null 2>&1 || echo "tests: Ubuntu's Chromium is a snap; the browser tests are skipped" >&2
else
  need chromium chromium
fi
# Playwright's driver links to it.
/sbin/ldconfig -p 2>/dev/null | grep -q 'libatomic\.so\.1' || missing="$missing libatomic1"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "tests: installing$missing" >&2
  apt-get update -qq
  # shellcheck disable=SC2086  # the list is meant to be split
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "tests: please run once: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
