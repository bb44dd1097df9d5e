import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"

AGENT = 'from soma import Worker\n\nworker = Worker("a", "A.")\n'


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "soma.lint", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "reach",
    [
        "from soma.clients import connect\n",
        "import soma.clients\n",
        "from soma import clients\n",
        "def load() -> None:\n    import soma.clients.http as http\n",
    ],
)
def test_an_agent_that_imports_a_client_is_refused_and_passes_without_it(tmp_path: Path, reach: str) -> None:
    file = tmp_path / "agents" / "agent.py"
    file.parent.mkdir()
    file.write_text(AGENT + reach)
    refused = lint(tmp_path)
    assert refused.returncode == 1
    assert "agent.py:" in refused.stdout
    file.write_text(AGENT)
    assert lint(tmp_path).returncode == 0


def test_a_script_without_an_agent_may_use_clients(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("from soma.clients import connect\n")
    assert lint(tmp_path).returncode == 0
