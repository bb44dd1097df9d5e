#!/usr/bin/env bash
# `npm run test:python`: format, lint, types and tests of the Python SDK, with the tools that the installer pins.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(bash tools/servers/install-python-sdk.sh)
cd sdk/python
"$programs/ruff" format --check --quiet .
"$programs/ruff" check --quiet .
"$programs/mypy"
PYTHONPATH=src "$programs/python" -m soma.lint tests/programs ../../examples
"$programs/pytest" "$@"
