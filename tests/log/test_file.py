"""The history of one record stays complete after every change of the file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.core.erasure import ERASED, Customer, DataSubject
from integration.log.file import LogFile

OLD, CUT, NEW = (datetime(year, 1, 1, tzinfo=UTC) for year in (2024, 2025, 2026))
ALL, REST = ["planned", "parked", "proven"], ["parked", "proven"]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    """A log of two records, a flow beside theirs, and a run as a whole; the first event is of long ago."""
    opened = LogFile(tmp_path / "log.duckdb", memory="256MB", threads=1)
    events = [
        _event("planned", "P1", OLD, sources=["A1"]), _event("proven", "P2", OLD), _event("run_done", "", OLD),
        _event("parked", "P1", NEW), _event("proven", "P1", NEW), _event("proven", "P1", NEW, flow="stock"),
    ]  # fmt: skip
    opened.take("a", [{**event, "id": number} for number, event in enumerate(events)])
    yield opened
    opened.close()


def _event(
    event: str, key: str, at: datetime, *, flow: str = "products", sources: list[str] | None = None
) -> dict[str, object]:
    return {
        "happened_at": at.replace(tzinfo=None).isoformat(), "run": "r", "flow": flow, "kind": "product", "key": key,
        "title": "Tea", "sources": json.dumps(sources or []), "event": event, "code": "", "facts": "{}",
        "before": None, "after": None, "ms": None,
    }  # fmt: skip


def history(file: LogFile, key: str, limit: int = 10) -> list[str]:
    """Return the history of a record of products."""
    parameters = {"flow": "products", "key": key, "limit": limit}
    return [str(event) for event in file.answer("history", "", parameters)["event"].to_pylist()]


def test_a_history_is_of_one_record_and_of_nothing_else(file: LogFile) -> None:
    assert history(file, "P1") == history(file, "A1") == ALL
    assert history(file, "P1", limit=2) == REST
    assert history(file, "P2") == ["proven"]
    assert history(file, "") == history(file, "P3") == []


@pytest.mark.parametrize("share", [0.0, 9.0])
def test_what_is_left_of_a_history_is_reported_after_retention(file: LogFile, share: float) -> None:
    parts = file.prune(CUT.replace(tzinfo=None), share)
    assert next(parts) == 3
    file.take("b", [{**_event("left", "P1", NEW), "id": 9}])  # comes in while the file is written anew, or after it
    assert set(parts) <= {3}
    assert history(file, "P1") == [*REST, "left"]
    assert history(file, "P2") == []
    file.close()  # which writes what is left elsewhere
    assert history(file, "P1") == [*REST, "left"]


def test_what_comes_in_while_the_file_is_written_anew_is_in_the_history(file: LogFile) -> None:
    parts = file.prune(CUT.replace(tzinfo=None), 0.0)
    assert (next(parts), next(parts)) == (3, 3)  # the second one is in the middle of it
    file.take("b", [{**_event("left", "P1", NEW), "id": 9}])
    assert not list(parts)
    assert history(file, "P1") == [*REST, "left"]


def test_a_history_is_reported_somebody_who_is_redacted(file: LogFile) -> None:
    event = {**_event("planned", "C1", NEW, flow="customers"), "kind": "relation", "title": "Mevrouw Jansen"}
    file.take("b", [{**event, "id": 1}])
    assert list(file.erase(DataSubject(Customer(debtor="C1"), identifying_words=frozenset({"Jansen"}))))[-1] == 1
    answer = file.answer("history", "", {"flow": "customers", "key": "C1", "limit": 10})
    assert answer["title"].to_pylist() == [ERASED]


def test_a_copy_for_a_backup_tells_lives_too(file: LogFile, tmp_path: Path) -> None:
    assert list(file.copy(tmp_path / "copy.duckdb", "a", 99, []))[-1] == 6
    copy = LogFile(tmp_path / "copy.duckdb", memory="256MB", threads=1)
    try:
        assert history(copy, "A1") == ALL
    finally:
        copy.close()
