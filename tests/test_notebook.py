"""The notebook, run as an analyst runs it: beside a console that is at work, and without one."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.consoles import Console, open_application
from tests.timeouts import SECONDS

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
NAMES = ("the-log", "the-days", "the-stock")
MAX_BYTES = 20_000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a console that has written the products of a small sandbox."""
    folder = tmp_path_factory.mktemp("console")
    with open_application(folder, sandbox=True) as application:
        desk = Console(application)
        for flow in ("products", "stock", "days"):
            desk.run(flow)
    return folder


@contextmanager
def running(data: Path) -> Iterator[None]:
    """Run a console on these data for the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"CONSOLE_DATA": str(data), "CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "60"}
    server = subprocess.Popen(
        [sys.executable, "-m", "integration", "console", "--port", str(port)], cwd=ROOT,
        env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + SECONDS
        while not _is_healthy(port):
            assert server.poll() is None, "the console does not start"
            assert time.monotonic() < until, "the console does not start"
            time.sleep(0.1)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=SECONDS)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _notebook(name: str) -> Any:
    return nbformat.reads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def run_notebook(data: Path, name: str) -> list[dict[str, Any]]:
    """Return the outputs of the notebook by their kinds, one for each cell that gives any."""
    notebook = _notebook(name)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONSOLE_DATA", str(data))
        client = NotebookClient(notebook, timeout=int(SECONDS), resources={"metadata": {"path": str(NOTEBOOKS)}})
        client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    return [cell.outputs[-1]["data"] for cell in cells]


@pytest.mark.long
@pytest.mark.processes
def test_the_notebooks_answer_their_questions_while_the_console_runs_and_without_it(data: Path) -> None:
    with running(data):
        assert (data / "server.json").exists()
        beside = {name: run_notebook(data, name) for name in NAMES}
    assert not (data / "server.json").exists()
    alone = run_notebook(data, "the-log")

    for outputs in (beside["the-log"], alone):
        assert len(outputs) == 5
        assert "proven" in outputs[0]["text/html"]
        assert "products" in outputs[0]["text/html"]
        assert "application/vnd.plotly.v1+json" in outputs[1]
        assert "ean_check_digit" in outputs[2]["text/html"]
    assert beside["the-log"][0]["text/plain"] == alone[0]["text/plain"]
    overview, each_day, *_ = beside["the-days"]
    assert "parked" in overview["text/html"]
    assert "application/vnd.plotly.v1+json" in each_day
    drawn, turnover, _ = beside["the-stock"]
    assert "application/vnd.plotly.v1+json" in drawn
    assert "turnover" in turnover["text/html"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_small_and_without_anybody_s_answers_and_begins_with_its_question(name: str) -> None:
    notebook = _notebook(name)
    nbformat.validate(notebook)
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < MAX_BYTES
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    assert notebook.cells[0].source.split("\n")[0].endswith("?")
