"""The application as a whole: left and found again after a restart, and what keeps it from being built."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from integration.bootstrap import build
from integration.core.errors import ConfigurationError
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.services import Application
from integration.settings import load_settings
from tests.consoles import opened, settled
from tests.people import somebody

ROOT = Path(__file__).parent.parent


def synced(application: Application) -> Run:
    """Preview everything, and commit it where there is something to commit."""
    run = settled(
        application, application.runs.preview(PreviewRequest("products", by=somebody("test"), mode=Mode.COMPLETE))
    )
    if run.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in run.brakes}
        application.runs.commit(run.id, Approval(run.fingerprint, "test", confirmed=confirmed))
        run = settled(application, run.id)
    return run


@pytest.mark.long
def test_what_was_proven_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, sandbox=True) as application:
        first = synced(application)
    with opened(tmp_path, sandbox=True) as application:
        second = synced(application)

    assert first.counts.proven > 0
    assert (second.counts.proven, second.counts.unchanged) == (0, first.counts.proven)
    assert second.state is RunState.DONE


def test_a_folder_that_cannot_be_used_is_told_by_its_setting() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build(load_settings(data=Path("/proc/nowhere")))

    assert caught.value.facts["setting"] == "CONSOLE_DATA"


def test_a_database_of_another_make_is_told_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "console.sqlite").write_text("no database " * 100, encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        build(load_settings(data=tmp_path))

    assert caught.value.facts["setting"] == "CONSOLE_DATA"


@pytest.mark.parametrize("place", [0, 4_096])
def test_a_file_of_the_engine_that_cannot_be_read_is_told_by_its_name(tmp_path: Path, place: int) -> None:
    if place:
        with opened(tmp_path):
            pass
    with (tmp_path / "engine.sqlite").open("r+b" if place else "wb") as file:
        file.seek(place)
        file.write(b"nonsense" * 10_000)
    with pytest.raises(ConfigurationError, match=r"setting_invalid.*engine\.sqlite"), opened(tmp_path):
        pass


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no core files")
def test_a_process_that_dies_leaves_no_core_file(tmp_path: Path) -> None:
    script = """
import os, resource, signal, sys
from pathlib import Path
from integration.bootstrap import build
from integration.settings import load_settings
build(load_settings(data=Path(sys.argv[1]) / "data", _env_file=None)).close()
print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.kill(os.getpid(), signal.SIGABRT)
"""
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -c unlimited 2>/dev/null; cd "$1" && exec "$2" -c "$3" "$1"', "sh", str(tmp_path),
         sys.executable, script],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.strip() == "(0, 0)", done.stderr
    assert done.returncode == -signal.SIGABRT
    assert list(tmp_path.glob("core*")) == []
