#!/usr/bin/env bash
# Runs a command beside a Postgres that keeps what it was told, Temporal's development server and the peers' packages: with-peers.sh <command...>
# The first run takes minutes: Temporal's command line is built from its sources.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: with-peers.sh <command...>" >&2; exit 2; }

source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
trap stop_all EXIT
npm install --prefix "$SERVERS_DIR/../../bench/peers" --no-package-lock --no-audit --no-fund --silent
install_temporal
start_temporal
export BENCH_STORES=${BENCH_STORES:-PGlite,Postgres}
export POSTGRES_OPTIONS=${POSTGRES_OPTIONS:--c fsync=on -c synchronous_commit=on -c full_page_writes=on}
[ -n "${DATABASE_URL:-}" ] || { install_postgres; start_postgres; }
"$@"
