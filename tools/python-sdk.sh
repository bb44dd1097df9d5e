#!/usr/bin/env bash
# `npm run test:python`: format, lint, types and tests of the Python SDK, with the tools that the installer pins.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(bash tools/servers/install-python-sdk.sh)
cd sdk/python
"$programs/ruff" format --check --quiet . ../../examples/*/python --config pyproject.toml
"$programs/ruff" check --quiet . ../../examples/*/python --config pyproject.toml
"$programs/mypy"
# Each is a program of its own: files of the same name stand in several.
for folder in ../../examples/*/python; do MYPYPATH=src:$folder "$programs/mypy" --strict "$folder"; done
PYTHONPATH=src "$programs/python" -m soma.lint tests/programs ../../examples
"$programs/pytest" "$@"
[ $# -eq 0 ] || exit 0
# The examples with their agents in Python do what their READMEs show.
cd ../..
for folder in examples/*/python; do
  example=$(basename "$(dirname "$folder")")
  PATH=$programs:$PATH PYTHONPATH=$PWD/sdk/python/src npm run --silent example "$example" -- --python
done
