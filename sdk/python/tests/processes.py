"""Processes of a test, and waiting for what they do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent / "programs"
# How long anything that is awaited may take on a loaded machine.
BOUND_S = 90.0
NODE = ["node", "--conditions=@soma/source", "--import", "tsx"]


class Program:
    """A process whose standard output is read line by line."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._out = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stdin=subprocess.DEVNULL
            )

    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    async def said(self, text: str, times: int = 1) -> None:
        """Waits until a line was printed so many times."""
        await until(lambda: self._has_said(text, times))

    async def _has_said(self, text: str, times: int) -> bool | None:
        if self.lines().count(text) >= times:
            return True
        if self._process.poll() is not None:
            raise AssertionError(f"the program ended with {self._process.returncode} before it said {text!r}")
        return None

    async def ended(self) -> int:
        return await until(self._poll)

    async def _poll(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> None:
        self._process.terminate()


def python_program(name: str, environment: Mapping[str, str], log: Path) -> Program:
    source = {"PYTHONPATH": str(ROOT / "sdk/python/src")}
    return Program([sys.executable, str(PROGRAMS / name)], {**source, **environment}, log)


def node_program(path: str, environment: Mapping[str, str], log: Path, *words: str) -> Program:
    return Program([*NODE, path, *words], environment, log)


async def until(read: Callable[[], Awaitable[Value | None]]) -> Value:
    """Reads until there is something to read."""
    deadline = time.monotonic() + BOUND_S
    while time.monotonic() < deadline:
        value = await read()
        if value is not None:
            return value
        await asyncio.sleep(0.025)
    raise AssertionError("it never came")


def address_of(data_directory: Path) -> Any:
    return json.loads((data_directory / "server.json").read_text())
