"""Modules that a command and the first page import: each takes time before anything is shown."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores import prepare

ROOT = Path(__file__).parent.parent
SLOW = {
    "alembic", "apprise", "duckdb", "holidays", "httpx", "joserfc", "lxml", "numpy", "pandas", "PIL", "plotly",
    "pyarrow", "streamlit", "urllib3", "xlsxwriter", "zeep",
}  # fmt: skip
OF_DATA = {"babel", "cryptography", "pydantic", "sqlalchemy", "structlog"}


def imported_modules(tmp_path: Path, *arguments: str) -> set[str]:
    """Return the names of all modules that Python imports with these arguments."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=ROOT, env={"CONSOLE_DATA": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = (line.rpartition("|") for line in ended.stderr.splitlines() if line.startswith("import time:"))
    return {name.strip() for _, _, name in lines}


@pytest.mark.parametrize(
    ("command", "limit", "needless"),
    [("--version", 200, SLOW | OF_DATA), ("--help", 380, SLOW | OF_DATA), ("runs", 690, SLOW | {"cryptography"})],
)
def test_a_command_imports_no_library_that_it_does_not_use(
    tmp_path: Path, command: str, limit: int, needless: set[str]
) -> None:
    if command == "runs":
        prepare(tmp_path / "console.sqlite")

    modules = imported_modules(tmp_path, "-m", "integration", command)

    assert modules & needless == set()
    assert len(modules) <= limit


def test_the_first_page_is_drawn_without_pandas(tmp_path: Path) -> None:
    page = (ROOT / "pages" / "overview.py").read_text(encoding="utf-8")
    parts = re.findall(r"^from (pages\.[\w.]+) import", page, re.MULTILINE)

    modules = imported_modules(tmp_path, "-c", f"import {', '.join(parts)}")

    assert set(parts) <= modules
    assert "pandas" not in modules
