#!/usr/bin/env bash
# strace tells the tests of durability what was written and synced.
set -euo pipefail
command -v strace >/dev/null && exit 0
apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends strace
