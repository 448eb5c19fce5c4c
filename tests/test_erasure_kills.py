"""A process is killed during an erasure, at many moments: the erasure is finished later, and nothing is found."""

import shutil
from pathlib import Path

import pytest

from tests.consoles import Console, open_application
from tests.forks import start_process
from tests.planted_person import ME, NUMBER, Shop, at_rest_on, erase_until, hits
from tests.timeouts import SECONDS

pytestmark = pytest.mark.long

MOMENTS = 22  # touches of the database or of a file at which a process dies, from the first to the last
LAST = 6  # and at each of so many right before it is done
STAGES = [("database", 0.0), ("log", 0.0), ("log", 0.02), ("log", 0.1), ("log", 0.4), ("files", 0.0), ("files", 0.05)]


@pytest.fixture(scope="module")
def planted_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a console at rest that has the person."""
    data = tmp_path_factory.mktemp("data") / "data"
    with open_application(data, sandbox=True, sandbox_articles=50) as application:
        shop = Shop(Console(application), data, whole=False)
        shop.run("products", "10001")
        shop.plant()
    assert hits(data)
    return data


@pytest.fixture(scope="module")
def touches(planted_data: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The number of touches of an erasure that is not killed."""
    folder = tmp_path_factory.mktemp("whole")
    assert erase_and_die(folder, planted_data, 0) == 0
    assert hits(folder / "data") == {}
    return int((folder / "told").read_text(encoding="utf-8"))


def erase_and_die(folder: Path, planted: Path, moment: int, stage: str = "", seconds: float = 0.0) -> int | None:
    """Erase in a process that dies, on a copy of the folder, and return how it ended."""
    shutil.copytree(planted, folder / "data")
    process = start_process(erase_until, folder / "data", moment, folder / "told", stage, seconds)
    process.join(SECONDS)
    assert process.exitcode in (0, -9)
    return process.exitcode


def finish_erasure(data: Path) -> None:
    """Finish an interrupted erasure, or start one if none was started."""
    with at_rest_on(data) as application:
        persons = application.data_subjects
        customer = persons.customer(debtor=NUMBER)
        if not persons.resume(ME) and not persons.stored_data(customer).is_excluded:
            persons.erase(customer, NUMBER, ME)
        assert persons.unfinished() == []
        assert persons.stored_data(customer).is_excluded
        assert application.audit.verify().broken is None
    assert hits(data) == {}


@pytest.mark.parametrize("part", range(MOMENTS + LAST))
def test_whatever_moment_it_is_killed_at_it_is_finished(
    planted_data: Path, touches: int, tmp_path: Path, part: int
) -> None:
    moment = 1 + part * (touches - 1) // (MOMENTS - 1) if part < MOMENTS else touches - (part - MOMENTS) - 1
    assert erase_and_die(tmp_path, planted_data, moment) == -9
    finish_erasure(tmp_path / "data")


@pytest.mark.parametrize(("stage", "seconds"), STAGES, ids=str)
def test_killed_while_the_log_or_the_files_are_written_anew(
    planted_data: Path, tmp_path: Path, stage: str, seconds: float
) -> None:
    erase_and_die(tmp_path, planted_data, 0, stage, seconds)  # a fast machine may be done before
    finish_erasure(tmp_path / "data")
