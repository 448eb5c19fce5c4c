"""Stored corrections: the mark of a record changes only with its corrections."""

from integration.core.records import Correction, Kind
from integration.store.corrections import Corrections
from integration.store.database import Database
from tests.clocks import Clock

PRICE = Correction(Kind.ARTICLE, "1001", "price", "1", "2")
NAME = Correction(Kind.ARTICLE, "1001", "name", "Trui", "Vest")
ANOTHER = Correction(Kind.ARTICLE, "1002", "name", "Trui", "Vest")


def test_a_mark_of_a_record_becomes_another_one_with_what_is_said_of_it(database: Database, clock: Clock) -> None:
    corrections = Corrections(database, clock)
    assert corrections.marks("products") == {}
    corrections.keep("products", [PRICE, ANOTHER], "anna")
    corrections.keep("customers", [NAME], "anna")
    before = corrections.marks("products")
    assert before.keys() == {"1001", "1002"}

    corrections.keep("products", [NAME], "anna")
    assert corrections.marks("products")["1001"] != before["1001"]
    corrections.remove("products", [NAME], "anna")
    corrections.keep("products", [PRICE], "bram")  # who says the same again changes nothing
    assert corrections.marks("products") == before
    corrections.remove("products", [PRICE], "anna")
    assert corrections.marks("products") == {"1002": before["1002"]}
