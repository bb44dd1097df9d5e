"""Ids that follow from what they are for, so that a second run makes the same ones."""

from __future__ import annotations

import uuid
from typing import Final

# UUIDv5 of `https://soma/derived`. Fixed for ever: another value would double what a crash repeats.
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://soma/derived")
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def derived_uuid(*parts: str | int) -> str:
    """UUIDv5 (RFC 9562) of the parts: the same on every run, in every language."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(map(str, parts))))


def derived_id(prefix: str, *parts: str | int) -> str:
    """A derived TypeID: `task_…`."""
    return to_id(prefix, derived_uuid(*parts))


def to_id(prefix: str, uuid_text: str) -> str:
    """A uuid as a TypeID: 26 characters of 5 bits."""
    number = uuid.UUID(uuid_text).int
    return f"{prefix}_{''.join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))}"
