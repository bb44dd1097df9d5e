"""Reads of what may not be there."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from soma.problem import Problem

Value = TypeVar("Value")


async def absent_as_none(read: Awaitable[Value]) -> Value | None:
    """`not-found` is None, every other problem is raised."""
    try:
        return await read
    except Problem as error:
        if error.code != "not-found":
            raise
        return None


async def ignoring_conflict(work: Awaitable[Value]) -> Value | None:
    """Makes a repeated call harmless: what exists already with other content was made by an earlier run that counts.
    None then, else the answer."""
    try:
        return await work
    except Problem as error:
        if error.code != "conflict":
            raise
        return None
