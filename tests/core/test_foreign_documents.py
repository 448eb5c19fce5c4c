"""Documents that are not ours: what is told of them, and which of them somebody knows of."""

from integration.core.foreign_documents import NO_STRANGERS, STRANGERS, Strangers, as_compared, told_of


def test_those_that_somebody_knows_of_are_left_out_in_whatever_letters_the_books_have_them() -> None:
    found = Strangers(("MP-1 ", "mp-2"), "MP-", "AP-")
    assert told_of({STRANGERS: found.told()}) == {"mp-1", "mp-2"}
    assert found.without({as_compared("mp-1")}).references == ("mp-2",)
    assert found.facts() == {"prefix": "MP-", "free": "AP-", "count": "2", "reference": "MP-1 "}


def test_a_plan_without_any_tells_of_none() -> None:
    assert told_of({}) == frozenset()
    assert NO_STRANGERS.facts()["count"] == "0"
