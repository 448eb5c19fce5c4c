"""When a delivery address is the same address."""

from integration.connectors.accountview.connector import AccountView
from integration.core.plan import differences
from tests.connectors.accountview.samples import an_address, created, held, with_a_debtor
from tests.fakes import Links


def test_an_address_is_known_by_its_content_whatever_blanks_and_capitals(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "620")
    number = created(books, an_address("620", name="Magazijn  Noord"), links, keep=False).reference
    again = an_address("620", name="magazijn noord", postcode="3512AB", street="KADE 3")
    found = held(books, again, links)
    assert (found.reference, found.evidence) == (number, "content")
    assert differences(again, found.record) == ()


def test_an_address_of_another_debtor_is_another_address(books: AccountView, links: Links) -> None:
    for key in ("621", "622"):
        with_a_debtor(books, links, key)
    created(books, an_address("621"), links, keep=False)
    assert books.lookup([an_address("622"), an_address("621", city="Zeist"), an_address("623")], links) == {}


def test_the_same_address_entered_twice_tells_of_the_other(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "624")
    first, second = (created(books, an_address("624"), links, keep=False).reference for _ in range(2))
    found = held(books, an_address("624"), links)
    assert (found.reference, found.others) == (first, (second,))
