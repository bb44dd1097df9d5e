"""`python -m soma.lint <path> …`: a file that defines an agent imports no client.

What a client does is not done in the name of the event in hand: it knows no user, session, plan or task, and is
not repeated safely. Agents reach the platform through the context of their handlers. The same rule as
`soma/no-clients-in-agents` of `@soma/sdk/lint`.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_DEFINERS = {"Agent", "Planner", "Tool", "Worker"}
_CLIENTS = "soma.clients"


def violations(source: str, name: str = "<source>") -> list[int]:
    """Lines that import a client, in a source that defines an agent. Raises SyntaxError for what is no Python."""
    nodes = list(ast.walk(ast.parse(source, name)))
    if not any(_defines_agent(node) for node in nodes):
        return []
    return sorted(node.lineno for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) and _reaches(node))


def _defines_agent(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "soma" and any(alias.name in _DEFINERS | {"*"} for alias in node.names)
    return (
        isinstance(node, ast.Attribute)
        and node.attr in _DEFINERS
        and isinstance(node.value, ast.Name)
        and node.value.id == "soma"
    )


def _reaches(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.Import):
        return any(_is_clients(alias.name) for alias in node.names)
    module = node.module or ""
    return _is_clients(module) or (module == "soma" and any(alias.name == "clients" for alias in node.names))


def _is_clients(module: str) -> bool:
    return module == _CLIENTS or module.startswith(f"{_CLIENTS}.")


def _files(paths: Sequence[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def main(paths: Sequence[str]) -> int:
    """Prints each violation; 1 when there is one, 2 without a path."""
    if not paths:
        print("usage: python -m soma.lint <path> …", file=sys.stderr)
        return 2
    found = [(file, line) for file in _files(paths) for line in violations(file.read_text("utf-8"), str(file))]
    for file, line in found:
        print(f"{file}:{line}: an agent imports {_CLIENTS}: use what the handler's context offers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
