"""A till that was replaced or restored is one question for all flows, with one answer for either."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.application.stores import Stores
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.errors import ConfigurationError, PlanStaleError
from integration.core.links import Link
from integration.core.people import Actor
from integration.core.records import Kind
from integration.lab.console import books_connection, till_connection
from integration.sandbox.server import Sandbox, running
from integration.services.systems.connection_settings import GIVEN_TOKENS
from integration.services.write_holds.system_identity import RECORDS, SystemAnswer
from integration.store.cursors import keep_cursors
from tests.builders import a_relation
from tests.consoles import open_application
from tests.people import make_actor
from tests.stores import stores_in

ADMINISTRATOR: Actor = make_actor("test")


@contextmanager
def connect_systems(data: Path, sandbox: Sandbox) -> Iterator[Application]:
    """Give a console whose settings connect it to two systems, as to real ones."""
    books, till = AccountViewAccess(**books_connection(sandbox)), MplusAccess(**till_connection(sandbox))
    with open_application(data, start=False, accountview=books, mplus=till) as application:
        application.access.connected.drop(GIVEN_TOKENS)  # the built-in books of each test are at another address
        application.system_identities.check()
        yield application


@pytest.fixture
def application_with_other_till(tmp_path: Path) -> Iterator[Application]:
    """A console with a link and a cursor, whose till was replaced by one with fewer orders."""
    with running(articles=50, orders=20) as first, connect_systems(tmp_path, first) as application:
        assert application.system_identities.questions() == []
        stores = stores_in(application)
        stores.links.keep("customers", [Link(Kind.RELATION, "20001", "7", a_relation())])
        with stores.database.write() as connection:
            keep_cursors(connection, stores.cursors.clock(), "customers", {"source:debtor": "1"})
    with running(articles=50, orders=5) as second, connect_systems(tmp_path, second) as application:
        yield application


def hold_reason(application: Application, flow: str) -> PlanStaleError | None:
    """Return why a flow may write nothing."""
    reason = application.flows._holds.hold_reason(flow)
    assert reason is None or isinstance(reason, PlanStaleError)
    return reason


def test_a_till_of_an_earlier_version_is_in_question(tmp_path: Path) -> None:
    with running(articles=20, orders=5) as sandbox, connect_systems(tmp_path, sandbox) as application:
        record = application.system_identities._record("mplus")
        counters = record["identity"]["counters"]
        assert counters.keys() >= {"stockId", "apiVersion", "databaseVersion", "articleSyncMarker"}
        later = {**counters, "databaseVersion": counters["databaseVersion"] + 1}
        application.system_identities._keep("mplus", {"identity": {**record["identity"], "counters": later}})
        application.system_identities._check_times.clear()
        application.system_identities.check()
        (question,) = application.system_identities.questions()
        assert question.changed == ("databaseVersion",)


def links(stores: Stores) -> int:
    return len(stores.links.get("customers", Kind.RELATION, ["20001"]))


def test_a_till_with_lower_change_numbers_holds_every_flow(application_with_other_till: Application) -> None:
    (question,) = application_with_other_till.system_identities.questions()
    assert question.system == "mplus"
    assert "orderSyncMarker" in question.changed
    for flow in ("products", "customers", "orders", "days"):
        reason = hold_reason(application_with_other_till, flow)
        assert reason is not None
        assert (reason.code, reason.facts["system"]) == ("system_in_question", "mplus")
    with pytest.raises(ConfigurationError, match="not_in_question"):
        application_with_other_till.system_identities.answer("accountview", SystemAnswer.ANOTHER, ADMINISTRATOR)


def test_the_same_system_keeps_its_links_and_is_compared_before_anything_is_written(
    application_with_other_till: Application,
) -> None:
    stores = stores_in(application_with_other_till)
    application_with_other_till.system_identities.answer("mplus", SystemAnswer.RESTORED, ADMINISTRATOR)
    assert application_with_other_till.system_identities.questions() == []
    assert (links(stores), stores.cursors.get("customers", "source:debtor")) == (1, None)
    reason = hold_reason(application_with_other_till, "customers")
    assert reason is not None
    assert reason.code == "restored_not_compared"
    assert hold_reason(application_with_other_till, "products") is None


def test_another_system_begins_without_links_and_those_of_before_are_set_aside(
    application_with_other_till: Application,
) -> None:
    stores = stores_in(application_with_other_till)
    application_with_other_till.system_identities.answer("mplus", SystemAnswer.ANOTHER, ADMINISTRATOR)
    assert application_with_other_till.system_identities.questions() == []
    assert (links(stores), stores.cursors.get("customers", "source:debtor")) == (0, None)
    with stores.database.read() as connection:
        aside = connection.exec_driver_sql("SELECT flow FROM links").scalars().all()
    assert [flow.endswith(":customers") and flow.startswith("mplus until ") for flow in aside] == [True]
    assert hold_reason(application_with_other_till, "customers") is None
    assert {
        entry.actor for entry in application_with_other_till.audit.entries() if entry.subjects == ("identity:mplus",)
    } == {"test"}


def test_codes_of_the_former_till_hold_their_flows_until_they_are_confirmed_or_changed(
    application_with_other_till: Application,
) -> None:
    rules, me = stores_in(application_with_other_till).rules, "test"
    rules.set_table("vat_codes_sales", {"2": "2"}, me)
    rules.set_table("articles", {"7": "9001"}, me)  # a stand-in
    rules.set_table("revenue_accounts", {"2": "8000"}, me)  # both sides are of the books
    stores_in(application_with_other_till).settings.put("flow:stock", {"branches": {"1": "formula"}}, me)
    application_with_other_till.system_identities.answer("mplus", SystemAnswer.ANOTHER, ADMINISTRATOR)

    (question,) = application_with_other_till.former_codes.questions()
    tables = {flow: names for flow, names in question.tables.items() if names}
    assert question.system == "mplus"
    assert tables == {"orders": ("articles", "vat_codes_sales"), "days": ("vat_codes_sales",)}
    assert {flow: names for flow, names in question.settings.items() if names} == {"stock": ("branches",)}
    reasons = {
        flow: reason.code
        for flow in application_with_other_till.flows
        if (reason := hold_reason(application_with_other_till, flow))
    }
    assert reasons == dict.fromkeys(("stock", "orders", "days"), "codes_of_former_system")

    application_with_other_till.flows.change("stock", {"branches": {"2": "formula"}}, ADMINISTRATOR)
    rules.set_table("articles", {}, me)
    rules.set_table("vat_codes_sales", {}, me)
    assert application_with_other_till.former_codes.questions() == []
    rules.set_table("vat_codes_sales", {"2": "2", "3": "1"}, me)  # as an imported configuration may have it
    assert {flow for flow in application_with_other_till.flows if hold_reason(application_with_other_till, flow)} == {
        "orders",
        "days",
    }

    application_with_other_till.former_codes.confirm("mplus", ADMINISTRATOR)
    assert application_with_other_till.former_codes.questions() == []
    assert hold_reason(application_with_other_till, "orders") is None
    assert {
        entry.actor
        for entry in application_with_other_till.audit.entries()
        if entry.subjects == ("former_codes:mplus",)
    } == {"test"}
    with pytest.raises(ConfigurationError, match="not_in_question"):
        application_with_other_till.former_codes.confirm("mplus", ADMINISTRATOR)


def test_filters_texts_and_own_rules_with_fixed_values_are_confirmed_too(
    application_with_other_till: Application,
) -> None:
    stores, me = stores_in(application_with_other_till), "test"
    body = application_with_other_till.rules.published("customers")[1]  # type: ignore[index]
    own_rule = {"target": "relation.discountGroup", "expression": "'7' if blocked else '8'"}
    stores.rules.publish("customers", {**body, "rules": [*body["rules"], own_rule]}, by=me, note="")
    condition = {"field": "workplace", "operator": "equal", "value": "3"}
    stores.settings.put("flow:orders", {"filters": [condition], "default_workplace": "12"}, me)
    stores.settings.put("flow:products", {"filters": [{**condition, "field": "group"}]}, me)  # of the books
    application_with_other_till.system_identities.answer("mplus", SystemAnswer.ANOTHER, ADMINISTRATOR)

    (question,) = application_with_other_till.former_codes.questions()
    assert {flow: names for flow, names in question.settings.items() if names} == {
        "orders": ("default_workplace", "filters")
    }
    assert {flow: targets for flow, targets in question.rules.items() if targets} == {
        "customers": ("relation.discountGroup",)
    }
    assert {flow for flow in application_with_other_till.flows if hold_reason(application_with_other_till, flow)} == {
        "orders",
        "customers",
    }
    stores.settings.put("flow:orders", {"filters": [{**condition, "value": "4"}]}, me)
    assert hold_reason(application_with_other_till, "orders") is None
    application_with_other_till.former_codes.confirm("mplus", ADMINISTRATOR)
    assert hold_reason(application_with_other_till, "customers") is None


@pytest.mark.parametrize(
    ("contradicting", "compared", "is_asked"), [(4, 4, False), (5, 20, True), (5, 21, False), (6, 21, True)]
)
def test_many_records_that_contradict_their_links_put_the_system_in_question(
    tmp_path: Path, contradicting: int, compared: int, *, is_asked: bool
) -> None:
    with open_application(tmp_path, start=False) as application:
        application.system_identities.suspect("mplus", contradicting, compared)
        assert [question.changed for question in application.system_identities.questions()] == [(RECORDS,)] * is_asked


def test_records_that_a_person_was_asked_about_do_not_put_a_restored_system_in_question_again(
    application_with_other_till: Application,
) -> None:
    identities = application_with_other_till.system_identities
    question_counts = []
    for contradicting in (6, 8, 20, 20, 24, 25):  # the first ones belong to the state that a person said is restored
        if identities.questions():
            identities.answer("mplus", SystemAnswer.RESTORED, ADMINISTRATOR)
        identities.suspect("mplus", contradicting, 12)
        question_counts.append(len(identities.questions()))
    assert question_counts == [0, 0, 1, 0, 0, 1]
