"""Who was erased, by marks that hold nothing of them, in the database and in a file."""

import json
import stat
from pathlib import Path

import pytest

from integration.store.database import Database
from integration.store.erased import Erased, mark_of, read_file
from tests.clocks import Clock

NUMBERS = [("debtor", "39001"), ("relation", "62")]


def test_numbers_are_held_out_until_somebody_lifts_them(database: Database, clock: Clock, tmp_path: Path) -> None:
    erased = Erased(database, clock, tmp_path / "console.erased")
    assert erased.held(NUMBERS) == set()
    name = erased.begin(NUMBERS, "anna")
    assert erased.begin(NUMBERS[:1], "anna") == name
    assert erased.held([*NUMBERS, ("relation", "39001")]) == set(NUMBERS)
    assert {one.done_at for one in erased.every()} == {None}
    erased.finish(name, "anna")
    assert None not in {one.done_at for one in erased.every()}
    assert erased.lift(NUMBERS[1:], "anna")
    assert not erased.lift(NUMBERS, "anna")
    assert erased.held(NUMBERS) == set()


def test_the_list_holds_nothing_of_a_person_and_outlives_the_database(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "console.erased"
    Erased(database, clock, file).begin(NUMBERS, "anna")
    text = file.read_text(encoding="utf-8")
    assert [one for one in ("39001", '"62"', "anna") if one in text] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = Erased(database, clock)
    assert {one.mark for one in read_file(file)} == {other.mark(*one) for one in NUMBERS}
    assert len(other.take_in(read_file(file))) == len(NUMBERS)  # begun, and not finished here
    assert mark_of("another", "debtor", "39001") != other.mark("debtor", "39001")


@pytest.mark.parametrize("told", ["{}", "[]", "no list", json.dumps({"mark": "m", "person": "p", "begun_at": None})])
def test_a_file_that_is_no_list_is_told(tmp_path: Path, told: str) -> None:
    (tmp_path / "list").write_text(told, encoding="utf-8")
    with pytest.raises(ValueError, match=r"."):
        read_file(tmp_path / "list")
