"""Link evidence: whether a record is still the one that was linked, by values other than its number."""

import pytest

from integration.core.link_evidence import (
    ARTICLE_CHANGED,
    CUSTOMER_CHANGED,
    NO_EVIDENCE,
    Evidence,
    Match,
    Side,
    contradicting_side,
    contradicts_match,
    evidence_from_json,
    evidence_of,
    identities_of,
    identity_cause,
    is_identified,
    match_evidence,
    match_identity,
    shown_identity,
)
from integration.core.records import CurrentRecord, Kind, Record, WrongValueError, unreadable

AGREES, CONTRADICTS, SILENT = Match.AGREES, Match.CONTRADICTS, Match.SILENT
JANSEN = {"name": "Jan Jansen", "email": "jan@jansen.example", "postcode": "3511 AB"}
MUG = {"name": "Koffiemok wit", "ean": "8712345678906"}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"email": "JAN@Jansen.example", "name": "J. Jansen", "postcode": "3511ab"}, AGREES),  # other spellings
        ({**JANSEN, "email": "j.jansen@nieuw.example"}, AGREES),  # a new e-mail address
        ({**JANSEN, "postcode": "9711 XY"}, AGREES),  # moved
        ({**JANSEN, "name": "Jansen-de Boer"}, AGREES),  # married
        ({"email": "jan@jansen.example", "name": "Fietsen B.V.", "postcode": "9711 XY"}, AGREES),
        ({"name": "Jan Jansen"}, AGREES),  # what is empty is not compared
        ({"name": "JanJansen"}, AGREES),  # written as one word
        ({"name": "Jan Jansen", "postcode": "9711 XY"}, AGREES),
        ({"name": "Piet de Vries", "email": "piet@vries.example", "postcode": "9711 XY"}, CONTRADICTS),
        ({"name": "Jan Jansen", "email": "ander@jansen.example", "postcode": "9711 XY"}, CONTRADICTS),  # a namesake
        ({"name": "Piet de Vries", "email": "piet@vries.example", "postcode": "3511 AB"}, CONTRADICTS),  # a neighbour
        ({"name": "Piet de Vries"}, CONTRADICTS),
        ({"name": "Jan Vermeer"}, CONTRADICTS),  # a first name in common
        ({"vat_number": "NL001234567B01"}, SILENT),
        ({}, SILENT),
    ],
)
def test_a_customer_is_the_same_as_long_as_not_more_is_different_than_the_same(
    now: dict[str, str], expected: Match
) -> None:
    assert match_identity(Kind.DEBTOR, JANSEN, now) is expected


def test_the_same_vat_number_is_the_same_customer() -> None:
    before = {**JANSEN, "vat_number": "NL 0012.34.567-B01"}
    now = {"name": "Fietsen B.V.", "email": "info@fietsen.example", "vat_number": "001234567B01"}
    assert match_identity(Kind.RELATION, before, now) is AGREES


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (MUG, {"name": "Beker, 250 ml", "ean": "08712345678906"}, AGREES),  # reworded
        (MUG, {"name": "Koffiemok wit", "ean": "8700000000001"}, AGREES),  # a new EAN
        (MUG, {"name": "Tuinstoel", "ean": "8700000000001"}, CONTRADICTS),
        (MUG, {"name": "Koffiemok zwart", "ean": "8700000000001"}, CONTRADICTS),  # another colour, another good
        (MUG, {"name": "Koffiemok zwart"}, AGREES),  # without an EAN to compare, a word in common is enough
        (MUG, {"name": "Tuinstoel"}, CONTRADICTS),
        ({"name": "Aardbeien 2025"}, {"name": "Perziken 2025"}, CONTRADICTS),  # a number in common is no word
        ({"name": "A"}, {"name": "B"}, CONTRADICTS),
        ({"name": "Koffiemok", "external_id": "1001"}, {"name": "Tuinstoel", "external_id": "1001"}, AGREES),  # renamed
        ({"name": "Koffiemok", "external_id": "1001"}, {"name": "Tuinstoel"}, CONTRADICTS),  # of another till
        ({**MUG, "external_id": "1"}, {"name": "Tuinstoel", "ean": "8700000000001", "external_id": "1"}, CONTRADICTS),
        ({**MUG, "external_id": "1001"}, {}, SILENT),
        (MUG, {}, SILENT),
    ],
)
def test_an_article_is_the_same_while_its_ean_or_its_name_is(
    before: dict[str, str], now: dict[str, str], expected: Match
) -> None:
    assert match_identity(Kind.STOCK, before, now) is expected


def test_either_side_of_a_link_is_held_against_itself() -> None:
    other = {"name": "Piet de Vries", "email": "piet@vries.example"}
    evidence = Evidence({"": JANSEN}, {"": JANSEN})
    assert match_evidence(Kind.DEBTOR, evidence, Evidence({"": JANSEN}, {"": other})) == {
        Side.SOURCE: AGREES,
        Side.TARGET: CONTRADICTS,
    }
    assert contradicting_side(Kind.DEBTOR, evidence, Evidence({"": other}, {"": JANSEN})) is Side.SOURCE
    assert contradicting_side(Kind.DEBTOR, evidence, Evidence({"": JANSEN})) is None
    assert contradicting_side(Kind.DEBTOR, NO_EVIDENCE, evidence) is None


def test_a_product_is_known_by_its_articles_and_an_article_without_a_name_by_that_of_its_product() -> None:
    product = Record(
        Kind.PRODUCT,
        "1001",
        {"name": "Koffiemok"},
        (
            Record(Kind.ARTICLE, "7001", {"name": "Koffiemok wit", "ean": "8712345678906"}),
            Record(Kind.ARTICLE, "7002", {"name": "", "ean": None}),
            Record(Kind.LINE, "1", {"name": "no article"}),
        ),
    )
    assert identities_of(product) == {"7001": MUG, "7002": {"name": "Koffiemok"}}
    evidence = Evidence({"7001": MUG, "7002": {"name": "Koffiemok"}})
    assert contradicting_side(Kind.PRODUCT, evidence, Evidence({"7001": MUG, "7002": {"name": "Tuinstoel"}})) is (
        Side.SOURCE
    )


def test_what_has_no_identity_of_its_own_has_no_evidence() -> None:
    assert identities_of(Record(Kind.SALES_ORDER, "1", {"name": "x"})) == {}
    assert (is_identified(Kind.DEBTOR), is_identified(Kind.SALES_ORDER)) == (True, False)
    assert not NO_EVIDENCE


def test_evidence_is_of_what_is_wanted_and_of_what_the_target_holds_of_it() -> None:
    desired = Record(Kind.PRODUCT, "1001", {}, (Record(Kind.ARTICLE, "7001", MUG),))
    current = Record(Kind.PRODUCT, "1001", {}, (Record(Kind.ARTICLE, "7001", MUG), Record(Kind.ARTICLE, "9", MUG)))
    assert evidence_of(desired, CurrentRecord(current, "5")) == Evidence({"7001": MUG}, {"7001": MUG})
    assert evidence_of(desired, None) == Evidence({"7001": MUG})
    assert evidence_of(
        desired, CurrentRecord(unreadable(Kind.PRODUCT, "1", WrongValueError("x", ""), ""), "5")
    ) == Evidence({"7001": MUG})
    level = Record(Kind.STOCK, "1001", {"number": "7001"})
    assert evidence_of(level, CurrentRecord(level, "7001", identities={"": MUG})) == Evidence({}, {"": MUG})


def test_evidence_is_renewed_field_by_field_and_replaced_record_by_record() -> None:
    evidence = Evidence({"": JANSEN}, {"": JANSEN})
    update = Evidence({"": {"name": "Jansen"}})
    assert evidence.renewed(update).source == {"": {**JANSEN, "name": "Jansen"}}
    assert evidence.replaced(update) == Evidence({"": {"name": "Jansen"}}, {"": JANSEN})
    record = Record(Kind.DEBTOR, "1", {"postcode": "9711 XY", "city": "Groningen"})
    assert evidence.after_write(record) == Evidence({"": JANSEN}, {"": {**JANSEN, "postcode": "9711 XY"}})
    assert evidence.renewed(update).swapped.target == evidence.renewed(update).source


def test_evidence_goes_through_json_and_its_mark_stands_for_it() -> None:
    evidence = Evidence({"": JANSEN}, {"7001": MUG})
    assert evidence_from_json(evidence.to_json()) == evidence
    assert evidence_from_json(None) == evidence_from_json({}) == NO_EVIDENCE
    assert NO_EVIDENCE.to_json() == {}
    assert evidence.mark == Evidence({"": dict(JANSEN)}, {"7001": MUG}).mark != evidence.swapped.mark


def test_records_with_one_number_that_were_never_linked_may_be_different_ones() -> None:
    other = {"name": "Piet de Vries", "email": "piet@vries.example"}
    assert contradicts_match(Kind.RELATION, Evidence({"": JANSEN}, {"": other}))
    assert not contradicts_match(Kind.RELATION, Evidence({"": JANSEN}, {"": {**other, "email": JANSEN["email"]}}))
    assert not contradicts_match(Kind.RELATION, Evidence({"": JANSEN}))
    assert contradicts_match(Kind.PRODUCT, Evidence({"7": MUG}, {"7": {"name": "Tuinstoel", "ean": "8700000000001"}}))
    assert not contradicts_match(Kind.PRODUCT, Evidence({"7": MUG}, {"7": {"name": "Tuinstoel"}}))
    ours = {"7": {**MUG, "external_id": "1001"}}
    assert not contradicts_match(Kind.PRODUCT, Evidence(ours, {"7": {**MUG, "ean": "8700000000001"}}))


def test_a_question_shows_what_was_and_what_is() -> None:
    assert shown_identity({"": JANSEN}, {"": {"name": "Piet"}}) == ("Jan Jansen, jan@jansen.example, 3511 AB", "Piet")
    assert shown_identity({"1": MUG, "2": MUG}, {"1": MUG, "2": {"name": "Stoel"}})[1] == "Stoel"
    assert shown_identity({"": JANSEN}, {"": JANSEN})[0] == shown_identity({"": JANSEN}, {"": JANSEN})[1]
    assert shown_identity({"": MUG}, {}) == ("Koffiemok wit, 8712345678906", "-")
    assert shown_identity({}, {}) == ("-", "-")
    assert (identity_cause(Kind.DEBTOR), identity_cause(Kind.STOCK)) == (CUSTOMER_CHANGED, ARTICLE_CHANGED)
