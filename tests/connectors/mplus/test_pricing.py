"""Prices of customers at the till sandbox: written beside existing ones, and the prices that the till computes."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integration.connectors.mplus.client import NAMESPACE, interface_contract
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.products import TillProducts
from integration.core.errors import RejectedError
from integration.core.plan import differences
from integration.core.prices import PriceQuery, PriceScope, PriceTerm, PriceType, TillPrice
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value
from integration.sandbox.server import Sandbox
from tests.builders import a_part, a_product, an_update_at
from tests.connectors.mplus.tills import NOWHERE, a_till, answering, create, look
from tests.fakes import Links

D = Decimal


def a_bell(number: str, prices: Mapping[str, Value]) -> Record:
    """Return a product with one article at 20.00 including 21 % VAT, with other prices besides."""
    part = a_part(number, vat_code="2", external_id=number)
    return a_product(number, (Record(part.kind, part.key, {**part.values, **prices}, source=number),))


def a_customer(key: str, values: Mapping[str, Value]) -> Record:
    return Record(Kind.RELATION, key, {"name": f"Klant {key}", "external_id": key, **values})


def write(till: Mplus, current: CurrentRecord, links: Links, paths: Mapping[str, Value]) -> None:
    """Write some values, by their paths, over the record that was looked up."""
    change = an_update_at(current.record, paths)
    till.write(change, current, links, "t")


def deviations(sandbox: Sandbox, number: str) -> list[dict[str, Any]]:
    return [
        deviation for deviation in sandbox.state("deviations", "mplus") if str(deviation["articleNumber"]) == number
    ]


def pays(till: Mplus, article: str, customer: str, quantity: str = "1", branch: str = "1") -> TillPrice | None:
    (price,) = till.till_prices([PriceQuery(article, customer, D(quantity), branch)])
    return price


PRICES: dict[str, Value] = {
    "price_group_incl:0:2": D("18.00"),
    "price_group_incl:10:2": D("15.50"),
    "branch_incl:0:2": D("22.00"),
    "articleDiscountGroupNumber": "4",
}


def test_an_article_is_made_with_its_prices_and_reads_back_equal(till: Mplus, links: Links, serial: int) -> None:
    bell = a_bell(f"77{serial:03}", PRICES)
    current = create(till, bell, links)
    assert differences(bell, current.record) == ()


def test_prices_are_changed_and_reversed(sandbox: Sandbox, till: Mplus, links: Links, serial: int) -> None:
    number = f"77{serial:03}"
    bell = a_bell(number, PRICES)
    current = create(till, bell, links)
    values = {f"{number}/price_group_incl:10:2": None, f"{number}/branch_incl:0:2": D("21.50")}
    change = an_update_at(current.record, values)
    assert till.calls(change) == 2  # the article, and its prices per branch
    till.write(change, current, links, "t")
    now = look(till, bell, links).record.flat()
    assert [now.get(path) for path in values] == [None, D("21.50")]
    assert now[f"{number}/price_group_incl:0:2"] == D("18.00")
    write(till, look(till, bell, links), links, {f"{number}/branch_incl:0:2": None})
    assert deviations(sandbox, number) == []


def test_a_price_of_a_branch_leaves_the_rest_of_its_line(
    sandbox: Sandbox, till: Mplus, links: Links, serial: int
) -> None:
    number = f"77{serial:03}"
    bell = a_bell(number, PRICES)
    current = create(till, bell, links)
    line = {"articleNumber": number, "branchNumber": 2, "description": "Bel (actie)", "salesPriceExcl": "9.00"}
    sandbox.till.edit("deviations", f"2/{number}", line)
    writes = sandbox.ledger.counts()["writes"]
    write(till, current, links, {f"{number}/branch_incl:0:2": D("23.10")})
    (deviation,) = deviations(sandbox, number)
    assert (deviation["description"], deviation["salesPriceIncl"]) == ("Bel (actie)", "23.10")
    assert "salesPriceExcl" not in deviation
    assert sandbox.ledger.counts()["writes"] == writes + 1  # the product itself is not written for it


def test_a_price_outside_what_the_till_allows_is_refused_with_the_range(
    sandbox: Sandbox, till: Mplus, links: Links, serial: int
) -> None:
    number = f"77{serial:03}"
    bell = a_bell(number, PRICES)
    create(till, bell, links)
    sandbox.till.edit("articles", number, {"priceDeviationMin": "15.00", "priceDeviationMax": "30.00"})
    with pytest.raises(RejectedError) as refused:
        write(till, look(till, bell, links), links, {f"{number}/branch_incl:0:2": D("31.00")})
    facts = refused.value.facts
    assert refused.value.code == "price_outside_range"
    assert [facts[name] for name in ("price", "branch", "lowest", "highest")] == ["31.00", "2", "15.00", "30.00"]
    assert look(till, bell, links).record.flat()[f"{number}/branch_incl:0:2"] == D("22.00")


def test_nothing_is_asked_of_branches_where_no_article_has_such_a_price(
    sandbox: Sandbox, till: Mplus, links: Links, serial: int
) -> None:
    bell = a_bell(f"77{serial:03}", {})
    create(till, bell, links)
    assert "getArticleBranchDeviations" not in {call.operation for call in sandbox.ledger.calls("mplus")}


AGREED: dict[str, Value] = {
    "price_group": "2",
    "discount_percent": D(5),
    "payment_days": D(14),
    "credit_limit": D("2500.00"),
    "discount_group_percent:0:4": D(15),
}


def test_a_customer_is_made_with_agreements_and_reads_back_equal(till: Mplus, links: Links, serial: int) -> None:
    customer = a_customer(f"P{serial}", {**AGREED, "article_incl:2,5:10007": D("9.99")})
    current = create(till, customer, links)
    assert differences(customer, current.record) == ()
    write(till, current, links, {"article_incl:2,5:10007": None, "discount_group_percent:0:4": D(20)})
    now = look(till, customer, links).record.values
    assert now["discount_group_percent:0:4"] == D(20)
    assert "article_incl:2,5:10007" not in now
    assert (now["payment_days"], now["credit_limit"], now["price_group"]) == (D(14), D("2500.00"), "2")


@pytest.mark.parametrize(
    ("agreed", "quantity", "branch", "incl", "by"),
    [
        ({"price_group": "1"}, "1", "1", "20.00", "none"),
        ({"price_group": "1"}, "1", "2", "22.00", "none"),
        ({"price_group": "1", "discount_percent": D(5)}, "2", "1", "38.00", "customer-discount"),
        ({"price_group": "2"}, "9", "1", "162.00", "price-group"),
        ({"price_group": "2"}, "10", "1", "155.00", "price-group"),
        (AGREED, "10", "1", "170.00", "customer-discount"),
    ],
)
def test_the_till_says_what_a_customer_pays(
    till: Mplus, links: Links, serial: int, agreed: dict[str, Value], quantity: str, branch: str, incl: str, by: str
) -> None:
    number = f"77{serial:03}"
    create(till, a_bell(number, PRICES), links)
    customer = create(till, a_customer(f"P{serial}", agreed), links).reference
    price = pays(till, number, customer, quantity, branch)
    assert price is not None
    assert (price.incl, price.excl, price.by) == (D(incl), (D(incl) / D("1.21")).quantize(D("0.01")), by)


def test_what_the_till_does_not_know_has_no_answer(till: Mplus) -> None:
    assert [pays(till, "999999", ""), pays(till, "10007", "1001", branch="77")] == [None, None]


def test_an_installation_says_whether_it_answers_at_all(sandbox: Sandbox, till: Mplus) -> None:
    assert till.can_calculate_prices() is True
    silent = a_till(sandbox, determine_pricing=False)
    assert silent.can_calculate_prices() is False
    silent.close()
    sandbox.till.edit("conventions", "unknown_operations", {"value": ["determinePricing"]})
    assert till.can_calculate_prices() is False
    with pytest.raises(RejectedError) as unknown:
        pays(till, "10007", "")
    assert unknown.value.code == "operation_unknown"
    sandbox.till.edit("conventions", "unknown_operations", {"value": []})
    assert till.till_prices([]) == []


def test_a_temporary_price_is_charged_in_its_period_until_it_is_removed(till: Mplus, links: Links, serial: int) -> None:
    number, name = f"78{serial:03}", "offer_incl:3@2026-12-07_2026-12-13:1"
    current = create(till, a_bell(number, {name: D("15.00")}), links)

    def charged_price(day: int, quantity: str) -> TillPrice | None:
        (till_price,) = till.till_prices([PriceQuery(number, "", D(quantity), "1", date(2026, 12, day))])
        return till_price

    prices = [charged_price(day, quantity) for day, quantity in ((6, "3"), (7, "3"), (7, "2"), (13, "3"), (14, "3"))]
    assert [price.incl for price in prices if price] == [D("60.00"), D("45.00"), D("40.00"), D("45.00"), D("60.00")]
    assert prices[1] is not None
    assert prices[1].by == "sales-price"
    write(till, current, links, {f"{number}/{name}": None})
    price_after = charged_price(7, "3")
    assert price_after is not None
    assert price_after.incl == D("60.00")


BELL_LINE = "<articleNumber>{}</articleNumber><branchNumber>{}</branchNumber><salesPriceIncl>{}</salesPriceIncl>"


@pytest.mark.parametrize(
    ("broken", "parked"),
    [
        (BELL_LINE.format(71, 1, "veel"), {"71"}),
        (BELL_LINE.format(71, 1, "5.00") + "<salesPriceIncl>6.00</salesPriceIncl>", {"71"}),
        (BELL_LINE.format(71, 1, "5.00").replace("<salesPriceIncl>", "<salesPriceIncl><x/>"), {"71"}),
        (BELL_LINE.format(72, 1, "6.00"), {"72"}),  # another line for this article and branch
        (BELL_LINE.format(72, 1, "5.00"), set()),  # the same line again
        (BELL_LINE.format("x", 1, "5.00"), {"71", "72"}),
        ("5.00", {"71", "72"}),
    ],
)
def test_a_price_line_that_cannot_be_read_parks_the_products_that_it_may_be_of(broken: str, parked: set[str]) -> None:
    lines = "".join(
        f"<articleBranchDeviationLines>{line}</articleBranchDeviationLines>"
        for line in (BELL_LINE.format(72, 1, "5.00"), broken)
    )
    products = "".join(
        f"<product><productNumber>{number}</productNumber><description>Bel</description><articleList><article>"
        f"<articleNumber>{number}</articleNumber><description>Bel</description></article></articleList></product>"
        for number in (71, 72)
    )

    def answer(request: httpx.Request) -> str:
        is_prices = b"getArticleBranchDeviations" in request.content
        operation = "getArticleBranchDeviations" if is_prices else "getProducts"
        name = interface_contract().answer_name(operation).partition("}")[2]
        inside = lines if is_prices else f"<productList>{products}</productList>"
        return f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>'

    client = answering(answer)
    target = TillProducts(NOWHERE, client, TillFields(NOWHERE, client))
    price = PriceTerm(PriceScope.BRANCH, PriceType.INCL, D(0), "1", None).name
    desired = [
        Record(Kind.PRODUCT, number, {}, (Record(Kind.ARTICLE, number, {price: D(5)}, source=number),))
        for number in ("71", "72")
    ]
    current = target.lookup(desired, Links())
    assert {key for key, current_record in current.items() if isinstance(current_record.record, Unreadable)} == parked
    if "72" not in parked:
        assert current["72"].record.parts[0].values[price] == D("5.00")
