"""Stock levels at the till, against the till sandbox: read for each branch, set and never added to."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import NAMESPACE, interface_contract
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.history import TillHistory
from integration.connectors.mplus.products import TillProducts
from integration.connectors.mplus.stock import TillStock
from integration.core.errors import InDoubtError, RejectedError
from integration.core.flow import Ownership
from integration.core.plan import Change, Unchanged, diff, differences, remaining
from integration.core.records import Batch, CurrentRecord, Kind, Record, Unreadable, Value
from integration.sandbox.server import Sandbox, running
from tests.builders import a_create, a_part, a_product, an_update_at
from tests.connectors.mplus.tills import NOWHERE, a_till, answering, call_names
from tests.fakes import Links

SERIALS = itertools.count(8_001)
ARTICLES = 30
BRANCHES = ("1", "2")


def an_article(till: Mplus, *, managed: bool = True, size: int = 1) -> str:
    """Make a product at the till and return the number of its first article; the others follow it."""
    first = next(SERIALS) * 100 + 1
    parts = tuple(a_part(str(first + place), stock_managed=managed) for place in range(size))
    till.write(a_create(a_product(f"P{first}", parts)), None, Links(), "t")
    return str(first)


def levels(number: str, amounts: dict[str, Decimal] | None = None, **values: Value) -> Record:
    """Return the stock of one article as it should be; without amounts, as it is asked for."""
    amounts_by_branch: dict[str, Decimal] = dict.fromkeys(BRANCHES, Decimal(0)) if amounts is None else amounts
    parts = tuple(Record(Kind.LEVEL, branch, {"amount": amount}) for branch, amount in amounts_by_branch.items())
    return Record(Kind.STOCK, f"A{number}", {"number": number, **values}, parts)


def look(till: Mplus, desired: Record) -> CurrentRecord:
    """Return the current levels of the till."""
    return till.lookup([desired], Links())[desired.key]


def a_level_change(current: CurrentRecord, **paths: Value) -> Change:
    """Return the change of some values, under their paths with an underscore for the slash."""
    return an_update_at(
        current.record, {path.removeprefix("b").replace("_", "/"): value for path, value in paths.items()}
    )


def test_levels_are_set_and_read_back_equal_to_three_decimals(till: Mplus, links: Links) -> None:
    number = an_article(till)
    current = look(till, levels(number))
    change = a_level_change(current, b1_amount=Decimal("12.345"), b2_amount=Decimal("-0.500"))
    result = till.write(change, current, links, "run-1")
    now = look(till, levels(number))
    assert differences(change.desired, now.record) == ()
    assert (result.reference, result.marker) == (number, now.marker)


@pytest.mark.parametrize(
    ("amount", "encoded"),
    [("7", ("7", "0")), ("7.000", ("7", "0")), ("1200", ("1200", "0")), ("0.25", ("25", "2")), ("-3.1", ("-31", "1"))],
)
def test_the_number_of_decimals_is_always_sent(amount: str, encoded: tuple[str, str]) -> None:
    assert codec.encode_level(Decimal(amount)) == {"amount": encoded[0], "decimalPlaces": encoded[1]}


def test_an_article_without_a_level_has_nothing(till: Mplus) -> None:
    current = look(till, levels(an_article(till)))
    assert current.record.flat() == {
        "number": current.reference, "managed": True, "1/amount": Decimal(0), "2/amount": Decimal(0)
    }  # fmt: skip


def test_a_level_that_the_till_does_not_tell_is_no_nothing_and_is_set_and_read_back() -> None:
    with running(articles=30, trades=False) as sandbox:
        sandbox.till.edit("conventions", "stock_rows", {"value": "booked"})
        with closing(a_till(sandbox)) as till:
            desired = levels(an_article(till), {"1": Decimal(0)})
            current = look(till, desired)
            assert current.record.flat()["1/amount"] is None
            policy = {"level.amount": Ownership.KEEP_EQUAL}
            change = diff(desired, current.record, None, policy, title="")
            assert isinstance(change, Change)
            till.write(change, current, Links(), "t")
            assert diff(desired, look(till, desired).record, None, policy, title="") == Unchanged(desired)


def test_setting_a_level_twice_leaves_it_as_it_is(till: Mplus, links: Links) -> None:
    number = an_article(till)
    current = look(till, levels(number))
    change = a_level_change(current, b1_amount=Decimal(9))
    till.write(change, current, links, "t")
    till.write(change, current, links, "t")
    assert look(till, levels(number)).record.flat()["1/amount"] == Decimal(9)


def test_only_the_branches_of_the_change_are_written_and_nothing_is_added(
    sandbox: Sandbox, till: Mplus, links: Links
) -> None:
    number = an_article(till)
    sandbox.till.edit("stock", f"2/{number}", {"amount": "8"})
    current = look(till, levels(number))
    sandbox.ledger.clear()
    till.write(a_level_change(current, b1_amount=Decimal(3)), current, links, "t")
    assert call_names(sandbox) == ["setStock"]
    flat = look(till, levels(number)).record.flat()
    assert (flat["1/amount"], flat["2/amount"]) == (Decimal(3), Decimal(8))


def test_only_the_branches_asked_for_are_shown(till: Mplus) -> None:
    current = look(till, levels(an_article(till), {"2": Decimal(0)}))
    assert [part.key for part in current.record.parts] == ["2"]


def test_an_article_the_till_does_not_have_is_left_out(till: Mplus) -> None:
    number = an_article(till)
    unknown = [levels("77777777"), levels("TS-RED-M"), levels("")]
    assert set(till.lookup([*unknown, levels(number)], Links())) == {f"A{number}"}


def test_what_the_till_does_not_have_cannot_be_written(sandbox: Sandbox, till: Mplus, links: Links) -> None:
    with pytest.raises(RejectedError, match="target_record_missing"):
        till.write(a_create(levels("77777777")), None, links, "t")
    assert sandbox.ledger.writes() == []


def test_many_articles_are_looked_up_in_one_call_for_each_branch_and_one_for_the_articles(
    sandbox: Sandbox, till: Mplus
) -> None:
    first = int(an_article(till, size=30))
    records = [levels(str(first + place)) for place in range(30)]
    sandbox.ledger.clear()
    assert len(till.lookup(records, Links())) == 30
    assert sorted(call_names(sandbox)) == ["getProducts", "getStock", "getStock"]


def test_articles_of_one_product_are_found_across_the_pages_of_a_lookup(sandbox: Sandbox) -> None:
    till = a_till(sandbox, page_articles=4)
    first = int(an_article(till, size=10))
    records = [levels(str(first + place)) for place in range(10)]
    assert len(till.lookup(records, Links())) == 10
    till.close()


def test_an_article_without_stock_keeping_says_so_and_its_level_is_refused(
    sandbox: Sandbox, till: Mplus, links: Links
) -> None:
    number = an_article(till, managed=False)
    current = look(till, levels(number))
    assert current.record.flat() == {"number": number, "managed": False}
    desired = levels(number, {"1": Decimal(3)})
    with pytest.raises(RejectedError, match="no_stock_article") as caught:
        till.write(an_update_at(desired, {"1/amount": Decimal(3)}), current, links, "t")
    assert (caught.value.facts["article"], caught.value.facts["branch"]) == (f"A{number}", "1")
    assert len(sandbox.ledger.writes()) == 2  # the product, and the refused level


def test_stock_keeping_is_switched_on_before_the_levels_are_set(sandbox: Sandbox, till: Mplus, links: Links) -> None:
    number = an_article(till, managed=False, size=2)
    current = look(till, levels(number))
    desired = levels(number, {"1": Decimal(3), "2": Decimal("0.5")}, managed=True)
    change = an_update_at(desired, {"managed": True, "1/amount": Decimal(3), "2/amount": Decimal("0.5")})
    assert till.calls(change) == 3
    sandbox.ledger.clear()
    till.write(change, current, links, "t")
    assert [call.operation for call in sandbox.ledger.writes()] == ["updateProduct", "setStock", "setStock"]
    assert differences(change.desired, look(till, levels(number)).record) == ()
    assert look(till, levels(str(int(number) + 1))).record.values["managed"] is False


def test_switching_stock_keeping_changes_nothing_else_of_the_product(
    sandbox: Sandbox, till: Mplus, links: Links
) -> None:
    number = an_article(till, size=2)
    before = product_of(sandbox, number)
    current = look(till, levels(number))
    till.write(an_update_at(current.record, {"managed": False}), current, links, "t")
    after = product_of(sandbox, number)
    moved = {"syncMarker", "changeTimestamp", "stockArticle"}
    for old, new in zip(before["articleList"], after["articleList"], strict=True):
        assert {name: new[name] for name in new if name not in moved} == {
            name: old[name] for name in old if name not in moved
        }
    assert [article["stockArticle"] for article in after["articleList"]] == [False, True]


def product_of(sandbox: Sandbox, number: str) -> dict[str, Any]:
    """Return the product of an article as the till keeps it."""
    return next(
        product
        for product in sandbox.state("products", "mplus")
        if any(str(article["articleNumber"]) == number for article in product["articleList"])
    )


def test_variants_switched_side_by_side_do_not_undo_each_other(till: Mplus, links: Links) -> None:
    first = int(an_article(till, managed=False, size=6))
    records = [levels(str(first + place)) for place in range(6)]
    current = till.lookup(records, links)

    def switch(record: Record) -> None:
        change = an_update_at(levels(str(record.values["number"]), {}), {"managed": True})
        till.write(change, current[record.key], links, "t")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(switch, records))
    assert [now.record.values["managed"] for now in till.lookup(records, links).values()] == [True] * 6


@pytest.mark.parametrize("branch", ["77", "winkel"])
def test_a_branch_the_till_does_not_have_is_reported(till: Mplus, links: Links, branch: str) -> None:
    number = an_article(till)
    desired = levels(number, {branch: Decimal(1)})
    current = look(till, desired)
    with pytest.raises(RejectedError, match="branch_missing") as caught:
        till.write(an_update_at(current.record, {f"{branch}/amount": Decimal(1)}), current, links, "t")
    assert caught.value.facts["branch"] == branch


@pytest.mark.parametrize(
    ("amounts", "code"),
    [
        ({"77/amount": Decimal(1)}, "branch_missing"),
        ({"winkel/amount": Decimal(1)}, "branch_missing"),
        ({"1/amount": "veel"}, "characters_not_supported"),
        ({"1/amount": Decimal(1), "2/amount": Decimal(2)}, ""),
    ],
)
def test_a_level_that_cannot_be_set_is_refused_before_it_is_sent(
    sandbox: Sandbox, till: Mplus, amounts: dict[str, Value], code: str
) -> None:
    first = int(an_article(till, size=2))
    branches = {path.partition("/")[0]: Decimal(1) for path in amounts}
    current = [look(till, levels(str(first + place), branches)).record for place in range(2)]
    changes = [an_update_at(record, amounts) for record in current]
    sandbox.ledger.clear()
    for change in changes:
        with pytest.raises(RejectedError, match=code) if code else nullcontext():
            till.require_storable(change)
    assert call_names(sandbox) == (["getBranches"] if "77/amount" in amounts else [])


def test_an_amount_that_is_none_is_refused_before_any_call(sandbox: Sandbox, till: Mplus, links: Links) -> None:
    current = look(till, levels(an_article(till)))
    sandbox.ledger.clear()
    with pytest.raises(RejectedError, match="characters_not_supported"):
        till.write(a_level_change(current, b1_amount=Decimal(1), b2_amount="veel"), current, links, "t")
    assert sandbox.ledger.writes() == []


def test_the_other_levels_are_written_after_a_lost_answer(sandbox: Sandbox, till: Mplus, links: Links) -> None:
    number = an_article(till)
    current = look(till, levels(number))
    change = a_level_change(current, b1_amount=Decimal(4), b2_amount=Decimal(5))
    with sandbox.switches.armed("cut_after", operation="setStock"), pytest.raises(InDoubtError):
        till.write(change, current, links, "t")
    now = look(till, levels(number))
    rest = remaining(change, now.record)
    assert rest is not None
    assert rest.desired.flat() == {"2/amount": Decimal(5)}
    till.write(rest, now, links, "t")
    assert differences(change.desired, look(till, levels(number)).record) == ()


@pytest.mark.parametrize(("counts", "convention"), [("free", "free"), ("free_and_reserved", "physical")])
def test_what_is_set_is_what_is_read_back_though_some_of_it_is_reserved(counts: str, convention: str) -> None:
    with running(articles=30) as sandbox:
        sandbox.till.edit("conventions", "set_stock", {"value": convention})
        till = a_till(sandbox, stock_counts=counts)
        number, branch = reserved_place(till)
        desired = levels(number, {branch: Decimal(11)})
        current = look(till, desired)
        change = an_update_at(current.record, {f"{branch}/amount": Decimal("11.5")})
        till.write(change, current, Links(), "t")
        assert differences(change.desired, look(till, desired).record) == ()
        till.close()


def reserved_place(till: Mplus) -> tuple[str, str]:
    """Return an article and a branch in which an undelivered order reserves it."""
    for order in till.extract(Kind.ORDER).records:
        for line in order.parts:
            number, branch = str(line.values.get("article") or ""), str(order.values["branch"])
            if order.values.get("delivery_state") != "nothing" or order.values.get("cancelled") or not number:
                continue
            current = till.lookup([levels(number, {branch: Decimal(0)})], Links()).get(f"A{number}")
            if current is not None and current.record.values.get("managed"):
                return number, branch
    raise AssertionError("no order that reserves anything")


def test_changes_of_stock_are_not_reported(till: Mplus) -> None:
    assert till.read_changes(Kind.STOCK, "") == till.read_changes(Kind.STOCK, "17") == Batch((), None, "")


def test_the_fields_are_the_level_and_whether_there_is_one(till: Mplus) -> None:
    assert [field.name for field in till.fields(Kind.STOCK)] == ["number", "managed"]
    assert [field.name for field in till.fields(Kind.LEVEL)] == ["amount"]


ROW = (
    "<articleStocks><articleNumber>7</articleNumber><stockId>1</stockId>"
    "<amountFree>3</amountFree><amountReserved>0</amountReserved></articleStocks>"
)


@pytest.mark.parametrize(
    ("stock_setting", "row", "field"),
    [
        ("true", ROW.replace("<amountFree>3</amountFree>", ""), "amountFree"),
        ("true", ROW.replace(">3<", "> <"), "amountFree"),
        ("true", ROW.replace("<amountReserved>0</amountReserved>", ""), "amountReserved"),
        ("true", ROW.replace("<stockId>1</stockId>", ""), "stockId"),
        ("true", ROW.replace("<articleNumber>7</articleNumber>", ""), "articleNumber"),
        ("true", ROW.replace("<articleNumber>7<", "<articleNumber>8<"), "articleNumber"),
        ("misschien", ROW, "stockArticle"),
        ("true", ROW.replace(">3<", "> 3 <"), ""),
    ],
)
def test_a_level_of_which_something_is_not_reported_cannot_be_read(stock_setting: str, row: str, field: str) -> None:
    article = f"<article><articleNumber>7</articleNumber><stockArticle>{stock_setting}</stockArticle></article>"
    product = f"<product><productNumber>1</productNumber><articleList>{article}</articleList></product>"

    def stock_answer(request: httpx.Request) -> str:
        operation = "getStock" if b"getStock" in request.content else "getProducts"
        name = interface_contract().answer_name(operation).partition("}")[2]
        content = row if operation == "getStock" else f"<productList>{product}</productList>"
        return f'<{name} xmlns="{NAMESPACE}">{content}</{name}>'

    client = answering(stock_answer)
    stock = TillStock(
        NOWHERE, client, TillProducts(NOWHERE, client, TillFields(NOWHERE, client)), TillHistory(NOWHERE, client)
    )
    (current,) = stock.lookup([levels("7", {"1": Decimal(3)})], Links()).values()
    assert (current.record.field if isinstance(current.record, Unreadable) else "") == field
    if not field:
        assert current.record.parts[0].values == {"amount": Decimal(3)}


# ---- hashes of levels


def test_answers_that_are_the_same_as_before_give_the_same_hashes_without_being_parsed(
    till: Mplus, sandbox: Sandbox
) -> None:
    records = [levels(an_article(till)) for _ in range(3)]
    by_lookup = {key: current.hash for key, current in till.lookup(records, Links()).items()}
    sandbox.ledger.clear()
    hashes = [till.hashes(records) for _ in range(2)]
    operations = [call.operation for call in sandbox.ledger.calls("mplus")]
    assert sorted(operations) == ["getProducts"] * 2 + ["getStock"] * 2 * len(BRANCHES)  # nothing is read twice
    assert hashes == [by_lookup, by_lookup]
    assert all(hashes[0][key] is hashes[1][key] for key in by_lookup)  # not computed again

    current = look(till, records[1])
    till.write(a_level_change(current, b1_amount=Decimal(3)), current, Links(), "t")
    changed = till.hashes(records)
    assert {key for key in changed if changed[key] != by_lookup[key]} == {records[1].key}
    assert till.hashes(records[:2]) == {record.key: changed[record.key] for record in records[:2]}
    other_branch = replace(records[0], parts=records[0].parts[:1])
    assert till.hashes([other_branch]) == {records[0].key: look(till, other_branch).hash}


def test_hashes_of_a_repeated_answer_are_not_stored() -> None:
    """The unusable answer must not be used to judge the answer that follows."""
    names, is_cut = iter(["one", "two"]), itertools.cycle([True, False])

    def answer(request: httpx.Request) -> str:
        operation = "getStock" if b"getStock" in request.content else "getProducts"
        name = interface_contract().answer_name(operation).partition("}")[2]
        if operation == "getStock":
            return f'<{name} xmlns="{NAMESPACE}"/>'
        if next(is_cut):
            return f'<{name} xmlns="urn:other"/>'
        article = f"<article><articleNumber>7</articleNumber><description>{next(names)}</description></article>"
        product = f"<product><productNumber>1</productNumber><articleList>{article}</articleList></product>"
        return f'<{name} xmlns="{NAMESPACE}"><productList>{product}</productList></{name}>'

    client = answering(answer)
    settings = NOWHERE.model_copy(update={"in_flight": 1})
    products = TillProducts(settings, client, TillFields(settings, client))
    stock = TillStock(settings, client, products, TillHistory(settings, client))
    first, second = (stock.hashes([levels("7")]) for _ in range(2))
    assert first.keys() == second.keys() == {"A7"}
    assert first != second
