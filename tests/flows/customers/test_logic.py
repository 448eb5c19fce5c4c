"""Logic of customers: companies and persons, VAT numbers, defaults by country, and no customer created twice."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership
from integration.core.issues import Issue, Skip
from integration.core.link_evidence import CUSTOMER_CHANGED, OTHER_RECORD, SAME_RECORD
from integration.core.links import Link
from integration.core.plan import Action, Change
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.run import Mode
from integration.core.staged_records import StagedRecord
from integration.core.states import RunState, Step
from integration.core.traces import Trace
from integration.flows.customers.logic import Customers
from integration.flows.customers.settings import CustomerSettings
from integration.flows.prices import Terms
from integration.flows.registry import FLOWS
from integration.flows.spec import FlowLogic
from integration.services.runs.conflict_resolution import answer_identity_questions
from integration.store.database import Database
from tests.builders import a_create, a_debtor, a_relation, guard_counts
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record, shipped_mapping
from tests.stores import database

__all__ = ["database"]

BODY = shipped_mapping("customers")
(DEBTORS,) = FLOWS["customers"].flow.stages
VAT, OTHER_VAT = "NL123456782B12", "DE136695976"


def customers(body: Mapping[str, Any] = BODY, **settings: Any) -> Customers:
    return Customers(CustomerSettings(**settings), body, 7, {"price_groups": {"A": "2"}})


def with_rules(*rules: Mapping[str, object]) -> dict[str, object]:
    """Return the shipped mapping with some rules added, or put in the place of those for the same field."""
    targets = {rule["target"] for rule in rules}
    return {"version": 1, "rules": [*(rule for rule in BODY["rules"] if rule["target"] not in targets), *rules]}


def stage_record(record: Record, **settings: Any) -> StagedRecord:
    (result,) = customers(**settings).stage(DEBTORS, [record])
    return result


def values(record: Record, **settings: Any) -> Mapping[str, Value]:
    result = stage_record(record, **settings)
    assert result.record is not None, result.issue or result.skip
    return result.record.values


def parked_issue(record: Record, **settings: Any) -> Issue:
    result = stage_record(record, **settings)
    assert result.issue is not None
    assert (result.record, result.skip) == (None, None)
    return result.issue


def skip_reason(record: Record, **settings: Any) -> str:
    result = stage_record(record, **settings)
    assert result.skip is not None
    assert result.skip.key == record.key
    return result.skip.reason


def shape_record(record: Record, marks: Mapping[str, tuple[str, ...]] | None = None, **settings: Any) -> Record:
    logic = customers(**settings)
    desired_record = logic.shape(DEBTORS, logic.stage(DEBTORS, [record]), marks or {}, marks or {}).desired
    assert desired_record is not None
    return desired_record


def current_relation(evidence: str = "email", others: tuple[str, ...] = (), **relation: Value) -> CurrentRecord:
    return CurrentRecord(a_relation("77", **relation), "77", "5", evidence=evidence, other_references=others)


# ---- the flow and its settings


def test_debtors_become_relations() -> None:
    logic: FlowLogic = customers()
    assert logic.flow is FLOWS["customers"].flow
    assert (logic.mapping_version, logic.max_records, logic.retires) == (7, None, True)
    assert CustomerSettings().schedule_minutes == 15
    assert guard_counts(logic, a_create(a_relation())) == {}


def test_texts_are_kept_unless_changed_and_codes_equal() -> None:
    policy = customers().policy
    assert policy["relation.street"] is Ownership.KEEP_UNLESS_CHANGED
    assert policy["relation.vat_number"] is Ownership.KEEP_EQUAL
    assert policy["relation.price_group"] is Ownership.ON_CREATE


def test_the_external_id_cannot_be_given_up() -> None:
    rule = {"target": "relation.external_id", "source": "number", "ownership": "never"}
    with pytest.raises(ConfigurationError) as refusal:
        customers(with_rules(rule))
    assert refusal.value.facts["target"] == "relation.external_id"


def test_a_country_is_known_by_two_letters() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        customers(by_country={"Nederland": {}})
    assert refusal.value.facts["setting"].startswith("by_country")


# ---- one debtor by itself


def test_a_debtor_without_a_contact_is_a_person() -> None:
    relation = values(a_debtor(name="Anna de Boer"))
    assert relation["name"] == "Anna de Boer"
    assert not relation["company"]
    assert not relation["contact"]


@pytest.mark.parametrize("telling", [{"contact": "Anna de Boer"}, {"vat_number": VAT}, {"chamber_number": "12345678"}])
def test_a_debtor_with_a_contact_or_a_number_of_a_company_is_one(telling: dict[str, Value]) -> None:
    relation = values(a_debtor(name="Boer BV", **telling))
    assert (relation["name"], relation["company"]) == ("Boer BV", "Boer BV")


def test_the_company_has_its_contact() -> None:
    assert values(a_debtor(contact=" Anna de Boer "))["contact"] == "Anna de Boer"


def test_the_debtor_number_is_the_key_and_the_external_id() -> None:
    result = stage_record(a_debtor("10042"))
    assert result.record is not None
    assert (result.key, result.record.kind, result.record.key) == ("10042", Kind.RELATION, "10042")
    assert result.record.values["external_id"] == "10042"


def test_a_customer_is_called_by_its_name() -> None:
    assert stage_record(a_debtor(name="Anna de Boer")).title == "Anna de Boer"


def test_a_debtor_without_a_name_is_parked() -> None:
    issue = parked_issue(a_debtor(name=" "))
    assert (issue.cause, issue.field, issue.facts["system"]) == ("required_field_empty", "relation.name", "mplus")


def test_what_a_customer_is_recognised_by_is_there_without_a_rule_too() -> None:
    body = {"version": 1, "rules": [{"target": "relation.name", "source": "name"}]}
    relation = values(a_debtor("10042", email=" anna@voorbeeld.nl ", vat_number=VAT), body=body)
    assert relation == {
        "name": "Klant 10042", "email": "anna@voorbeeld.nl", "vat_number": VAT, "external_id": "10042",
    }  # fmt: skip
    policy = customers(body).policy
    assert "relation.email" not in policy
    assert "relation.vat_number" not in policy


def test_an_email_address_longer_than_the_till_takes_is_never_cut_off() -> None:
    rule = {"target": "relation.email", "source": "email", "max_length": 10}
    issue = parked_issue(a_debtor("10042", email="anna@voorbeeld.nl"), body=with_rules(rule))
    assert issue.cause == "email_too_long"
    assert issue.facts.items() >= {"customer": "Klant 10042", "length": "17", "limit": "10", "system": "mplus"}.items()


def test_a_text_that_is_too_long_names_its_field() -> None:
    rule = {"target": "relation.city", "source": "city", "max_length": 3}
    assert parked_issue(a_debtor(), body=with_rules(rule)).cause == "field_too_long"


# ---- who takes part


def test_a_blocked_debtor_takes_no_part() -> None:
    assert skip_reason(a_debtor(blocked=True)) == "blocked"


def test_a_blocked_debtor_is_sent_as_inactive_where_that_is_set() -> None:
    assert values(a_debtor(blocked=True), blocked="inactive")["active"] is False


def test_debtors_are_left_out_by_number_whatever_the_capitals() -> None:
    assert skip_reason(a_debtor("KASSA"), leave_out=["kassa "]) == "left_out_by_number"


def test_only_the_collective_accounts_of_customers_count_where_they_are_set() -> None:
    assert skip_reason(a_debtor(account="1600"), accounts=["1300"]) == "not_a_debtor"
    assert stage_record(a_debtor(account="1300"), accounts=["1300"]).record is not None


def test_filters_decide_who_takes_part() -> None:
    only_germany = [{"field": "country", "operator": "equal", "value": "DE"}]
    assert skip_reason(a_debtor(), filters=only_germany) == "filtered_out"


# ---- VAT numbers


@pytest.mark.parametrize(
    ("source_number", "till_number"),
    [
        (f" {VAT} ", VAT), ("nl 1234.56.782.B12", VAT), (OTHER_VAT, OTHER_VAT), ("", ""),
        ("123456782B12", VAT),
    ],
)  # fmt: skip
def test_a_vat_number_is_sent_in_one_spelling_with_its_country(source_number: str, till_number: str) -> None:
    assert values(a_debtor(vat_number=source_number))["vat_number"] == till_number


@pytest.mark.parametrize("number", ["NL123456789B01", "123456789B01", "DE1", "EL1"])
def test_a_vat_number_whose_check_digits_do_not_fit_is_parked(number: str) -> None:
    issue = parked_issue(a_debtor("10042", vat_number=number))
    assert (issue.cause, issue.field) == ("vat_number_invalid", "relation.vat_number")
    country = number[:2] if number[:2].isalpha() else "NL"
    assert issue.facts == {"key": "10042", "value": number, "customer": "Klant 10042", "country": country}


@pytest.mark.parametrize(("number", "country"), [("GB1", "NL"), ("123", "CH"), ("123", "")])
def test_a_vat_number_from_outside_the_union_cannot_be_checked(number: str, country: str) -> None:
    assert values(a_debtor(vat_number=number, country=country))["vat_number"] == number


def test_what_is_sent_otherwise_than_the_books_have_it_is_reported_with_the_plan() -> None:
    assert values(a_debtor(vat_number="123456782B12"))["as_reported:vat_number"] == "123456782B12"
    swiss = values(a_debtor(vat_number="CHE-123.456.789 MWST", country="CH"))
    assert (swiss["vat_number"], swiss["as_reported:vat_number"]) == ("CHE123456789", "CHE-123.456.789 MWST")
    assert "as_reported:vat_number" not in values(a_debtor(vat_number=VAT))


def test_a_name_that_a_rule_cuts_is_told_whole() -> None:
    rule = {"target": "relation.name", "source": "name", "functions": [["substring", 1, 10]]}
    relation = values(a_debtor(name="Fietsenmakerij De Ketting"), body=with_rules(rule))
    assert (relation["name"], relation["as_reported:name"]) == ("Fietsenmak", "Fietsenmakerij De Ketting")


# ---- defaults by country


COUNTRIES: dict[str, Any] = {
    "by_country": {"de": {"vat_method": "inclusive", "vat_method_with_number": "shifted", "price_group": "3"}},
    "default_vat_method": "exclusive",
    "default_price_group": "1",
}


@pytest.mark.parametrize(
    ("debtor", "method", "group"),
    [
        ({"country": "NL"}, "exclusive", "1"),
        ({"country": "DE"}, "inclusive", "3"),
        ({"country": "DE", "vat_number": OTHER_VAT}, "shifted", "3"),
        ({"country": "DEU"}, "inclusive", "3"),
        ({"country": "Duitsland"}, "inclusive", "3"),
        ({"country": ""}, "exclusive", "1"),
    ],
)
def test_vat_method_and_price_group_come_from_the_country(debtor: dict[str, Value], method: str, group: str) -> None:
    relation = values(a_debtor(**debtor), **COUNTRIES)
    assert (relation["vat_method"], relation["price_group"]) == (method, group)


def test_without_defaults_the_till_decides() -> None:
    assert not {"vat_method", "price_group"} & values(a_debtor()).keys()


def test_a_rule_counts_before_the_defaults() -> None:
    rule = {"target": "relation.price_group", "source": "price_list", "table": "price_groups", "unmapped": "empty"}
    assert values(a_debtor(price_list="A"), body=with_rules(rule), **COUNTRIES)["price_group"] == "2"
    assert values(a_debtor(price_list="B"), body=with_rules(rule), **COUNTRIES)["price_group"] == "1"


# ---- whose relation it is


def objection(record: Record, current: CurrentRecord | None, link: Link | None = None, **settings: Any) -> Issue | None:
    return customers(**settings).objection(DEBTORS, record, current, link)


def test_two_candidates_are_a_question() -> None:
    issue = objection(shape_record(a_debtor("10042")), current_relation(others=("78", "79")))
    assert issue is not None
    assert issue.cause == "customer_ambiguous"
    assert issue.facts.items() >= {"customer": "Klant 10042", "system": "mplus", "candidates": "77, 78, 79"}.items()


def test_one_candidate_is_the_customer() -> None:
    assert objection(shape_record(a_debtor()), current_relation()) is None


def test_nobody_found_is_no_question() -> None:
    assert (
        objection(shape_record(a_debtor("10042", email="info@x.nl"), {"info@x.nl": ("10042", "10043")}), None) is None
    )


@pytest.mark.parametrize(
    ("evidence", "shared"), [("email", "info@voorbeeld.nl"), ("vat_number", VAT)]
)  # fmt: skip
def test_a_relation_that_fits_two_debtors_is_a_question(evidence: str, shared: str) -> None:
    record = shape_record(a_debtor("10042", email="Info@Voorbeeld.nl", vat_number=VAT), {shared: ("10042", "10043")})
    issue = objection(record, current_relation(evidence))
    assert issue is not None
    assert (issue.cause, issue.facts["others"], issue.facts["number"]) == ("customer_shared", "10043", "77")


def test_evidence_that_others_have_too_does_not_count_against_stronger_one() -> None:
    record = shape_record(a_debtor("10042", email="info@x.nl", vat_number=VAT), {"info@x.nl": ("10042", "10043")})
    assert objection(record, current_relation("vat_number")) is None
    assert objection(record, current_relation("external_id")) is None
    assert objection(record, current_relation("link"), Link(Kind.RELATION, "10042", "77")) is None


def test_a_relation_with_the_id_of_another_is_a_question() -> None:
    issue = objection(shape_record(a_debtor()), current_relation(external_id="10001"))
    assert issue is not None
    assert (issue.cause, issue.facts["other"], issue.facts["number"]) == ("customer_taken", "10001", "77")


def test_a_relation_with_the_id_of_another_is_accepted_where_that_is_set_and_keeps_it() -> None:
    record = shape_record(a_debtor())
    assert objection(record, current_relation(external_id="shop-9"), other_external_id="accept") is None
    written_part = customers().writable_part(DEBTORS, record, current_relation(external_id="shop-9"))
    assert isinstance(written_part, Record)
    assert "external_id" not in written_part.values


# ---- what may be written


def test_a_new_customer_is_created_unless_that_is_switched_off() -> None:
    record = shape_record(a_debtor())
    assert isinstance(customers().writable_part(DEBTORS, record, None), Record)
    assert customers(create=False).writable_part(DEBTORS, record, None) == Skip(
        "create_switched_off", "10042", {"key": "10042"}
    )
    assert isinstance(customers(create=False).writable_part(DEBTORS, record, current_relation()), Record)


def test_nobody_is_created_as_inactive() -> None:
    written_part = customers().writable_part(DEBTORS, shape_record(a_debtor(blocked=True), blocked="inactive"), None)
    assert isinstance(written_part, Skip)
    assert written_part.reason == "blocked"


def test_what_is_empty_in_the_books_stays_at_the_till() -> None:
    record = shape_record(a_debtor(phone=""))
    written_part, cleared = (
        customers().writable_part(DEBTORS, record, current_relation()),
        customers(empty="clear").writable_part(DEBTORS, record, current_relation()),
    )
    assert isinstance(written_part, Record)
    assert isinstance(cleared, Record)
    assert "phone" not in written_part.values
    assert not cleared.values["phone"]


def test_what_is_ours_alone_is_never_written() -> None:
    record = shape_record(a_debtor("10042", email="info@x.nl"), {"info@x.nl": ("10042", "10043")})
    written_part = customers().writable_part(DEBTORS, record, None)
    assert isinstance(written_part, Record)
    assert not [name for name in written_part.values if name.startswith("shared_")]


def test_a_created_customer_is_withdrawn_as_inactive() -> None:
    back = customers().withdraw(DEBTORS, a_create(a_relation("10042")))
    assert isinstance(back, Change)
    assert (back.action, back.desired.flat()) == (Action.RETIRE, {"active": False})
    assert back.before is not None
    assert back.before.flat() == {"active": True}


# ---- why


def trace(target: str, record: Record, **settings: Any) -> Trace:
    return next(candidate for candidate in customers(**settings).trace(DEBTORS, record) if candidate.target == target)


def test_the_trace_shows_which_setting_a_value_comes_from() -> None:
    vat_trace = trace("relation.vat_method", a_debtor(country="DE"), **COUNTRIES)
    assert [(step.operation, step.value) for step in vat_trace.steps] == [("by_country DE", "inclusive")]
    vat_trace = trace("relation.vat_method", a_debtor(country="NL"), **COUNTRIES)
    assert [(step.operation, step.value) for step in vat_trace.steps] == [("default_vat_method", "exclusive")]


def test_the_trace_says_what_is_wrong_with_a_vat_number() -> None:
    vat_trace = trace("relation.vat_number", a_debtor(vat_number="NL1"))
    assert vat_trace.issue is not None
    assert vat_trace.issue.cause == "vat_number_invalid"


def test_the_trace_shows_a_vat_number_as_it_is_sent() -> None:
    assert trace("relation.vat_number", a_debtor(vat_number="NL 1234.56.782.B12")).value == VAT


# ---- from end to end


class CustomerHarness(FlowHarness):
    """The flow of customers in a harness."""

    flow = "customers"

    def make_logic(self) -> Customers:
        """Return the logic with the settings as they are now."""
        return Customers(CustomerSettings(**self.settings), BODY, self.mapping_version, {})


@pytest.fixture
def books() -> MemoryConnector:
    debtors = [a_debtor(key) for key in ("10001", "10002", "10003")]
    return MemoryConnector([*debtors, a_debtor("99999", blocked=True)], system="accountview", page_size=2)


@pytest.fixture
def till() -> MemoryConnector:
    relation = a_relation("R1", name="Klant 10001", email="KLANT10001@voorbeeld.nl", phone="06 12345678")
    return MemoryConnector(
        [relation], system="mplus", page_size=2, evidence=("external_id", "vat_number", "email")
    )  # fmt: skip


@pytest.fixture
def harness(database: Database, books: MemoryConnector, till: MemoryConnector) -> CustomerHarness:
    return CustomerHarness(database, books, till)


def test_who_is_known_by_email_is_updated_and_the_others_are_created(
    harness: CustomerHarness, till: MemoryConnector
) -> None:
    run = harness.preview()
    actions = {key: row.action for key, row in harness.changes(run).items()}
    assert actions == {"10001": Action.UPDATE, "10002": Action.CREATE, "10003": Action.CREATE}
    assert till.calls_made["write"] == 0
    assert (run.counts.read_count, run.counts.planned, run.counts.skipped) == (4, 3, 1)


def test_committed_customers_are_proven_and_the_next_run_finds_nothing_to_do(
    harness: CustomerHarness, till: MemoryConnector
) -> None:
    run = harness.run()
    assert (run.state, set(harness.steps(run).values())) == (RunState.DONE, {Step.PROVEN})
    assert len(till.records_of(Kind.RELATION)) == 3
    assert till.records_of(Kind.RELATION)["R1"].values["external_id"] == "10001"
    second_run = harness.preview(Mode.COMPLETE)
    assert (second_run.state, second_run.counts.unchanged, harness.changes(second_run)) == (RunState.DONE, 3, {})


def test_the_plan_keeps_what_the_books_say_of_a_value_that_is_sent_otherwise_and_never_sends_it(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    edit_record(books, "10001", {"vat_number": "123456782B12"}, Kind.DEBTOR)
    edit_record(books, "10002", {"vat_number": "123456782B12", "email": ""}, Kind.DEBTOR)
    plan = harness.preview()
    source_values = {
        key: row.change.source_values for key, row in harness.changes(plan).items() if row.change is not None
    }
    assert source_values == {
        "10001": {"vat_number": "123456782B12"},
        "10002": {"vat_number": "123456782B12"},
        "10003": {},
    }
    harness.commit(plan)
    assert till.records_of(Kind.RELATION)["R1"].values["vat_number"] == VAT
    assert not any(
        name.startswith("as_reported")
        for relation in till.records_of(Kind.RELATION).values()
        for name in relation.values
    )
    second_run = harness.preview(Mode.COMPLETE)
    assert (second_run.counts.unchanged, harness.changes(second_run)) == (3, {})


def test_what_the_till_has_is_kept_where_the_books_have_nothing(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    edit_record(books, "10001", {"phone": ""}, Kind.DEBTOR)
    harness.run()
    assert till.records_of(Kind.RELATION)["R1"].values["phone"] == "06 12345678"


def test_what_somebody_changed_at_the_till_is_left(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    harness.run()
    edit_record(till, "R1", {"city": "Leiden"}, Kind.RELATION)
    edit_record(books, "10001", {"street": "Kerkstraat 2"}, Kind.DEBTOR)
    assert harness.planned_values(harness.preview()) == {"10001": {"street": "Kerkstraat 2"}}


def test_a_customer_edited_in_both_systems_is_a_question(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    harness.run()
    edit_record(till, "R1", {"city": "Leiden"}, Kind.RELATION)
    edit_record(books, "10001", {"city": "Delft"}, Kind.DEBTOR)
    assert harness.causes(harness.preview()) == {"10001": "field_conflict"}


def test_two_relations_with_one_address_are_a_question(harness: CustomerHarness, till: MemoryConnector) -> None:
    till.put(a_relation("R2", email="klant10001@voorbeeld.nl"))
    assert harness.causes(harness.preview()) == {"10001": "customer_ambiguous"}


def test_two_debtors_with_one_address_are_a_question_while_it_is_open_whose_relation_it_is(
    harness: CustomerHarness, books: MemoryConnector
) -> None:
    edit_record(books, "10002", {"email": "klant10001@voorbeeld.nl"}, Kind.DEBTOR)
    assert harness.causes(harness.preview()) == {"10001": "customer_shared", "10002": "customer_ambiguous"}


def test_of_two_debtors_with_one_address_nobody_becomes_the_other(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    for key in ("10002", "10003"):
        edit_record(books, key, {"email": "info@voorbeeld.nl"}, Kind.DEBTOR)
    run = harness.run()
    assert (run.counts.proven, len(till.records_of(Kind.RELATION))) == (3, 3)
    assert harness.preview(Mode.COMPLETE).counts.unchanged == 3


def test_a_customer_that_orders_brought_to_the_books_is_recognised_and_not_made_again(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    till.put(a_relation("R5", name="Piet", email=""))
    reference = till._entries[Kind.RELATION, "R5"].reference
    books.put(a_debtor("10005", name="Piet", email=""))
    harness.links.keep("orders", [Link(Kind.DEBTOR, reference, "10005")])
    run = harness.run()
    assert harness.changes(run)["10005"].action is Action.UPDATE
    assert till.records_of(Kind.RELATION)["R5"].values["city"] == "Utrecht"
    assert "10005" not in till.records_of(Kind.RELATION)


def test_a_relation_deleted_at_the_till_is_a_question(harness: CustomerHarness, till: MemoryConnector) -> None:
    harness.run()
    till.remove(Kind.RELATION, "10002")
    assert harness.causes(harness.preview(Mode.COMPLETE)) == {"10002": "target_record_missing"}


def test_a_create_without_an_answer_is_found_again_and_not_repeated(
    harness: CustomerHarness, till: MemoryConnector
) -> None:
    till.lose_answer("10002")
    run = harness.run()
    assert (run.counts.proven, till.writes.count("10002")) == (3, 1)


# ---- a number identifies nobody

OTHER = {"name": "Piet Vermeer", "email": "piet@vermeer.example", "postcode": "9711 XY"}


def relation_of(till: MemoryConnector, reference: str) -> tuple[str, Record]:
    """Return the key and the record of a relation of the till by its number."""
    return next((key, entry.record) for (_, key), entry in till._entries.items() if entry.reference == reference)


def decide(harness: CustomerHarness, option: str, flow: str = "customers") -> None:
    """Answer the questions about the identity of customers."""
    open_issues = harness.issues.list(flow, CUSTOMER_CHANGED)
    assert open_issues
    answer_identity_questions(harness.links, flow, open_issues, option, "anna")


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_customer_who_became_another_under_a_number_is_a_question_and_is_not_written(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector, side: str
) -> None:
    harness.run()
    if side == "source":
        edit_record(books, "10002", OTHER, Kind.DEBTOR)
    else:
        edit_record(till, "10002", {**OTHER, "external_id": ""}, Kind.RELATION)
        edit_record(books, "10002", {"phone": "030 7654321"}, Kind.DEBTOR)
    before = till.records_of(Kind.RELATION)
    run = harness.run()
    assert harness.causes(run) == {"10002": CUSTOMER_CHANGED}
    assert till.records_of(Kind.RELATION) == before


@pytest.mark.parametrize("values", [{"email": "nieuw@voorbeeld.nl"}, {"postcode": "9711 XY", "street": "Dam 1"}])
def test_a_customer_who_moves_or_has_a_new_address_is_the_same(
    harness: CustomerHarness, books: MemoryConnector, values: Mapping[str, Value]
) -> None:
    harness.run()
    edit_record(books, "10002", values, Kind.DEBTOR)
    assert set(harness.steps(harness.run()).values()) == {Step.PROVEN}


def test_another_customer_is_matched_anew_and_the_relation_that_was_linked_is_left_alone(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    harness.run()
    reference = harness.links.get("customers", Kind.RELATION, ["10002"])["10002"].reference
    key, _ = relation_of(till, reference)
    till.put(replace(till.records_of(Kind.RELATION)[key], key="R2"))  # the till calls it by a number of its own
    till._entries[Kind.RELATION, "R2"] = replace(till._entries[Kind.RELATION, "R2"], reference=reference)
    till.remove(Kind.RELATION, key)
    before = till.records_of(Kind.RELATION)["R2"]
    edit_record(books, "10002", OTHER, Kind.DEBTOR)
    harness.run()
    decide(harness, OTHER_RECORD)
    run = harness.run(Mode.CHOSEN, ["10002"])

    assert harness.changes(run)["10002"].action is Action.CREATE
    assert till.records_of(Kind.RELATION)["R2"] == before
    assert harness.links.get("orders", Kind.DEBTOR, [reference]) == {}
    assert harness.links.get("customers", Kind.RELATION, ["10002"])["10002"].reference != reference


def test_the_same_customer_after_all_is_written_and_the_flow_of_orders_knows_it_too(
    harness: CustomerHarness, books: MemoryConnector
) -> None:
    harness.run()
    edit_record(books, "10002", OTHER, Kind.DEBTOR)
    harness.run()
    decide(harness, SAME_RECORD)
    run = harness.run(Mode.CHOSEN, ["10002"])

    assert harness.steps(run) == {"10002": Step.PROVEN}
    link = harness.links.get("customers", Kind.RELATION, ["10002"])["10002"]
    mirrored = harness.links.get("orders", Kind.DEBTOR, [link.reference])[link.reference]
    assert mirrored.evidence.target[""]["name"] == "Piet Vermeer"


def test_an_external_id_alone_identifies_nobody(harness: CustomerHarness, till: MemoryConnector) -> None:
    till.put(a_relation("R9", external_id="10003", name="Piet Vermeer", email="piet@vermeer.example"))
    run = harness.run()
    assert harness.causes(run) == {"10003": CUSTOMER_CHANGED}
    assert till.records_of(Kind.RELATION)["R9"].values["name"] == "Piet Vermeer"
    decide(harness, OTHER_RECORD)
    assert harness.changes(harness.run(Mode.CHOSEN, ["10003"]))["10003"].action is Action.CREATE


# ---- what the books take away

KEPT_EQUAL = [
    {"target": f"relation.{name}", "source": name, "ownership": "keep_equal"}
    for name in ("price_group", "discount_percent", "credit_limit", "payment_days")
]
GIVEN: dict[str, Value] = {
    "price_group": "3", "discount_percent": Decimal(5), "credit_limit": Decimal(1000), "payment_days": Decimal(30),
}  # fmt: skip


class AgreeingHarness(CustomerHarness):
    """The flow with rules that keep agreements with customers equal."""

    def make_logic(self) -> Customers:
        """Return the logic with these rules, which reads the agreed values from the links."""

        def agreed_record(key: str) -> Record | None:
            link = self.links.get(self.flow, Kind.RELATION, [key]).get(key)
            return link.agreed if link else None

        settings, body = CustomerSettings(**self.settings), with_rules(*KEPT_EQUAL)
        return Customers(settings, body, self.mapping_version, {}, Terms(agreed=agreed_record))


@pytest.fixture
def agreeing(database: Database, books: MemoryConnector, till: MemoryConnector) -> AgreeingHarness:
    """The flow after a run in which a customer got all that can be agreed with one."""
    edit_record(books, "10002", GIVEN, Kind.DEBTOR)
    agreeing_harness = AgreeingHarness(database, books, till)
    agreeing_harness.run()
    assert {name: till.records_of(Kind.RELATION)["10002"].values[name] for name in GIVEN} == GIVEN
    return agreeing_harness


@pytest.mark.parametrize(("name", "value"), [*((name, None) for name in GIVEN), ("price_group", "")])
def test_what_we_wrote_goes_when_the_books_have_it_no_more(
    agreeing: AgreeingHarness, books: MemoryConnector, till: MemoryConnector, name: str, value: Value
) -> None:
    edit_record(books, "10002", {name: value}, Kind.DEBTOR)
    run = agreeing.preview()
    nothing = CustomerSettings().no_agreement[name]  # a field that is left out would stay as it is
    assert agreeing.planned_values(run) == {"10002": {name: nothing}}
    change = agreeing.changes(run)["10002"].change
    assert change is not None
    assert agreeing._logic("customers").change_reasons(change)[name].code == "because_agreement_gone"
    agreeing.commit(run)
    assert till.records_of(Kind.RELATION)["10002"].values[name] == nothing
    assert agreeing.preview(Mode.COMPLETE).state is RunState.DONE


def test_agreements_that_the_books_take_away_count_as_emptied(
    agreeing: AgreeingHarness, books: MemoryConnector
) -> None:
    agreeing.settings["brakes"] = {"emptied": 3}
    edit_record(books, "10002", dict.fromkeys(GIVEN), Kind.DEBTOR)
    assert [(brake.code, brake.count) for brake in agreeing.preview().brakes] == [("brake_emptied", 4)]


@pytest.mark.parametrize(
    ("name", "setting", "number", "nothing"),
    [
        ("price_group", "no_price_group", 99, "99"),
        ("discount_percent", "no_discount", 1, Decimal(1)),
        ("credit_limit", "no_credit_limit", -1, Decimal(-1)),
        ("payment_days", "no_payment_days", 14, Decimal(14)),
    ],
)
def test_what_stands_for_none_at_the_till_is_a_setting(
    agreeing: AgreeingHarness, books: MemoryConnector, name: str, setting: str, number: int, nothing: Value
) -> None:
    agreeing.settings[setting] = number
    edit_record(books, "10002", {name: None}, Kind.DEBTOR)
    run = agreeing.preview()
    assert agreeing.planned_values(run) == {"10002": {name: nothing}}
    change = agreeing.changes(run)["10002"].change
    assert change is not None
    assert agreeing._logic("customers").change_reasons(change)[name].code == "because_agreement_gone"
    agreeing.commit(run)
    assert agreeing.preview(Mode.COMPLETE).state is RunState.DONE


@pytest.mark.parametrize(("number", "is_reported"), [(0, True), (7, False)])
def test_a_price_group_of_the_till_that_stands_for_none_is_not_reported(
    agreeing: AgreeingHarness, books: MemoryConnector, till: MemoryConnector, number: int, is_reported: bool
) -> None:
    agreeing.settings["no_price_group"] = number
    edit_record(till, "10003", {"price_group": "7"}, Kind.RELATION)
    edit_record(books, "10003", {"price_group": "", "city": "Delft"}, Kind.DEBTOR)
    assert ("10003" in agreeing.causes(agreeing.run())) is is_reported


def test_a_discount_of_nothing_is_written(agreeing: AgreeingHarness, books: MemoryConnector) -> None:
    edit_record(books, "10002", {"discount_percent": Decimal(0)}, Kind.DEBTOR)
    assert agreeing.planned_values(agreeing.preview()) == {"10002": {"discount_percent": Decimal(0)}}


def test_what_the_till_had_before_us_stays_and_its_price_group_is_reported(
    agreeing: AgreeingHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    edit_record(till, "10003", {"price_group": "7", "credit_limit": Decimal(50)}, Kind.RELATION)
    edit_record(books, "10003", {"price_group": "", "credit_limit": None, "city": "Delft"}, Kind.DEBTOR)
    run = agreeing.run()
    assert agreeing.causes(run) == {"10003": "price_group_of_till"}
    relation = till.records_of(Kind.RELATION)["10003"].values
    assert (relation["price_group"], relation["credit_limit"], relation["city"]) == ("7", Decimal(50), "Delft")


def test_a_price_group_that_somebody_gave_at_the_till_since_is_not_taken_away(
    agreeing: AgreeingHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    edit_record(till, "10002", {"price_group": "7"}, Kind.RELATION)
    edit_record(books, "10002", {"price_group": None}, Kind.DEBTOR)
    run = agreeing.run()
    assert agreeing.causes(run) == {"10002": "price_group_of_till"}
    assert till.records_of(Kind.RELATION)["10002"].values["price_group"] == "7"


# ---- gone from the books


def test_who_is_gone_from_the_books_becomes_inactive_at_the_till(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    harness.run()
    books.remove(Kind.DEBTOR, "10002")
    assert harness.changes(harness.preview()) == {}  # what changed tells of nobody who is gone
    run = harness.preview(Mode.COMPLETE)
    assert {key: row.action for key, row in harness.changes(run).items()} == {"10002": Action.RETIRE}
    harness.commit(run)
    assert till.records_of(Kind.RELATION)["10002"].values["active"] is False
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_who_is_renumbered_is_one_active_relation(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    harness.run()
    moved = books.records_of(Kind.DEBTOR)["10002"]
    books.remove(Kind.DEBTOR, "10002")
    books.put(replace(moved, key="20002", values={**moved.values, "number": "20002"}))
    harness.run(Mode.COMPLETE)
    harness.run(Mode.COMPLETE)
    same = [
        relation.values
        for relation in till.records_of(Kind.RELATION).values()
        if relation.values.get("email") == moved.values["email"]
    ]
    assert [relation.get("active") for relation in same].count(True) == 1


def test_who_comes_back_is_active_again(
    harness: CustomerHarness, books: MemoryConnector, till: MemoryConnector
) -> None:
    harness.run()
    debtor = books.records_of(Kind.DEBTOR)["10002"]
    books.remove(Kind.DEBTOR, "10002")
    harness.run(Mode.COMPLETE)
    books.put(debtor)
    harness.run(Mode.COMPLETE)
    assert till.records_of(Kind.RELATION)["10002"].values["active"] is True


def test_a_plan_that_makes_somebody_inactive_waits_as_long_as_they_are_gone(
    harness: CustomerHarness, books: MemoryConnector
) -> None:
    harness.run()
    books.remove(Kind.DEBTOR, "10002")
    waiting = harness.preview(Mode.COMPLETE)
    edit_record(books, "10003", {"phone": "030 7654321"}, Kind.DEBTOR)
    run = harness.preview()
    assert {key: row.action for key, row in harness.changes(run).items()} == {
        "10002": Action.RETIRE,
        "10003": Action.UPDATE,
    }
    assert harness.runs.get(waiting.id).state is RunState.DISCARDED


def test_nobody_becomes_inactive_where_that_is_switched_off(harness: CustomerHarness, books: MemoryConnector) -> None:
    harness.settings["retire_gone"] = False
    harness.run()
    books.remove(Kind.DEBTOR, "10002")
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


# ---- undone


def test_undo_shows_old_values_and_creates_as_inactive_before_anything_is_sent(
    harness: CustomerHarness, till: MemoryConnector
) -> None:
    run = harness.run()
    calls = till.calls_made["write"]
    back = harness.undo(run)
    assert (back.mode, back.state, till.calls_made["write"]) == (Mode.UNDO, RunState.READY, calls)
    desired_values = harness.planned_values(back)
    assert desired_values["10001"].items() >= {"phone": "06 12345678", "external_id": None, "street": None}.items()
    assert desired_values["10002"] == desired_values["10003"] == {"active": False}
    assert [(brake.code, brake.count) for brake in back.brakes] == [("brake_retirements", 2)]


def test_undo_is_carried_out_and_proven(harness: CustomerHarness, till: MemoryConnector) -> None:
    back = harness.commit(harness.undo(harness.run()))
    assert (back.state, back.counts.proven) == (RunState.DONE, 3)
    held_now = till.records_of(Kind.RELATION)
    assert held_now["R1"].values["phone"] == "06 12345678"
    assert held_now["10002"].values["active"] is False


def test_what_undo_made_inactive_is_not_made_active_by_the_next_run(
    harness: CustomerHarness, till: MemoryConnector
) -> None:
    harness.commit(harness.undo(harness.run()))
    harness.run(Mode.COMPLETE)
    assert till.records_of(Kind.RELATION)["10002"].values["active"] is False


def test_undo_leaves_a_customer_that_was_changed_since(harness: CustomerHarness, till: MemoryConnector) -> None:
    run = harness.run()
    edit_record(till, "R1", {"phone": "020 7654321"}, Kind.RELATION)
    edit_record(till, "10003", {"active": False}, Kind.RELATION)
    back = harness.undo(run)
    assert harness.causes(back) == {"10001": "undo_blocked", "10003": "undo_blocked"}
    assert set(harness.changes(back)) == {"10002"}
