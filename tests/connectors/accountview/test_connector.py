"""AccountView as a connector: requirements for every kind of record."""

from decimal import Decimal

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import (
    RejectedError,
)
from integration.core.plan import differences
from integration.core.records import Batch, Kind
from integration.sandbox.server import Sandbox
from tests.builders import a_create, a_product, an_update
from tests.connectors.accountview.conversation import Connect, an_accountview, answer_of
from tests.connectors.accountview.samples import (
    a_debtor,
    a_posting,
    an_address,
    an_order,
    calls_since,
    create_record,
    look_up_record,
    newest_call,
    with_a_debtor,
)
from tests.connectors.contract import SourceContract, Touch, pages
from tests.fakes import Links


def test_products_are_no_kind_of_accountview() -> None:
    with pytest.raises(RejectedError):
        an_accountview(answer_of()).extract(Kind.PRODUCT)


class TestAccountViewAsSource(SourceContract):
    @pytest.fixture(params=["number", "last_key"])
    def connector(self, connect: Connect, request: pytest.FixtureRequest) -> AccountView:
        return connect(page_strategy=request.param, overlap_seconds=0)

    @pytest.fixture
    def touch(self, shared_sandbox: Sandbox) -> Touch:
        return lambda key: shared_sandbox.accountview.edit("ARTICLE", key, {"ART_DESC1": "Anders"})


def test_reading_writes_nothing(accountview: AccountView, shared_sandbox: Sandbox) -> None:
    start = newest_call(shared_sandbox)
    accountview.check()
    pages(accountview, Kind.ARTICLE)
    accountview.fetch(Kind.ARTICLE, ["10001"])
    assert shared_sandbox.ledger.calls(write=True, since=start) == []


@pytest.mark.parametrize("kind", [Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING])
def test_what_was_written_is_read_back_with_every_value(books: AccountView, links: Links, kind: Kind) -> None:
    with_a_debtor(books, links, "601")
    create_record(books, an_address("601"), links)
    desired = {
        Kind.DEBTOR: a_debtor("602", vat_number="nl001234567b01", iban="nl91abna0417164300", contact="Bram"),
        Kind.ADDRESS: an_address("601", street="Kade 4"),
        Kind.SALES_ORDER: an_order(
            "603", debtor="601", debtor_number="", address="601/c0ffee", discount=Decimal("5.5")
        ),
        Kind.POSTING: a_posting("604", debtor="601", debtor_number="", period="11", payment_reference="bon 604"),
    }[kind]
    assert books.lookup([desired], links) == {}
    result = create_record(books, desired, links, keep=False)
    current = look_up_record(books, desired, links)
    assert differences(desired, current.record) == ()
    assert current.reference == result.reference
    assert current.other_references == ()


def test_a_change_takes_one_call(books: AccountView, shared_sandbox: Sandbox, links: Links) -> None:
    books.lookup([an_order("607")], links)
    start = newest_call(shared_sandbox)
    create_record(books, an_order("607"), links)
    assert books.calls(a_create(an_order())) == 1
    assert calls_since(shared_sandbox, start) == {"SO1 POST": 1}


def test_nothing_asked_is_nothing_looked_up(books: AccountView, links: Links) -> None:
    assert books.lookup([], links) == {}


def test_articles_are_not_written_and_the_books_are_not_asked_for_changes(books: AccountView, links: Links) -> None:
    assert books.read_changes(Kind.SALES_ORDER, "") == Batch((), None, "")
    assert books.calls(a_create(a_product())) == 0
    for refused in (
        lambda: books.write(a_create(a_product()), None, links, "t"),
        lambda: books.lookup([a_product()], links),
        lambda: books.read_changes(Kind.ARTICLE, "0"),
        lambda: books.write(an_update(an_order(), remark="anders"), None, links, "t"),
    ):
        with pytest.raises(RejectedError):
            refused()
