"""On which articles of the books the lines of an order are booked."""

from tests.flows.orders.tills import (
    ADDRESSES,
    DEBTORS,
    PAPERS,
    Questions,
    a_line,
    an_order,
    booking,
    lines_of,
    orders,
    parked,
)


def test_a_document_with_articles_the_books_do_not_have_waits_as_a_whole_and_names_all() -> None:
    lines = (a_line("1"), a_line("2", code="9"), a_line("3", code="", article="77"), a_line("4", code="L" * 16))
    issue = parked(an_order(lines=lines), questions=Questions(known=["1001", "L" * 16]))
    assert issue.cause == "article_missing"
    assert issue.facts["article"] == f"9, 77, {'L' * 16}"
    assert issue.facts["document"] == "2026.1"


def test_the_collective_article_takes_what_the_books_do_not_have() -> None:
    lines = (a_line("1"), a_line("2", code="9"), a_line("3", code="", article=""))
    questions = Questions(known=["1001"])
    one = booking(an_order(lines=lines), questions=questions, collective_article="9002")
    assert [part.values["article"] for part in lines_of(one)] == ["1001", "9002", "9002"]


def test_articles_are_asked_for_once_for_a_page_and_what_is_known_is_not_asked_again() -> None:
    questions = Questions(known=["1001"])
    logic = orders(questions=questions)
    page = [an_order("order-1"), an_order("order-2", lines=(a_line(code="9"),))]
    for stage in (DEBTORS, ADDRESSES, PAPERS):
        logic.stage(stage, page)
    assert questions.asked == [{"1001", "9"}]
    logic.stage(PAPERS, [*page])
    assert questions.asked == [{"1001", "9"}, {"9"}]


def test_postings_know_no_articles() -> None:
    questions = Questions(known=[])
    assert booking(an_order(), questions=questions, becomes="posting")
    assert questions.asked == []
