"""The causes: which problems are one repair, and that each has its sentences."""

from integration.core.causes import CAUSES, Responsible, Severity, cause, grouping_detail
from integration.words.catalogues import tables


def test_every_cause_has_its_line_in_the_table_of_words_and_the_other_way_round() -> None:
    assert CAUSES.keys() == tables().causes.keys()


def test_a_code_that_nobody_knows_is_an_error_of_our_own() -> None:
    assert cause("never_heard_of") is CAUSES["unexpected_error"]
    assert cause("host_unknown").who is Responsible.ADMINISTRATOR


def test_the_same_trouble_is_reported_by_the_facts_that_its_repair_needs() -> None:
    detail = grouping_detail("revenue_account_unmapped", {"country": "NL", "code": "2", "key": "1001"})
    assert (
        detail == grouping_detail("revenue_account_unmapped", {"country": "NL", "code": "2", "key": "1002"}) == "NL · 2"
    )
    assert detail != grouping_detail("revenue_account_unmapped", {"country": "BE", "code": "2"})


def test_a_fact_that_is_missing_is_reported_as_nothing() -> None:
    assert grouping_detail("value_unmapped", {"value": "9"}) == " · 9"


def test_a_cause_whose_troubles_are_all_alike_tells_nothing() -> None:
    assert CAUSES["ean_check_digit"].grouping_facts == ()
    assert grouping_detail("ean_check_digit", {"value": "871"}) == ""


def test_the_catalogue_says_how_severe_a_cause_is() -> None:
    assert {code: cause(code).severity for code in ("sale_waits", "vat_code_unmapped", "disk_full", "day_differs")} == {
        "sale_waits": Severity.NOTICE,
        "vat_code_unmapped": Severity.WARNING,
        "disk_full": Severity.CRITICAL,
        "day_differs": Severity.CRITICAL,
    }
    assert Severity.CRITICAL.reaches(Severity.WARNING)
    assert not Severity.NOTICE.reaches(Severity.WARNING)
