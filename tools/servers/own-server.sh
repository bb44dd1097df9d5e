#!/usr/bin/env bash
# A server of one's own, for tests that stop it: own-server.sh postgres|nats|kafka   Prints its address, then obeys lines on stdin, each answered by one line:
# `stop` → stopped, `kill` → killed (it writes nothing more), `start` → started, `start-under <words>` → started-under, `restart` → restarted. The end of stdin ends it.
# OWN_RUN names an empty folder for its data; default: a new one.
set -euo pipefail
RUN=${OWN_RUN:-}
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
trap stop_all EXIT
server=${1:?which server: postgres, nats or kafka}
# What installers print, such as the colours of their terminal, is no answer.
"install_$server" >&2
"start_$server"
case $server in
  postgres) echo "$DATABASE_URL"; signal=-INT ;;
  nats) echo "$NATS_URL"; signal=-TERM ;;
  kafka) echo "$KAFKA_BROKERS"; signal=-TERM ;;
esac
while read -r line; do
  case $line in
    stop) stop "$server" "$signal"; echo stopped ;;
    kill) crash "$server"; echo killed ;;
    start) "launch_$server"; echo started ;;
    'start-under '*) UNDER=${line#start-under } "launch_$server"; echo started-under ;;
    restart) stop "$server" "$signal"; "launch_$server"; echo restarted ;;
    *) echo "unknown command: $line" >&2; exit 2 ;;
  esac
done
