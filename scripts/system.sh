#!/bin/sh
# System packages that tests need. As root on Debian they are installed; else what is missing is named.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing \
        >/dev/null && exit 0
fi
echo "not installed:$missing (browser tests will be skipped; apt-get install$missing)" >&2
