#!/usr/bin/env bash
# Runs a command beside a Postgres that keeps what it was told and the packages of bench/peers: with-peers.sh <command...>
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: with-peers.sh <command...>" >&2; exit 2; }

servers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
npm install --prefix "$servers/../../bench/peers" --no-package-lock --no-audit --no-fund --silent
export BENCH_STORES=${BENCH_STORES:-PGlite,Postgres}
export POSTGRES_OPTIONS=${POSTGRES_OPTIONS:--c fsync=on -c synchronous_commit=on -c full_page_writes=on}
bash "$servers/with-postgres.sh" "$@"
