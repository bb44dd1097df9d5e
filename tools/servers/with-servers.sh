#!/usr/bin/env bash
# Runs a command against fresh servers: with-servers.sh <command...>   The command sees DATABASE_URL, NATS_URL and KAFKA_BROKERS; the servers end with it.
# A server whose address is set already is used as it is. PG_MAJOR=16 runs Postgres 16.14 instead of 18.4.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: with-servers.sh <command...>" >&2; exit 2; }

source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
trap stop_all EXIT
bash "$SERVERS_DIR/install-strace.sh"
[ -n "${DATABASE_URL:-}" ] || { install_postgres; start_postgres; }
[ -n "${NATS_URL:-}" ] || { install_nats; start_nats; }
[ -n "${KAFKA_BROKERS:-}" ] || { install_kafka; start_kafka; }
"$@"
