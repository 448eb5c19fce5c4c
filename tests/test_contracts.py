"""The import contracts of the layout: each violation fails the check."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
INSIDE = {"access", "work", "closing"}  # parts of the application that serve its services alone
PAGES = [*sorted(ROOT.glob("pages/**/*.py")), ROOT / "app.py"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the checked files, to break a contract in."""
    for name in ("integration", "pages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run_check(tree: Path, *command: str) -> str:
    process = subprocess.run([BIN / command[0], *command[1:]], cwd=tree, capture_output=True, text=True, check=False)
    return "" if process.returncode == 0 else process.stdout + process.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("line", "contract"),
    [
        ("import duckdb", "duckdb is imported in one place"),
        ("import sqlalchemy", "sqlalchemy is imported in one place"),
        ("from integration.store.runs import RunStore", "pages ask services"),
        ("from integration.log.logbook import Logbook", "pages ask services"),
        ("from integration.connectors.http import Gateway", "pages ask services"),
        ("from integration.application import bootstrap", "one page piece gets the application"),
    ],
)
def test_a_page_that_reaches_past_services_fails_the_check(tree: Path, line: str, contract: str) -> None:
    page = tree / "pages" / "runs.py"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    output = run_check(tree, "lint-imports", "--no-cache")

    assert f"{contract}" in output
    assert "BROKEN" in output


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("services/stray.py", "import duckdb", "duckdb is imported in one place"),
        ("core/stray.py", "import httpx", "httpx is imported in one place"),
        ("runner/stray.py", "import sqlalchemy", "sqlalchemy is imported in one place"),
        ("core/stray.py", "import dbos", "dbos is imported in one place"),
        ("stray.py", "", "imports point one way"),  # a module that no layer names
        ("flows/stray.py", "", "every flow is above its specification and below the registry"),
        ("services/stray.py", "from integration.flows.days import logic", "services and runner import no flow"),
        ("services/stray.py", "from integration.flows.stock.spec import STOCK", "services and runner import no flow"),
        ("sandbox/stray.py", "from integration.core.records import Record", "the sandbox shares nothing"),
        ("core/stray.py", "from pages.components.shared import layout", "nothing depends on pages"),
    ],
)
def test_a_module_that_violates_a_contract_fails_the_check(tree: Path, module: str, line: str, contract: str) -> None:
    (tree / "integration" / module).write_text(f"{line}\n", encoding="utf-8")

    output = run_check(tree, "lint-imports", "--no-cache")
    assert re.search(rf"^{contract}.* BROKEN", output, re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("print(app.runs._stored)", "SLF001"),
        ('getattr(app.runs, "_stored")', "B009"),
        ("import importlib; importlib.import_module('duckdb')", "TID251"),
    ],
)
def test_a_page_that_gets_round_the_contracts_fails_the_check(tree: Path, line: str, rule: str) -> None:
    page = tree / "pages" / "runs.py"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    assert rule in run_check(tree, "ruff", "check", "--no-cache", "pages/runs.py")


def test_no_page_asks_what_serves_services_alone() -> None:
    assert [page.name for page in PAGES if attributes_of_application(page) & INSIDE] == []


def attributes_of_application(page: Path) -> set[str]:
    """Return the names that a page asks of the application."""
    return {
        node.attr
        for node in ast.walk(ast.parse(page.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("app", "application")
    }


def test_no_file_switches_a_check_off_for_itself() -> None:
    files = [
        file
        for name in ("integration", "pages", "tests", "benchmarks", "scripts")
        for file in (ROOT / name).rglob("*.py")
    ]
    marker = "# ruff: " + "noqa"
    assert [file for file in files if marker in file.read_text(encoding="utf-8")] == []
