"""The runner of the suite reports failures, names tests that pass at the second try, and leaves no process."""

from datetime import date
from pathlib import Path

import psutil
import pytest

from tests import suite

PASSES = "def test_passes(): pass\n"
FAILS = "def test_fails(): assert 'always' == 'so'\n"
FAILS_ONCE = """
from pathlib import Path
def test_late():
    tried = Path(__file__).with_suffix(".tried")
    again = tried.exists()
    tried.touch()
    assert again, "the page came late"
"""
LEAVES = """
import subprocess, sys
from pathlib import Path
def test_leaves_a_process():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    Path("left").write_text(str(left.pid))
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without tests, of which pytest loads no more than it needs."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-q -p xdist.plugin -p no:cacheprovider")
    (tmp_path / "pytest.ini").touch()
    (tmp_path / suite.COMPILED).parent.mkdir(parents=True)
    (tmp_path / suite.COMPILED).touch()
    (tmp_path / "tests" / "unsteady.csv").write_text("test,date,reason\n", encoding="utf-8")
    return tmp_path


def run(root: Path, **files: str) -> int:
    for name, text in files.items():
        path = root / "tests" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    paths = [str(path.relative_to(root)) for path in sorted(root.glob("tests/**/test_*.py"))]
    return suite.run(root, "not long", paths, beside=0, browsers=1)


def test_a_file_that_passes_alone_is_unsteady_and_named_with_its_first_failure(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / suite.COMPILED).unlink()
    assert run(root, test_busy=FAILS_ONCE, test_calm=PASSES, test_leaving=LEAVES, browser__test_page=FAILS_ONCE) == 0

    assert capfd.readouterr().out.splitlines()[-2:] == [
        "unsteady: tests/test_busy.py::test_late: AssertionError: the page came late",
        "unsteady: tests/browser/test_page.py::test_late: AssertionError: the page came late",
    ]
    assert (root / suite.COMPILED).exists()
    assert not psutil.pid_exists(int((root / "left").read_text(encoding="utf-8"))), "what tests leave at work is ended"


def test_a_file_that_fails_twice_is_red(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(root, test_wrong=FAILS) == 1

    assert capfd.readouterr().out.splitlines()[-1] == "Failed twice: tests/test_wrong.py"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"core__test_money": FAILS_ONCE}, "cents"),
        ({f"test_{number}": FAILS_ONCE for number in range(6)}, "more than 5 fail"),
        ({"test_broken": "def test_"}, "pytest ended with status 2"),
    ],
)
def test_no_second_try(root: Path, capfd: pytest.CaptureFixture[str], files: dict[str, str], reason: str) -> None:
    assert run(root, **files) == 1

    output = capfd.readouterr().out
    assert reason in output.splitlines()[-1]
    assert "Once more" not in output


def test_who_stands_among_the_unsteady_for_more_than_two_weeks_is_red(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = root / "tests" / "unsteady.csv"
    table.write_text("test,date,reason\ntests/test_a.py::test_a,2026-11-01,a slow page\n", encoding="utf-8")
    assert suite.overdue_tests(table, date(2026, 11, 15)) == []

    assert run(root, test_calm=PASSES) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "Unsteady for more than 14 days: tests/test_a.py::test_a"


def test_every_file_of_long_tests_belongs_to_a_group() -> None:
    files = [str(path.relative_to(suite.ROOT)) for path in suite.ROOT.glob("tests/**/test_*.py")]

    assert {suite.group_of(file) for file in files} == set(suite.GROUPS)
