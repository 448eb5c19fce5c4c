"""The register of erased people: marks without personal data, in the database and in a file."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.alerts.incidents import Problem, ProblemType
from integration.application.stores import Stores, stores_of
from integration.core.drift import DriftedRecord
from integration.core.issues import Issue, IssueOccurrence
from integration.core.records import Kind
from integration.store.database import Database
from integration.store.days import DayCheckResult
from integration.store.erasure_register import (
    ErasedSinceReadError,
    ErasureRegister,
    SoFar,
    read_erasures,
    subject_pseudonym,
)
from integration.store.tables import day_checks, drift_samples, incidents, issues
from tests.clocks import Clock
from tests.core.days.example import DAY

NUMBERS = [("debtor", "39001"), ("relation", "62")]
SYMPTOM = Problem(ProblemType.RECORDS, "debtor_unclear", "orders", facts={"name": "Zwiebelquast"})
MET = IssueOccurrence(Issue("price_charged_otherwise", "39001", "10"), "relation", "Zwiebelquast")
LOOKS: dict[str, tuple[sa.Table, Callable[[Stores, SoFar], object]]] = {
    "alerts": (incidents, lambda stores, so_far: stores.incidents.begin(SYMPTOM, [], so_far)),
    "issues": (issues, lambda stores, so_far: stores.issues.store_check_result("customers", [], (), [MET], so_far)),
    "days": (
        day_checks,
        lambda stores, so_far: stores.days.keep(
            [DayCheckResult(DAY, "1", "different", stores.erasure_register.clock(), {"name": "Zwiebelquast"})],
            so_far,
        ),
    ),
    "drift": (
        drift_samples,
        lambda stores, so_far: stores.drifts.differ(
            "orders",
            Kind.SALES_ORDER,
            stores.erasure_register.clock(),
            [DriftedRecord("doc-1", "Zwiebelquast", "7")],
            so_far,
        ),
    ),
}
"""Checks that store a result of their reading, each with its table."""


def test_numbers_are_held_out_until_somebody_lifts_them(database: Database, clock: Clock, tmp_path: Path) -> None:
    erased = ErasureRegister(database, clock, tmp_path / "console.erased")
    assert erased.excluded_numbers(NUMBERS) == set()
    name = erased.begin(NUMBERS, "anna")
    assert erased.begin(NUMBERS[:1], "anna") == name
    assert erased.excluded_numbers([*NUMBERS, ("relation", "39001")]) == set(NUMBERS)
    assert {erasure.done_at for erasure in erased.list_erasures()} == {None}
    erased.finish(name, "anna")
    assert None not in {erasure.done_at for erasure in erased.list_erasures()}
    assert erased.lift(NUMBERS[1:], "anna")
    assert not erased.lift(NUMBERS, "anna")
    assert erased.excluded_numbers(NUMBERS) == set()


def test_the_list_holds_nothing_of_a_person_and_outlives_the_database(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "console.erased"
    ErasureRegister(database, clock, file).begin(NUMBERS, "anna")
    text = file.read_text(encoding="utf-8")
    assert [value for value in ("39001", '"62"', "anna") if value in text] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = ErasureRegister(database, clock)
    assert {entry.mark for entry in read_erasures(file)} == {other.mark(*entry) for entry in NUMBERS}
    assert len(other.merge(read_erasures(file))) == len(NUMBERS)  # begun, and not finished here
    assert subject_pseudonym("another", "debtor", "39001") != other.mark("debtor", "39001")


@pytest.mark.parametrize("look", LOOKS)
def test_what_was_read_before_somebody_was_erased_is_not_written_down(
    database: Database, clock: Clock, look: str
) -> None:
    stores, (table, write) = stores_of(database, clock), LOOKS[look]
    steps = (
        lambda: stores.erasure_register.begin(NUMBERS, "anna"),
        lambda: stores.erasure_register.sweep_again(stores.erasure_register.person_id(NUMBERS)),
        lambda: stores.erasure_register.finish(stores.erasure_register.person_id(NUMBERS), "anna"),
    )
    for step in steps:
        so_far = stores.erasure_register.state()
        clock.advance(1)
        step()
        with pytest.raises(ErasedSinceReadError):
            write(stores, so_far)
        assert database.rows(sa.select(table)) == []
    write(stores, stores.erasure_register.state())
    assert len(database.rows(sa.select(table))) == 1


def test_a_look_is_done_anew_where_somebody_was_erased_in_it(database: Database, clock: Clock) -> None:
    stores = stores_of(database, clock)
    reads: list[str] = []

    def look(so_far: SoFar) -> int:
        reads.append("anew" if reads else "first")
        if len(reads) == 1:
            stores.erasure_register.begin(NUMBERS, "anna")
        stores.incidents.begin(SYMPTOM, [], so_far)
        return len(reads)

    assert stores.erasure_register.retry_if_erased(look) == len(reads) == len(stores.incidents.open_incidents()) + 1


@pytest.mark.parametrize(
    "content", ["{}", "[]", "no list", json.dumps({"mark": "m", "person": "p", "started_at": None})]
)
def test_a_file_that_is_no_list_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "list").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"."):
        read_erasures(tmp_path / "list")
