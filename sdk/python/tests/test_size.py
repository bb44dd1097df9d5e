"""What is written by hand stays small."""

from __future__ import annotations

import ast
from pathlib import Path

import soma

_SOURCE = Path(soma.__file__).parent


def code_lines(path: Path) -> int:
    """Lines that are no blank, comment or docstring."""
    source = path.read_text()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [
        node.body[0] for node in ast.walk(ast.parse(source)) if isinstance(node, documented) and ast.get_docstring(node)
    ]
    skipped = {line for text in texts for line in range(text.lineno, (text.end_lineno or 0) + 1)}
    numbered = enumerate(source.splitlines(), start=1)
    return sum(number not in skipped and line.strip()[:1] not in ("", "#") for number, line in numbered)


def test_agents_have_at_most_2920_lines_of_code() -> None:
    files = [path for folder in ("define", "run", "context") for path in (_SOURCE / folder).glob("*.py")]
    assert sum(map(code_lines, files)) <= 2920
