"""One embedded platform for all tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processes import Program, address_of, node_program, python_program, until


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`soma serve` on an embedded database."""
    folder = tmp_path_factory.mktemp("server")
    data = folder / "data"
    words = ("serve", "--port", "0", "--data", str(data))
    server = node_program("apps/cli/src/main.ts", {}, folder / "log", *words)

    async def ready() -> str | None:
        return str(address_of(data)["url"]) if (data / "server.json").exists() else None

    try:
        yield asyncio.run(until(ready))
    finally:
        server.kill()


@pytest.fixture
def spawn(url: str, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts programs, by their names, that reach the platform; they are ended with the test."""
    running: list[Program] = []

    def start(name: str, *words: str, **environment: str) -> Program:
        log = tmp_path / f"{len(running)}.log"
        reach = {"SOMA_URL": url, **environment}
        made = (
            python_program(name, reach, log)
            if name.endswith(".py")
            else node_program(f"e2e/python/{name}", reach, log, *words)
        )
        running.append(made)
        return made

    yield start
    for program in running:
        program.kill()
