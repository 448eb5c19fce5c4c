"""The wheel, installed in its own environment outside of the checkout: its contents, its command, its pages."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from playwright.sync_api import Page, expect

from integration import VERSION
from integration.flows.registry import FLOWS
from tests.programs import environment
from tests.servers import serve_console
from tests.timeouts import SECONDS

ROOT = Path(__file__).parents[2]
BESIDE = (
    "app.py",
    "pages",
    "static",
    "data/mappings",
    "data/words",
    "data/shipped_queries.sql",
    ".streamlit/config.toml",
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


def run(*command: str | Path, at: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end in a folder; names of settings without CONSOLE_."""
    variables = {**environment(**settings), "XDG_DATA_HOME": str(at / "share"), "PYTHONDONTWRITEBYTECODE": "1"}
    variables.pop("PYTHONPATH", None)
    return subprocess.run(
        command, cwd=at, env=variables, capture_output=True, text=True, check=False, timeout=3 * SECONDS
    )


def checkout_files(*places: str) -> set[str]:
    """Return the files at some places of the checkout, without the caches of Python."""
    roots = [ROOT / place for place in places]
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*")) if file.is_file()]
    return {file.relative_to(ROOT).as_posix() for file in files if file.suffix != ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is built from this checkout, with no network."""
    to = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    process = subprocess.run([*pip, "-w", str(to), str(ROOT)], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return next(to.glob("*.whl"))


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment in which the wheel is installed, and a folder away from every checkout."""

    home: Path
    at: Path

    @property
    def command(self) -> Path:
        """The command that was installed."""
        return self.home / ("Scripts/sluis.exe" if os.name == "nt" else "bin/sluis")

    def __call__(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run the command to its end."""
        return run(self.command, *arguments, at=self.at, **settings)

    def files(self) -> set[Path]:
        """Return every file of the program, without the caches of Python."""
        return {path for path in self.home.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def installation_of_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel in an empty environment that has only the libraries of the tests and none of our code."""
    home, at = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("elsewhere")
    venv.create(home)
    pip = (sys.executable, "-m", "pip", "--python", home, "install", "--quiet", "--no-deps", "--no-index", wheel)
    process = run(*pip, at=at)
    assert process.returncode == 0, process.stderr
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    installation = Installed(home, at)
    before = installation.files()
    yield installation
    assert installation.files() == before, "something was written among the files of the program"


def test_the_wheel_holds_one_package_with_every_file_that_is_shipped(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = message_from_bytes(archive.read(f"sluis-{VERSION}.dist-info/METADATA"))
    shipped = {f"integration/console/{name}" for name in checkout_files(*BESIDE)} | checkout_files("integration")

    assert {name.partition("/")[0] for name in names} == {"integration", f"sluis-{VERSION}.dist-info"}
    assert (shipped - names, [name for name in names if "/tests/" in name or name.endswith(".pyc")]) == (set(), [])
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = {str(Requirement(text)) for line in lines if (text := line.partition("#")[0].strip())}
    assert {str(Requirement(requirement)) for requirement in metadata.get_all("Requires-Dist", [])} == requirements
    assert (metadata["Name"], metadata["Version"]) == ("sluis", VERSION)


def test_the_installed_command_knows_itself_and_keeps_its_data_where_the_platform_does(
    installation_of_wheel: Installed,
) -> None:
    process = installation_of_wheel("runs")

    assert (process.returncode, process.stderr) == (0, "")
    assert "sluis preview products" in process.stdout
    assert (installation_of_wheel.at / "share" / "sluis" / "console.sqlite").exists()
    assert [path.name for path in installation_of_wheel.at.iterdir()] == ["share"]
    assert (installation_of_wheel.at / "share" / "sluis").stat().st_mode & 0o077 == 0 or os.name == "nt"


@pytest.mark.timeout(3 * SECONDS)
def test_the_installed_program_syncs_every_flow_of_the_sample_shop(installation_of_wheel: Installed) -> None:
    process = installation_of_wheel("demo", "--articles", "60", "--json")

    assert process.returncode == 0, process.stderr
    results: list[Any] = [json.loads(line) for line in process.stdout.splitlines()]
    assert {result.get("flow") for result in results} >= set(FLOWS) - {
        "payments"
    }  # whose method only a person can choose


@pytest.mark.browser
def test_the_installed_program_serves_its_pages(installation_of_wheel: Installed, page: Page, tmp_path: Path) -> None:
    at = tmp_path / "elsewhere"
    (at / "pages").mkdir(parents=True)
    (at / "pages" / "__init__.py").write_text("raise RuntimeError('not a page of ours')")
    command = ("console", "--port", "{port}")
    settings = {"CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "60"}

    with serve_console(
        tmp_path, settings=settings, command=command, program=str(installation_of_wheel.command), at=at
    ) as server:
        for place, heading in {"": "Overview", "mappings": "Mapping of", "stock": "Stock"}.items():
            page.goto(f"{server.address}/{place}", wait_until="commit")
            expect(page.get_by_role("heading", level=1, name=re.compile(heading))).to_be_visible()
        expect(page.get_by_role("navigation")).to_contain_text("Exceptions")
        assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('15px Plex'))")
        logo = page.locator("[data-testid=stSidebarLogo], [data-testid=stHeaderLogo], [data-testid=stLogo]").first
        assert logo.evaluate("one => one.naturalWidth > 0")
        assert server.outside == []
