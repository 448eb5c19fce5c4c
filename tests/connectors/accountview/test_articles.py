"""Articles as a source."""

from decimal import Decimal

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.records import Kind
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.conversation import Connect
from tests.connectors.accountview.samples import connected
from tests.connectors.contract import pages


def test_every_article_of_the_shop_arrives_with_its_price_to_four_decimals(
    accountview: AccountView, shared_sandbox: Sandbox
) -> None:
    found = {
        record.key: record.values["price"] for batch in pages(accountview, Kind.ARTICLE) for record in batch.records
    }
    assert found == {article.code.upper(): article.price_excl for article in shared_sandbox.shop.articles}


@pytest.mark.parametrize(
    "conventions",
    [
        Conventions(padded_text=True),
        Conventions(one_row_as_object=True),
        Conventions(no_hit="absent"),
        Conventions(no_hit="not_found"),
        Conventions(equal_is_prefix=True),
    ],
    ids=["padded text", "one row as object", "table absent", "404 when nothing found", "equal is a prefix"],
)
def test_what_the_sources_leave_open_makes_no_difference(conventions: Conventions, connect: Connect) -> None:
    with running(articles=60, conventions=conventions) as other:
        accountview = connect(other)
        found = [record for batch in pages(accountview, Kind.ARTICLE) for record in batch.records]
        assert [record.key for record in found] == sorted(article.code.upper() for article in other.shop.articles)
        assert accountview.fetch(Kind.ARTICLE, [found[0].key, "none"]) == [found[0]]
        assert all(finding.ok for finding in accountview.check())


def test_quantities_of_stock_stand_under_our_names(books: AccountView) -> None:
    record = books.extract(Kind.ARTICLE).records[-1]
    assert {"stock", "stock_technical", "stock_free", "stock_ordered", "K9_RSRV"} <= record.values.keys()
    assert "stock_reserved" not in record.values
    assert isinstance(record.values["stock_free"], Decimal)


def test_a_quantity_that_nobody_tells_is_left_out() -> None:
    with running(articles=60, renamed={"ARTICLE.QTY_BESTEL": "BESTELD"}) as other, connected(other) as accountview:
        record = accountview.extract(Kind.ARTICLE).records[0]
        assert "stock_ordered" not in record.values
        assert all(finding.ok for finding in accountview.check())
