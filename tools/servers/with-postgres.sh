#!/usr/bin/env bash
# Runs a command against a fresh Postgres: with-postgres.sh <command...>   The command sees DATABASE_URL; the server ends with it.
# With DATABASE_URL set already, the command runs against that server.
# PG_MAJOR=16 runs it against 16.14 instead of 18.4.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: with-postgres.sh <command...>" >&2; exit 2; }
[ -z "${DATABASE_URL:-}" ] || exec "$@"

source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
trap stop_all EXIT
bash "$SERVERS_DIR/install-strace.sh"
install_postgres
start_postgres
"$@"
