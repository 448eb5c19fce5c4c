"""Corrections as they are kept: a mark of a record stays the same as long as what was said of it does."""

from integration.core.records import Correction, Kind
from integration.store.corrections import Corrections
from integration.store.database import Database
from tests.clocks import Clock

PRICE = Correction(Kind.ARTICLE, "1001", "price", "1", "2")
NAME = Correction(Kind.ARTICLE, "1001", "name", "Trui", "Vest")
ANOTHER = Correction(Kind.ARTICLE, "1002", "name", "Trui", "Vest")


def test_a_mark_of_a_record_becomes_another_one_with_what_is_said_of_it(database: Database, clock: Clock) -> None:
    kept = Corrections(database, clock)
    assert kept.marks("products") == {}
    kept.keep("products", [PRICE, ANOTHER], "anna")
    kept.keep("customers", [NAME], "anna")
    before = kept.marks("products")
    assert before.keys() == {"1001", "1002"}

    kept.keep("products", [NAME], "anna")
    assert kept.marks("products")["1001"] != before["1001"]
    kept.remove("products", [NAME], "anna")
    kept.keep("products", [PRICE], "bram")  # who says the same again changes nothing
    assert kept.marks("products") == before
    kept.remove("products", [PRICE], "anna")
    assert kept.marks("products") == {"1002": before["1002"]}
