#!/usr/bin/env bash
# A Postgres of one's own, for tests that restart it. Prints its DATABASE_URL; every line `restart` on stdin restarts it and prints
# `restarted`; the end of stdin ends it.
set -euo pipefail
unset RUN
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
trap stop_all EXIT
install_postgres
start_postgres
echo "$DATABASE_URL"
while read -r line; do
  [ "$line" = restart ] || { echo "unknown command: $line" >&2; exit 2; }
  restart_postgres
  echo restarted
done
