"""The application as a whole: closed and opened again, and the errors that prevent its start."""

import gc
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from integration.application import bootstrap
from integration.application.application import Application
from integration.application.bootstrap import build
from integration.core.errors import ConfigurationError
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.settings import load_settings
from integration.words import say
from tests.consoles import ARTICLES, open_application, prepare_joined, wait_for_run
from tests.people import make_actor
from tests.stores import prepare_engine

ROOT = Path(__file__).parents[2]


def sync_products(application: Application) -> Run:
    """Preview all products, and commit the plan if it has changes."""
    run = wait_for_run(
        application, application.runs.preview(PreviewRequest("products", by=make_actor("test"), mode=Mode.COMPLETE))
    )
    if run.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in run.brakes}
        application.runs.commit(run.id, Approval(run.fingerprint, "test", confirmed=confirmed))
        run = wait_for_run(application, run.id)
    return run


@pytest.mark.long
def test_what_was_proven_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        first = sync_products(application)
    with open_application(tmp_path, sandbox=True) as application:
        second = sync_products(application)

    assert first.counts.proven > 0
    assert (second.counts.proven, second.counts.unchanged) == (0, first.counts.proven)
    assert second.state is RunState.DONE


def test_a_folder_that_cannot_be_used_is_reported_by_its_name() -> None:
    with pytest.raises(ConfigurationError, match=r"folder_not_writable.*/proc/nowhere"):
        build(load_settings(data=Path("/proc/nowhere")))


@contextmanager
def closing_all() -> Iterator[None]:
    """Close the resources that a failed start left open, without visiting older objects."""
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()


def delete_file(file: Path) -> None:
    """Take a file away."""
    file.unlink()


def spoil_file(file: Path) -> None:
    """Fill a file with unreadable content."""
    file.write_bytes(b"\xa9 nonsense\n" * 1_000)


def empty_file(file: Path) -> None:
    """Leave nothing of a file, as a copy does that was broken off at its beginning."""
    file.write_bytes(b"")


def delete_table(file: Path) -> None:
    """Take a table away from a database."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TABLE audit_head")


def damage_file(file: Path) -> None:
    """Overwrite a file from its second page on."""
    with file.open("r+b") as opened_file:
        opened_file.seek(4_096)
        opened_file.write(b"nonsense" * 10_000)


def folder(file: Path) -> None:
    """Put a folder in the place of a file."""
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("console.sqlite", delete_file, "database_file_missing"),
        ("console.sqlite", empty_file, "database_file_missing"),
        ("console.sqlite", spoil_file, "database_file_unusable"),
        ("console.sqlite", delete_table, "database_file_unusable"),
        ("console.sqlite", folder, "database_file_unusable"),
        ("console.key", delete_file, "key_file_missing"),
        ("console.key", spoil_file, "key_file_unusable"),
        ("console.key", folder, "key_file_unusable"),
        ("engine.sqlite", spoil_file, "engine_file_unusable"),
        ("engine.sqlite", damage_file, "engine_file_unusable"),
        ("engine.sqlite", folder, "engine_file_unusable"),
        ("sandbox.journal", spoil_file, "journal_file_unusable"),
        ("sandbox.journal", folder, "journal_file_unusable"),
    ],
)
def test_a_damaged_file_stops_the_start_with_its_name_and_what_to_do(
    tmp_path: Path, name: str, damage: Callable[[Path], None], code: str
) -> None:
    prepare_joined(tmp_path, ARTICLES)
    prepare_engine(tmp_path / "engine.sqlite")
    damage(tmp_path / name)
    before = sorted(path.name for path in tmp_path.iterdir())
    settings = load_settings(data=tmp_path, sandbox=True, sandbox_articles=ARTICLES)
    with pytest.raises(ConfigurationError) as caught, closing_all():
        build(settings).start()
    assert (caught.value.code, caught.value.facts["file"]) == (code, str(tmp_path / name))
    explanation = say(code, caught.value.facts)
    assert (str(tmp_path) in explanation.problem, "CONSOLE_DATABASE_URL" in explanation.do, bool(explanation.do)) == (
        True,
        False,
        True,
    )
    if name != "engine.sqlite" and "journal" not in name:
        assert before == sorted(path.name for path in tmp_path.iterdir())


def test_a_new_key_takes_the_place_of_a_file_that_is_lost(tmp_path: Path) -> None:
    prepare_joined(tmp_path, ARTICLES)
    (tmp_path / "console.key").unlink()
    build(load_settings(data=tmp_path, key="another key of the console")).close()


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no core files")
def test_a_process_that_dies_leaves_no_core_file(tmp_path: Path) -> None:
    script = """
import os, resource, signal, sys
from pathlib import Path
from integration.application.bootstrap import build
from integration.settings import load_settings
build(load_settings(data=Path(sys.argv[1]) / "data", _env_file=None)).close()
print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.kill(os.getpid(), signal.SIGABRT)
"""
    process = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -c unlimited 2>/dev/null; cd "$1" && exec "$2" -c "$3" "$1"', "sh", str(tmp_path),
         sys.executable, script],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout.strip() == "(0, 0)", process.stderr
    assert process.returncode == -signal.SIGABRT
    assert list(tmp_path.glob("core*")) == []


@pytest.fixture
def console_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    bootstrap.shut_down()
    monkeypatch.setenv("CONSOLE_DATA", str(tmp_path))
    yield tmp_path
    bootstrap.shut_down()


@pytest.mark.usefixtures("console_folder")
def test_sessions_are_known_before_the_engine_runs() -> None:
    opened = bootstrap.opened_application(serves=False)
    assert (opened.people.asks_log_in(), opened.work.executor) == (False, "")
    announced: list[Application] = []
    assert bootstrap.running_application(on_start=announced.append) is opened
    assert bootstrap.running_application(on_start=announced.append) is opened
    assert announced == [opened]
    assert opened.work.executor


@pytest.mark.usefixtures("console_folder")
def test_an_error_at_the_start_leaves_no_half_started_application() -> None:
    opened = bootstrap.opened_application(serves=False)

    def fail(_application: Application) -> None:
        raise ConfigurationError("journal_file_unusable", file="x")

    with pytest.raises(ConfigurationError, match="journal_file_unusable"):
        bootstrap.running_application(on_start=fail)
    assert bootstrap.opened_application(serves=False) is not opened
