"""Foreign documents: how they are reported, and those that a person accepted."""

from integration.core.foreign_documents import (
    FOREIGN_DOCUMENTS_NOTE,
    NO_FOREIGN_DOCUMENTS,
    ForeignDocuments,
    normalized_reference,
    reported_foreign,
)


def test_those_that_somebody_knows_of_are_left_out_in_whatever_letters_the_books_have_them() -> None:
    documents = ForeignDocuments(("MP-1 ", "mp-2"), "MP-", "AP-")
    assert reported_foreign({FOREIGN_DOCUMENTS_NOTE: documents.to_note()}) == {"mp-1", "mp-2"}
    assert documents.excluding({normalized_reference("mp-1")}).references == ("mp-2",)
    assert documents.facts() == {"prefix": "MP-", "free": "AP-", "count": "2", "reference": "MP-1 "}


def test_a_plan_without_any_tells_of_none() -> None:
    assert reported_foreign({}) == frozenset()
    assert NO_FOREIGN_DOCUMENTS.facts()["count"] == "0"
