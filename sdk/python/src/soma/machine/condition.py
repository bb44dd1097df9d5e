"""Conditions on transitions: paths (`results.search.count`), literals, `== != < <= > >=`, `&& || !`, `in`, parentheses.

What is absent equals null. Nothing else is read, so a condition has no effects and ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from soma.machine.templates import MachineScope, look_up

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<path>[A-Za-z_$][\w$-]*(?:\.[\w$-]+)*)|(?P<sign>==|!=|<=|>=|&&|\|\||[<>!()]))""",
    re.ASCII,
)
# Binding strength, weakest first.
_LEVELS: Final = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"))
_LITERALS: Final = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["value", "path", "sign"]
    value: Any


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition: `literal` and `path` hold a value, `not` one part, `binary` two and its sign."""

    kind: Literal["literal", "path", "not", "binary"]
    value: Any = None
    parts: tuple[Node, ...] = ()


def parse_condition(text: str) -> Node:
    """Raises ValueError naming the place."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokenize(text)
        self._at = 0

    def parse(self) -> Node:
        node = self._level(0)
        if self._at != len(self._tokens):
            raise self._failure()
        return node

    def _failure(self) -> ValueError:
        return ValueError(f'the condition "{self._text}" does not hold at its part {self._at + 1}')

    def _sign(self) -> str | None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        return None if token is None or token.kind == "value" else token.value

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while (sign := self._sign()) in _LEVELS[level]:
            self._at += 1
            left = Node("binary", sign, (left, self._level(level + 1)))
        return left

    def _unary(self) -> Node:
        sign = self._sign()
        if sign == "!":
            self._at += 1
            return Node("not", parts=(self._unary(),))
        if sign != "(":
            return self._primary()
        self._at += 1
        inner = self._level(0)
        if self._sign() != ")":
            raise self._failure()
        self._at += 1
        return inner

    def _primary(self) -> Node:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        self._at += 1
        if token is not None and token.kind == "value":
            return Node("literal", token.value)
        if token is None or token.kind != "path" or token.value == "in":
            raise self._failure()
        return Node("literal", _LITERALS[token.value]) if token.value in _LITERALS else Node("path", token.value)


def _tokenize(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while text[at:].strip() != "":
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f'the condition "{text}" cannot be read at character {at + 1}')
        at = match.end()
        if match["text"] is not None:
            tokens.append(_Token("value", re.sub(r"\\(.)", r"\1", match["text"][1:-1])))
        elif match["number"] is not None:
            tokens.append(_Token("value", float(match["number"])))
        elif match["path"] is not None:
            tokens.append(_Token("path", match["path"]))
        else:
            tokens.append(_Token("sign", match["sign"]))
    return tokens


def evaluate_condition(text: str, scope: MachineScope) -> bool:
    return _evaluate(parse_condition(text), scope) is True


def _evaluate(node: Node, scope: MachineScope) -> Any:
    if node.kind == "literal":
        return node.value
    if node.kind == "path":
        return look_up(node.value, scope)
    if node.kind == "not":
        return _evaluate(node.parts[0], scope) is not True
    left_part, right_part = node.parts
    left = _evaluate(left_part, scope)
    if node.value == "&&":
        return left is True and _evaluate(right_part, scope) is True
    if node.value == "||":
        return left is True or _evaluate(right_part, scope) is True
    return _combine(node.value, left, _evaluate(right_part, scope))


def _combine(sign: str, left: Any, right: Any) -> bool:
    if sign == "==":
        return is_same(left, right)
    if sign == "!=":
        return not is_same(left, right)
    if sign == "in":
        return isinstance(right, list) and any(is_same(left, item) for item in right)
    if isinstance(left, str) and isinstance(right, str):
        # Ordered by UTF-16 code units, as everywhere on the platform.
        return _compare(sign, left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass"))
    return is_number(left) and is_number(right) and _compare(sign, left, right)


def _compare(sign: str, left: Any, right: Any) -> bool:
    if sign == "<":
        return bool(left < right)
    if sign == "<=":
        return bool(left <= right)
    return bool(left > right) if sign == ">" else bool(left >= right)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(left: Any, right: Any) -> bool:
    """Truth values are no numbers, and lists and objects equal themselves alone."""
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left is right
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def condition_paths(node: Node) -> list[str]:
    return [node.value] if node.kind == "path" else [path for part in node.parts for path in condition_paths(part)]


def is_truth_value(node: Node) -> bool:
    """Whether the outcome of a condition can be a truth value."""
    return node.kind != "literal" or isinstance(node.value, bool)
