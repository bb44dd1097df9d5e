#!/usr/bin/env bash
# Installs httpx and the pinned tools of the Python SDK and prints the folder of their programs. Skipped when these versions are there.
set -euo pipefail
UV=uv==0.13.9
PACKAGES=(httpx==0.28.1 mypy==2.4.1 pydantic==2.14.3 pytest==9.2.0 ruff==0.17.6)
TOOLS=${TOOLS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.tools}
folder=$TOOLS/python-sdk-$(echo "${PACKAGES[@]}" | sha256sum | head -c 12)
if [ ! -f "$folder/.installed" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install -q "$UV" >&2
  "$folder/bin/uv" pip install -q --python "$folder/bin/python" "${PACKAGES[@]}" >&2
  touch "$folder/.installed"
fi
echo "$folder/bin"
