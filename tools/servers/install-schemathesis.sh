#!/usr/bin/env bash
# Installs schemathesis, which makes requests from an OpenAPI document, and prints its path. Skipped when the pinned version is there.
set -euo pipefail
UV=uv==0.13.9
SCHEMATHESIS=schemathesis==4.32.5
TOOLS=${TOOLS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.tools}
folder=$TOOLS/$SCHEMATHESIS
if [ ! -f "$folder/.installed" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install -q "$UV" >&2
  "$folder/bin/uv" pip install -q --python "$folder/bin/python" "$SCHEMATHESIS" >&2
  touch "$folder/.installed"
fi
echo "$folder/bin/schemathesis"
