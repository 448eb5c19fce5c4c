"""Documents of another console in the same books: reported by the check, with an example and a free prefix."""

from pathlib import Path

import pytest

from integration.application.application import Application
from integration.core.connections import Finding
from integration.core.links import Link
from integration.core.plan import Approval
from integration.core.position import Position, Task
from integration.core.records import Kind
from integration.core.run import Mode
from integration.core.states import RunState
from integration.flows.console_marks import free_prefix
from integration.flows.day_pages import bears_day
from integration.flows.orders.references import has_prefix
from integration.flows.registry import FLOWS
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.setup import QuestionState
from tests.builders import a_create
from tests.connectors.accountview.day_page import a_day_page
from tests.connectors.accountview.samples import an_order
from tests.consoles import open_application
from tests.fakes import Links
from tests.people import make_actor
from tests.store.samples import a_line
from tests.stores import sandbox_of, stores_in

OURS = "orders", Kind.SALES_ORDER


def prefix_findings(application: Application) -> list[Finding]:
    return [finding for finding in application.connections.check("accountview") if finding.cause == "prefix_in_use"]


def book_order(application: Application, number: str, prefix: str = "MP-") -> str:
    """Book an order as another console would, of which this one knows nothing; return its number in the books."""
    order = an_order(number, reference=f"{prefix}{number}")
    return application.access.connector("accountview").write(a_create(order), None, Links(), number).reference


def link_order(application: Application, number: str) -> None:
    """Store that this console booked the order under this number of the books."""
    order = an_order("2026.2", reference="mp-2026.2")  # the books may write it in other letters
    stores_in(application).links.keep("orders", [Link(Kind.SALES_ORDER, "order-2", number, order)])


def send_order(application: Application, reference: str) -> None:
    """Store that this console sent an order with this reference and got no answer."""
    stores, change = stores_in(application), a_create(an_order("2026.4", reference=reference))
    run = stores.runs.begin("orders", Mode.COMPLETE, "test", 1).id
    stores.previews.keep_page(run, [a_line(change, stage="orders")], (), 0, Position(Task.COMPARE))
    stores.previews.finish(run, "fingerprint", (), RunState.READY, 1)
    stores.runs.approve(run, Approval(stores.runs.get(run).mark, "test"))
    stores.ledger.mark_sent(run, [row.seq for row in stores.ledger.next_planned(run, ("orders",), 1)])


def book_day(application: Application, reference: str) -> str:
    """Book a day as another console would; return the number of its page."""
    page = a_day_page(reference=reference)
    return application.access.connector("accountview").write(a_create(page), None, Links(), reference).reference


def question(application: Application) -> QuestionState:
    return next(
        asked_question
        for asked_question in application.setup.questions()["orders"]
        if asked_question.question.name == "prefix"
    )


def test_the_check_tells_of_documents_under_our_prefix_that_are_not_ours(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        application.setup.choose({"orders": 5}, make_actor("test"))
        assert prefix_findings(application) == []

        before = book_order(application, "2026.1")
        (prefix_finding,) = prefix_findings(application)
        assert (prefix_finding.ok, prefix_finding.name) == (False, "flow_orders")
        assert (prefix_finding.facts["count"], prefix_finding.facts["reference"], prefix_finding.facts["prefix"]) == (
            "1",
            "MP-2026.1",
            "MP-",
        )
        assert not has_prefix(prefix_finding.facts["free"], Kind.SALES_ORDER, prefix_finding.facts["reference"])

        asked_question = question(application)
        assert asked_question.proposal is not None
        assert asked_question.proposal.values == {"reference_prefix": prefix_finding.facts["free"]}
        assert asked_question.can_be_accepted

        own_number = book_order(application, "2026.2")
        link_order(application, own_number)
        assert int(own_number) > int(before)
        assert (
            prefix_findings(application) == []
        )  # what was there before the first of ours is of a console that is no more
        book_order(application, "2026.3")
        assert [finding.facts["reference"] for finding in prefix_findings(application)] == ["MP-2026.3"]

        asked_question = question(application)
        assert (asked_question.proposal, asked_question.can_be_accepted) == (
            None,
            False,
        )  # what is booked is known by its prefix
        assert asked_question.missing_setting is not None

        stores = stores_in(application)
        look = ForeignDocumentSearch(
            stores.ledger, stores.links, stores.settings, application.access, application.logics, FLOWS
        )
        look.accept("orders", {"mp-2026.3"}, "test")
        assert prefix_findings(application) == []  # a person knows of it
        link_order(application, "999999")
        assert {finding.facts["count"] for finding in prefix_findings(application)} == {
            "2"
        }  # under our reference, and another document
        link_order(application, own_number)
        sandbox_of(application).accountview.invoice(
            own_number
        )  # into the history, which does not tell the number of an order
        assert [finding.facts["reference"] for finding in prefix_findings(application)] == [
            "MP-2026.1"
        ]  # nothing of ours is beside it

        free = prefix_finding.facts["free"]
        application.flows.change("orders", {"reference_prefix": free}, make_actor("test"))
        assert prefix_findings(application) == []
        book_order(application, "2026.4", free)
        assert [finding.facts["reference"] for finding in prefix_findings(application)] == [f"{free}2026.4"]
        send_order(application, f"{free}2026.4".casefold())
        assert prefix_findings(application) == []  # the answer to ours was lost


def test_a_prefix_is_proposed_and_taken_by_what_stands_in_the_books_now(tmp_path: Path) -> None:
    me = make_actor("test")
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(me)
        application.setup.choose({"orders": 5}, me)
        book_order(application, "2026.1")
    with open_application(tmp_path, start=False) as application:  # nobody has asked for a check since this start
        application.connections.join_sandbox()
        sandbox_of(application).ledger.clear()
        asked_question = question(application)
        assert asked_question.proposal is not None
        free = str(asked_question.proposal.values["reference_prefix"])
        calls = len(sandbox_of(application).ledger.calls("accountview"))
        question(application)
        assert len(sandbox_of(application).ledger.calls("accountview")) == calls > 0  # one look is enough

        book_order(application, "2026.2", free)  # another console takes it meanwhile
        application.setup.answer("orders", "prefix", asked_question.proposal.values, me)
        next_question = question(application)
        assert next_question.missing_setting is not None
        assert next_question.missing_setting.reason.facts["prefix"] == free


def test_days_of_another_console_are_reported_under_the_prefix_that_the_flow_of_documents_sets(tmp_path: Path) -> None:
    me = make_actor("test")
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(me)
        application.setup.choose({"orders": 5, "days": 5}, me)
        book_day(application, "KZ6101700100")
        assert prefix_findings(application) == []

        own_number = book_day(application, "MZ6101600100")
        agreed = a_day_page(reference="MZ6101600100")
        stores_in(application).links.keep("days", [Link(Kind.DAY_PAGE, "2026-10-16/1", own_number, agreed)])
        assert prefix_findings(application) == []
        book_day(application, "MZ6101700100")
        (prefix_finding,) = prefix_findings(application)
        assert prefix_finding.name == "flow_days"
        assert (prefix_finding.facts["reference"], prefix_finding.facts["prefix"]) == ("MZ6101700100", "MP-")
        assert not bears_day(prefix_finding.facts["free"], Kind.DAY_PAGE, "KZ6101700100")

        asked_question = question(application)  # of the flow that has the setting
        assert asked_question.missing_setting is not None
        assert (asked_question.proposal, asked_question.can_be_accepted) == (None, False)  # a day is booked under it
        application.flows.change("orders", {"reference_prefix": prefix_finding.facts["free"]}, me)
        assert prefix_findings(application) == []


@pytest.mark.parametrize(
    ("kind", "reference", "is_ours"),
    [
        (Kind.SALES_ORDER, "MP-2026.1", True),
        (Kind.SALES_ORDER, "mp-2026.1", True),
        (Kind.SALES_ORDER, "KP-2026.1", False),
        (Kind.POSTING, "MO6000000001", True),
        (Kind.POSTING, "KO6000000001", False),
        (Kind.POSTING, "", False),
    ],
)
def test_a_prefix_is_known_in_the_references_of_orders_and_of_postings(
    kind: Kind, reference: str, is_ours: bool
) -> None:
    assert has_prefix("MP-", kind, reference) is is_ours
    assert not has_prefix(free_prefix([reference]), kind, reference)
