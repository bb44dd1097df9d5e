#!/usr/bin/env bash
# Installs the CloudEvents SDKs for Python and Go and prints a Python that has the first and the path of e2e/cloudevents/go, built with the second.
set -euo pipefail
CLOUDEVENTS=cloudevents==2.2.0
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TOOLS=${TOOLS:-$ROOT/.tools}
folder=$TOOLS/$CLOUDEVENTS
if [ ! -f "$folder/.installed" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install -q "$CLOUDEVENTS" >&2
  touch "$folder/.installed"
fi
(cd "$ROOT/e2e/cloudevents/go" && go build -buildvcs=false -trimpath -o "$TOOLS/bin/cloudevents-client" .) >&2
echo "$folder/bin/python" "$TOOLS/bin/cloudevents-client"
