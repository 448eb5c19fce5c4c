"""Pages of a daybook."""

from decimal import Decimal

from integration.connectors.accountview.connector import AccountView
from tests.connectors.accountview.samples import a_line, an_order, created, held
from tests.fakes import Links


def test_lines_are_numbered_in_the_order_they_were_posted(books: AccountView, links: Links) -> None:
    lines = tuple(a_line(place, quantity=Decimal(place)) for place in range(1, 13))
    wanted = an_order("606", lines)
    created(books, wanted, links)
    assert [part.values["quantity"] for part in held(books, wanted, links).record.parts] == list(range(1, 13))
