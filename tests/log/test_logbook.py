import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from integration.core.errors import ConfigurationError
from integration.log.file import QUERIES
from integration.log.logbook import Logbook
from integration.log.sql_allowlist import QueryError
from integration.log.statements import queries
from integration.store.database import Database
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader
from tests.timeouts import wait_until


def test_drained_events_leave_the_outbox_and_are_not_drained_again(
    logbook_of_run: Logbook, events: OutboxReader
) -> None:
    assert events.count() == 0
    assert logbook_of_run.drain(events) == 0
    assert len(logbook_of_run.ask("FROM events")) == 7


def test_a_log_without_its_list_of_records_gets_it_when_it_is_opened(logbook: Logbook, events: OutboxReader) -> None:
    events.record(Event(event="proven", flow="stock", kind="stock", key="1001", sources=("1001",), title="Bel"))
    logbook.drain(events)
    logbook.close()
    with duckdb.connect(str(logbook.path)) as before:
        before.execute("DROP TABLE records")
    assert list(logbook.ask("SELECT key FROM records")["key"]) == ["1001"]
    events.record(Event(event="sent", flow="stock", kind="stock", key="1001", sources=("1001",), title="Bel"))
    logbook.drain(events)
    assert list(logbook.ask("SELECT key FROM records")["key"]) == ["1001"]


def test_every_query_is_named_and_explained_in_a_line() -> None:
    texts_by_name = queries(QUERIES.read_text(encoding="utf-8"))
    assert len(texts_by_name) >= 7
    assert all(text.startswith("-- ") for text in texts_by_name.values())


def test_the_log_is_exported_as_csv_and_parquet(shared_logbook: Logbook, tmp_path: Path) -> None:
    assert shared_logbook.export(tmp_path / "log.csv") == 7
    with (tmp_path / "log.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event"] for row in rows][:2] == ["run_started", "planned"]
    assert rows[1]["sources"] == "A1 A2"
    assert shared_logbook.export(tmp_path / "log.parquet") == 7
    assert pq.read_table(tmp_path / "log.parquet").column("title").to_pylist()[2] == "Köffie 100%"


@pytest.mark.processes
def test_a_file_that_another_process_holds_is_named_with_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "log.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(ConfigurationError) as caught:
            Logbook(path).open()
        owner.communicate()
    assert caught.value.code == "log_owned_elsewhere"
    assert caught.value.facts["process"] == str(owner.pid)


SOME_BYTES = 4_096


def cut(file: Path) -> None:
    """Leave half of a file."""
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def scratch_at(place: int) -> Callable[[Path], None]:
    """Return a function that overwrites a part of a file."""

    def scratch(file: Path) -> None:
        with file.open("r+b") as opened:
            opened.seek(place)
            opened.write(b"\xa5" * 200)

    return scratch


def write_newer_file(file: Path) -> None:
    """Write a file that a later version of DuckDB would have written."""
    with file.open("r+b") as opened:
        opened.seek(12)
        opened.write((1_000_000).to_bytes(8, "little"))


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(b"something else" * 1000),
        pytest.param(lambda file: file.write_bytes(b""), marks=pytest.mark.long),
        pytest.param(lambda file: file.write_bytes(bytes(20_000)), marks=pytest.mark.long),
        pytest.param(cut, marks=pytest.mark.long), write_newer_file,
        *(pytest.param(scratch_at(place), marks=pytest.mark.long) for place in (4_100, 8_200, 12_300)),
    ],
    ids=["garbage", "empty", "zeros", "cut", "newer", "header", "second-header", "first-block"],
)  # fmt: skip
def test_a_log_that_cannot_be_read_is_set_aside_and_another_one_begun(
    logbook_of_run: Logbook, events: OutboxReader, harm: Callable[[Path], None]
) -> None:
    logbook_of_run.close()
    harm(logbook_of_run.path)
    old_bytes = logbook_of_run.path.read_bytes()[:SOME_BYTES]
    events.record(Event(event="checked"))

    while logbook_of_run.drain(events):
        pass

    (aside,) = logbook_of_run.broken_files()
    assert re.fullmatch(r"log\.duckdb\.broken-\d{8}-\d{6}", aside)
    assert logbook_of_run.path.with_name(aside).read_bytes()[:SOME_BYTES] == old_bytes
    assert list(logbook_of_run.ask("SELECT event FROM events ORDER BY id")["event"]) == ["checked", "log_replaced"]
    assert events.count() == 0


def test_a_log_that_turns_out_broken_at_work_is_set_aside_too(logbook_of_run: Logbook, events: OutboxReader) -> None:
    logbook_of_run.close()
    with duckdb.connect(str(logbook_of_run.path)) as long:
        long.execute("INSERT INTO records (title) SELECT md5(range::VARCHAR) FROM range(100000)")
    size = logbook_of_run.path.stat().st_size
    for place in range(size // 3, size - 300_000, 100_000):
        scratch_at(place)(logbook_of_run.path)
    with pytest.raises(ConfigurationError) as caught:
        logbook_of_run.ask("SELECT max(title) FROM records")
    assert caught.value.code == "log_broken"
    logbook_of_run.drain(events)
    assert len(logbook_of_run.broken_files()) == 1
    assert list(logbook_of_run.ask("SELECT event FROM events")["event"]) == ["log_replaced"]


def test_a_log_that_only_is_not_ours_to_open_is_left_alone(tmp_path: Path, events: OutboxReader) -> None:
    (tmp_path / "log.duckdb").mkdir()
    logbook = Logbook(tmp_path / "log.duckdb")
    with pytest.raises(ConfigurationError) as caught:
        logbook.drain(events)
    assert caught.value.code == "setting_invalid"
    assert logbook.broken_files() == []


def test_a_question_that_only_says_so_sets_nothing_aside(shared_logbook: Logbook) -> None:
    with pytest.raises(QueryError):
        shared_logbook.ask("SELECT error('Corrupt database file: computed checksum')")
    assert len(shared_logbook.ask("FROM events")) == 7
    assert shared_logbook.broken_files() == []


def test_the_background_brings_events_in_and_a_stop_leaves_none_behind(logbook: Logbook, events: OutboxReader) -> None:
    assert logbook.ask("FROM events").empty
    logbook.start(events)
    events.record(Event(event="first"))
    wait_until(lambda: not logbook.ask("FROM events").empty, "the first event", pause=0.05)
    assert len(logbook.ask("FROM events")) == 1
    events.record(Event(event="second"))
    logbook.stop()
    assert events.count() == 0
    assert list(logbook.ask("SELECT event FROM events ORDER BY id")["event"]) == ["first", "second"]


def test_databases_with_the_same_ids_are_distinguished(
    logbook: Logbook, events: OutboxReader, database: Database
) -> None:
    class OtherEvents:
        """Another database whose event happens to have the id of the first."""

        instance = "elsewhere"

        def __init__(self) -> None:
            self.rows = events.texts_waiting(1)

        def texts_waiting(self, _limit: int) -> list[dict[str, object]]:
            return self.rows

        def forget(self, _ids: object) -> None:
            self.rows = []

        def recreate_events(self, _file: str) -> None:
            raise AssertionError("nothing is broken")

    events.record(Event(event="checked"))
    other = OtherEvents()
    assert logbook.drain(other) == 1
    assert logbook.drain(events) == 1
    assert sorted(logbook.ask("SELECT instance FROM events")["instance"]) == sorted([database.instance, "elsewhere"])
