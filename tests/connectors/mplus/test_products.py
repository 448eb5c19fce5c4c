"""Products in the till sandbox: written completely, found by number and code, other values unchanged."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import httpx
import pytest
from lxml import etree

from integration.connectors.mplus.client import NAMESPACE, Client, qualified
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.products import TillProducts
from integration.core.errors import (
    InDoubtError,
    RejectedError,
)
from integration.core.plan import differences
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value
from integration.sandbox.server import Sandbox
from tests.builders import a_create, a_group, a_part, a_product, an_update_at
from tests.connectors.mplus.tills import NOWHERE, a_till, answering, create, look, update
from tests.fakes import Links


def by_hand(sandbox: Sandbox, number: str, **values: object) -> None:
    """Change an article as a person at the till would."""
    body = json.dumps({"table": "articles", "key": number, "values": values}).encode()
    request = urllib.request.Request(f"{sandbox.mplus_url}_sandbox/edit", body, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        assert answer.status == 200


def stored_article(sandbox: Sandbox, number: str) -> dict[str, Any]:
    """Return an article as the till keeps it."""
    return next(
        article
        for product in sandbox.state("products", "mplus")
        for article in product["articleList"]
        if str(article["articleNumber"]) == number
    )


def add_unknown_field(sandbox: Sandbox, till: Mplus, current: CurrentRecord) -> None:
    """Give every article of a product a field that no description has, as a newer till would."""
    client = Client(till.settings)
    request = {"productNumbers": [current.reference], "pluNumbers": {}, "includeAllArticlesOfSelectedProducts": True}
    product = next(client.read("getProducts", request=request).iter(qualified("product")))
    for article in product.iter(qualified("article")):
        etree.SubElement(article, qualified("shelfColour")).text = "blue"
    client.write_whole("updateProduct", product)
    client.close()
    assert "shelfColour" in stored_article(sandbox, current.record.parts[0].key)


@pytest.fixture(params=["calls", "product"])
def till(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Mplus]:
    """A connection for each of the two ways a membership is written."""
    way: Literal["calls", "product"] = request.param
    till = a_till(sandbox, membership=way)
    yield till
    till.close()


def at_article(current: CurrentRecord, name: str) -> str:
    """Return the path of a field of the first article."""
    return f"{current.record.parts[0].key}/{name}"


def test_every_word_of_ours_is_written_and_read_back_equal(connector: Mplus, links: Links, jacket: Record) -> None:
    current = create(connector, jacket, links)
    assert differences(jacket, current.record) == ()
    assert current.record.parts[0].source == jacket.key


def test_an_update_keeps_fields_we_do_not_know_and_fields_we_do_not_own(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    number = jacket.parts[0].key
    add_unknown_field(sandbox, connector, create(connector, jacket, links))
    by_hand(sandbox, number, supplierArticleNumber="L-77", siUnit="kg")
    before = stored_article(sandbox, number)
    current = look(connector, jacket, links)
    connector.write(an_update_at(current.record, {at_article(current, "name"): "Jas blauw"}), current, links, "t")
    after = stored_article(sandbox, number)
    moved = {"description", "syncMarker", "changeTimestamp"}
    assert after["description"] == "Jas blauw"
    assert after["shelfColour"] == "blue"
    assert {name: after[name] for name in after if name not in moved} == {
        name: before[name] for name in before if name not in moved
    }
    assert list(after) == list(before)


def test_one_price_is_written_and_the_till_computes_the_other(connector: Mplus, links: Links, jacket: Record) -> None:
    current = create(connector, jacket, links)
    connector.write(
        an_update_at(current.record, {at_article(current, "price_incl"): Decimal("24.20")}), current, links, "t"
    )
    values = look(connector, jacket, links).record.parts[0].values
    assert (values["price_incl"], values["price_excl"]) == (Decimal("24.20"), Decimal("20.00"))


def test_another_vat_code_keeps_the_leading_price(connector: Mplus, links: Links, jacket: Record) -> None:
    current = create(connector, jacket, links)
    connector.write(an_update_at(current.record, {at_article(current, "vat_code"): "1"}), current, links, "t")
    values = look(connector, jacket, links).record.parts[0].values
    assert values["price_incl"] == Decimal("20.00")
    assert values["price_excl"] != current.record.parts[0].values["price_excl"]


def test_what_was_edited_while_we_were_writing_is_not_undone(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    current = create(connector, jacket, links)
    by_hand(sandbox, jacket.parts[0].key, brandName="Batavus")
    with pytest.raises(RejectedError, match="target_changed_since_plan"):
        update(connector, current, links, name="Anders")
    assert stored_article(sandbox, jacket.parts[0].key)["brandName"] == "Batavus"


def with_groups(desired: Record, *codes: str) -> Record:
    """Return a wanted product in these groups."""
    return Record(desired.kind, desired.key, {**desired.values, "groups": codes}, desired.parts, desired.source)


@pytest.fixture
def groups(sandbox: Sandbox, links: Links, serial: int) -> None:
    """Three groups of ours at the till: ZA, ZB and ZC."""
    till = a_till(sandbox)
    for code in ("ZA", "ZB", "ZC"):
        create(till, a_group(code, name=f"Groep {code} {serial}", parent=""), links)
    till.close()


@pytest.mark.usefixtures("groups")
def test_a_product_is_created_in_its_groups(till: Mplus, links: Links, jacket: Record) -> None:
    desired = with_groups(jacket, "ZA", "ZB")
    assert differences(desired, create(till, desired, links).record) == ()


@pytest.mark.usefixtures("groups")
def test_groups_are_joined_and_left_and_foreign_ones_stay(
    sandbox: Sandbox, till: Mplus, links: Links, jacket: Record
) -> None:
    create(till, with_groups(jacket, "ZA", "ZC"), links)
    foreign = links.references.pop((Kind.GROUP, "ZC"))
    current = look(till, jacket, links)
    assert current.record.values["groups"] == ("ZA",)
    update(till, current, links, groups=("ZB",))
    assert look(till, jacket, links).record.values["groups"] == ("ZB",)
    numbers = next(
        product["groupNumbers"]
        for product in sandbox.state("products", "mplus")
        if str(product["productNumber"]) == current.reference
    )
    assert {str(number) for number in numbers} == {foreign, links.references[Kind.GROUP, "ZB"]}


@pytest.mark.usefixtures("groups")
def test_a_membership_whose_answer_is_lost_leaves_the_change_in_doubt(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    desired = with_groups(jacket, "ZA")
    fault = sandbox.switches.armed("cut_before", operation="addProductsToArticleGroup")
    with fault, pytest.raises(InDoubtError):
        connector.write(a_create(desired), None, links, "t")
    assert differences(desired, look(connector, desired, links).record) == ("groups",)


@pytest.mark.parametrize(
    ("way", "act", "count"),
    [
        ("calls", "create", 3), ("calls", "groups", 2), ("calls", "both", 3), ("calls", "name", 1),
        ("product", "create", 1), ("product", "groups", 1), ("product", "both", 1), ("product", "name", 1),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("groups")
def test_the_number_on_the_button_is_the_number_of_write_calls(
    sandbox: Sandbox, links: Links, way: str, act: str, count: int, jacket: Record
) -> None:
    till = a_till(sandbox, membership=way)
    first = with_groups(jacket, "ZA", "ZB")
    paths: dict[str, dict[str, Value]] = {
        "groups": {"groups": ("ZB", "ZC")},
        "both": {"groups": ("ZB", "ZC"), f"{jacket.parts[0].key}/name": "Anders"},
        "name": {"name": "Anders"},
    }
    if act == "create":
        change, current = a_create(first), None
    else:
        current = create(till, first, links)
        change = an_update_at(current.record, paths[act])
    assert till.calls(change) == count
    sandbox.ledger.clear()
    till.write(change, current, links, "t")
    assert len(sandbox.ledger.writes()) == count
    till.close()


def test_a_group_of_ours_that_the_till_does_not_have_is_reported(
    connector: Mplus, links: Links, jacket: Record
) -> None:
    desired = with_groups(jacket, "NIEMAND")
    with pytest.raises(RejectedError, match="needed_record_missing") as caught:
        connector.write(a_create(desired), None, links, "t")
    assert caught.value.facts["key"] == "NIEMAND"


def test_wanted_articles_in_two_products_are_reported_and_not_moved(
    connector: Mplus, links: Links, serial: int
) -> None:
    first, second, third = (a_part(f"{serial}0{place}") for place in (1, 2, 3))
    create(connector, a_product("A", (first, second)), links)
    create(connector, a_product("B", (third,)), links)
    desired = a_product("AB", (first, second, third))
    current = look(connector, desired, Links())
    assert {part.key for part in current.record.parts} == {first.key, second.key}
    joining = Record(desired.kind, desired.key, {}, (third,))
    with pytest.raises(RejectedError, match="article_in_other_product") as caught:
        connector.write(an_update_at(joining, joining.flat()), current, links, "t")
    assert caught.value.facts["number"] == third.key
    assert caught.value.facts["product"] == f"{links.references[Kind.PRODUCT, 'B']} (Artikel B)"


def test_the_linked_product_is_the_one_though_another_has_more_of_the_articles(
    connector: Mplus, links: Links, serial: int
) -> None:
    first, second, third = (a_part(f"{serial}0{place}") for place in (1, 2, 3))
    create(connector, a_product("A", (first, second)), links)
    create(connector, a_product("B", (third,)), links)
    current = look(connector, a_product("B", (first, second, third)), links)
    assert current.reference == links.references[Kind.PRODUCT, "B"]
    assert current.elsewhere.keys() == {first.key, second.key}


def test_an_article_under_another_number_is_known_by_its_code_and_never_added_again(
    connector: Mplus, links: Links, serial: int
) -> None:
    existing = replace(a_part(f"{serial}01"), values={**a_part(f"{serial}01").values, "external_id": "TS-RED-M"})
    create(connector, a_product("A", (existing,)), links)
    desired = a_product("A", (replace(existing, key=f"{serial}09", source="TS-RED-M"),))
    current = look(connector, desired, links)
    assert [place.number for place in current.elsewhere.values()] == [existing.key]
    joining = Record(desired.kind, desired.key, {}, desired.parts)
    with pytest.raises(RejectedError, match="article_number_changed"):
        connector.write(an_update_at(joining, joining.flat()), current, links, "t")


@pytest.mark.parametrize(("code", "is_ours"), [("TS-RED-M", True), ("ANDERS", False)])
def test_a_number_given_by_hand_is_the_one_when_the_article_bears_our_code(
    connector: Mplus, links: Links, serial: int, code: str, is_ours: bool
) -> None:
    old, new = f"{serial}01", f"{serial}09"
    parts = tuple(a_part(number, external_id=mark) for number, mark in ((old, "LATER"), (new, code)))
    create(connector, a_product("A", parts), links)
    links.references[Kind.ARTICLE, "TS-RED-M"] = old
    current = look(connector, a_product("A", (replace(a_part(new), source="TS-RED-M"),)), links)
    assert ({} if is_ours else {new: old}) == {key: place.number for key, place in current.elsewhere.items()}


def test_a_product_is_found_by_its_link_when_its_articles_have_other_numbers_now(
    connector: Mplus, links: Links, serial: int
) -> None:
    create(connector, a_product("A", (a_part(f"{serial}01"),)), links)
    renumbered = a_product("A", (a_part(f"{serial}09"),))
    assert look(connector, renumbered, links).reference == links.references[Kind.PRODUCT, "A"]


def test_a_number_that_is_none_is_not_asked_for(connector: Mplus, links: Links) -> None:
    assert connector.lookup([a_product("X", (a_part("TS-RED-M"), a_part("9" * 30)))], links) == {}


def test_many_products_are_looked_up_in_few_calls(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_articles=10)
    products = [a_product(f"P{number}", (a_part(str(number)),)) for number in range(serial * 100, serial * 100 + 25)]
    for record in products:
        till.write(a_create(record), None, links, "t")
    sandbox.ledger.clear()
    assert set(till.lookup(products, links)) == {record.key for record in products}
    assert sandbox.ledger.counts() == {"reads": 3, "writes": 0}
    till.close()


def test_changes_come_in_pages_each_product_once_and_then_nothing(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_articles=3)
    since = till.read_changes(Kind.PRODUCT, "").stamp
    assert since
    products = [a_product(f"P{number}", (a_part(str(number)),)) for number in range(serial * 100, serial * 100 + 8)]
    current_records = [create(till, record, links) for record in products]
    batches = [till.read_changes(Kind.PRODUCT, since)]
    while batches[-1].after:
        batches.append(till.read_changes(Kind.PRODUCT, since, batches[-1].after))
    markers = {record.key: record.values["marker"] for batch in batches for record in batch.records}
    assert markers == {current.reference: current.marker for current in current_records}
    assert till.read_changes(Kind.PRODUCT, batches[-1].stamp or "").records == ()
    till.close()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("name", "bel\x07", "characters_not_supported"),
        ("vat_code", "hoog", "characters_not_supported"),
        ("vat_code", "77", "mplus_rejected"),
        ("custom:bestaat niet", "x", "field_unknown"),
    ],
)
def test_a_refused_record_tells_why_and_which(
    connector: Mplus, links: Links, path: str, value: str, code: str, serial: int
) -> None:
    change = a_create(a_product("P", (a_part(f"{serial}01", **{path: value}),)))
    with pytest.raises(RejectedError) as caught:
        connector.write(change, None, links, "t")
    assert (caught.value.code, caught.value.facts["key"]) == (code, "P")
    if code != "mplus_rejected":
        with pytest.raises(RejectedError, match=code):
            connector.require_storable(change)


def test_a_custom_field_of_the_till_is_written_and_read_back(connector: Mplus, links: Links, serial: int) -> None:
    name = next(name for name, kind in connector.choices("custom_fields").items() if kind == "string")
    desired = a_product("P", (a_part(f"{serial}01", **{f"custom:{name}": "Portugal"}),))
    current = create(connector, desired, links)
    assert differences(desired, current.record) == ()
    connector.write(
        an_update_at(current.record, {at_article(current, f"custom:{name}"): "Turkije"}), current, links, "t"
    )
    assert look(connector, desired, links).record.parts[0].values[f"custom:{name}"] == "Turkije"


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("lacking", ["productNumber", "articleNumber"])
def test_a_product_that_does_not_say_a_number_it_was_asked_for_by_waits_alone(lacking: str, linked: bool) -> None:
    def product_xml(number: str) -> str:
        numbers = f"<productNumber>{number}</productNumber><syncMarker>1</syncMarker>"
        articles = f"<articleList><article><articleNumber>1{number}</articleNumber></article></articleList>"
        product = etree.fromstring(f"<product>{numbers}{articles}</product>")
        if number == "2":
            for parent in product.iter("product", "article"):
                for child in parent.findall(lacking):
                    parent.remove(child)
        return etree.tostring(product, encoding="unicode")

    def answer(request: httpx.Request) -> str:
        request_element = etree.fromstring(request.content)
        numbers = {element.text for element in request_element.iter(qualified("productNumbers"))}
        numbers |= {(element.text or "")[1:] for element in request_element.iter(qualified("articleNumbers"))}
        products = "".join(product_xml(number) for number in ("1", "2") if number in numbers)
        return f'<GetProductsResponse xmlns="{NAMESPACE}"><productList>{products}</productList></GetProductsResponse>'

    links, client = Links(), answering(answer)
    if linked:
        links.references = {(Kind.PRODUCT, f"P{number}"): number for number in "123"}
    records = [Record(Kind.PRODUCT, f"P{number}", {}, (a_part(f"1{number}"),)) for number in "123"]
    current_records = TillProducts(NOWHERE, client, TillFields(NOWHERE, client)).lookup(records, links)
    assert {key: isinstance(current.record, Unreadable) for key, current in current_records.items()} == {
        "P1": False,
        "P2": True,
    }
