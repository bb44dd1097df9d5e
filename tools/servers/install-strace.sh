#!/usr/bin/env bash
# strace counts the system calls of a commit in the durability test.
set -euo pipefail
command -v strace >/dev/null && exit 0
apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends strace
