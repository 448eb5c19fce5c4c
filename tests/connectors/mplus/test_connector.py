"""The till as a target, against the till in a box: the contract, and what is particular to this system."""

import itertools
import json
import socket
import traceback
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import pytest
import stamina
from lxml import etree
from pydantic import SecretStr

from integration.connectors.mplus.client import Client, tag
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusSettings
from integration.core.errors import (
    AccessDeniedError,
    ConnectorError,
    InDoubtError,
    IntegrationError,
    RejectedError,
    UnavailableError,
)
from integration.core.findings import Finding
from integration.core.plan import Action, Change, differences
from integration.core.records import Held, Kind, Record, Value
from integration.sandbox.server import Sandbox, running
from tests.builders import a_create, a_group, a_part, a_product, an_update_at
from tests.connectors.contract import TargetContract
from tests.fakes import Links

SECRET = "sandbox-secret"


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """Both systems, with a small shop, for all tests that use numbers of their own."""
    with running(articles=50) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """The shared systems, well and with an empty ledger."""
    shared.switches.disarm()
    shared.ledger.clear()
    return shared


def a_till(sandbox: Sandbox, **changes: Any) -> Mplus:
    """Return a connection to the sandbox's till."""
    given = {"url": sandbox.mplus_url, "ident": "sandbox", "secret": SecretStr(SECRET), **changes}
    return Mplus(MplusSettings(per_second=10_000, attempts=3, read_seconds=2, **given))


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Mplus]:
    """A connection that writes memberships by calls."""
    till = a_till(sandbox, membership="calls")
    yield till
    till.close()


@pytest.fixture
def links() -> Links:
    """What was linked before: nothing, until a test does."""
    return Links()


class TestContract(TargetContract):
    """The contract of every target."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """Systems of its own for each test, since the contract wants an empty target."""
        with running(articles=50) as sandbox:
            yield sandbox

    def test_the_same_token_does_not_write_twice(self, connector: Any, product: Record, links: Links) -> None:
        """Article numbers are the key here: the second attempt is refused, whatever its token."""
        first = connector.write(a_create(product), None, links, "t1")
        with pytest.raises(RejectedError, match="article_number_taken"):
            connector.write(a_create(product), None, links, "t1")
        assert connector.lookup([product], links)[product.key].reference == first.reference


class TestContractWithGroupsInTheProduct(TestContract):
    """The same, on a till where memberships are written inside the product."""

    @pytest.fixture
    def connector(self, sandbox: Sandbox) -> Iterator[Mplus]:
        """A connection that writes memberships inside the product."""
        till = a_till(sandbox, membership="product", retire_with="discontinued", leading_price="excl")
        yield till
        till.close()


def by_hand(sandbox: Sandbox, number: str, **values: object) -> None:
    """Change an article as a person at the till would."""
    body = json.dumps({"table": "articles", "key": number, "values": values}).encode()
    request = urllib.request.Request(f"{sandbox.mplus_url}_sandbox/edit", body, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        assert answer.status == 200


def stored(sandbox: Sandbox, number: str) -> dict[str, Any]:
    """Return an article as the till keeps it."""
    return next(
        article
        for product in sandbox.state("products", "mplus")
        for article in product["articleList"]
        if str(article["articleNumber"]) == number
    )


def add_unknown_field(sandbox: Sandbox, till: Mplus, held: Held) -> None:
    """Give every article of a product a field that no description has, as a newer till would."""
    client = Client(till.settings)
    request = {"productNumbers": [held.reference], "pluNumbers": {}, "includeAllArticlesOfSelectedProducts": True}
    product = next(client.read("getProducts", request=request).iter(tag("product")))
    for article in product.iter(tag("article")):
        etree.SubElement(article, tag("shelfColour")).text = "blue"
    client.write_whole("updateProduct", product)
    client.close()
    assert "shelfColour" in stored(sandbox, held.record.parts[0].key)


def create(till: Mplus, wanted: Record, links: Links) -> Held:
    """Write a new record, keep its link and return what the till holds now."""
    links.known[wanted.kind, wanted.key] = till.write(a_create(wanted), None, links, "t").reference
    return look(till, wanted, links)


def look(till: Mplus, wanted: Record, links: Links) -> Held:
    """Return what the till holds now."""
    return till.lookup([wanted], links)[wanted.key]


def update(till: Mplus, held: Held, links: Links, **paths: Value) -> None:
    """Write some values over what was looked up."""
    till.write(an_update_at(held.record, paths), held, links, "t")


@pytest.fixture(params=["calls", "product"])
def till(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Mplus]:
    """A connection for each of the two ways a membership is written."""
    way: Literal["calls", "product"] = request.param
    till = a_till(sandbox, membership=way)
    yield till
    till.close()


SERIALS = itertools.count(9_001)


@pytest.fixture
def serial() -> int:
    """A number no other test uses."""
    return next(SERIALS)


@pytest.fixture
def jacket(serial: int) -> Record:
    """A product with every word of ours and one article, whose number ends in 01."""
    article = a_part(
        f"{serial}01",
        external_id=f"JAS-{serial}",
        invoice_text="Jas rood op factuur",
        receipt_text="Jas rood",
        display_text="Jas",
        text="Warm",
        plu=f"{serial}01",
        ean="8710000000017",
        colour="Rood",
        colour_order=Decimal(1),
        size="M",
        size_order=Decimal(2),
        brand="Gazelle",
        unit="stuk",
        vat_code="2",
        purchase_price=Decimal("8.50"),
        stock_managed=True,
        webshop=True,
        discontinued=False,
    )
    return a_product(f"JAS-{serial}", (article,), text="Een jas")


def at_article(held: Held, name: str) -> str:
    """Return the path of a field of the first article."""
    return f"{held.record.parts[0].key}/{name}"


def test_every_word_of_ours_is_written_and_read_back_equal(connector: Mplus, links: Links, jacket: Record) -> None:
    held = create(connector, jacket, links)
    assert differences(jacket, held.record) == ()
    assert held.record.parts[0].source == jacket.key


def test_an_update_keeps_fields_we_do_not_know_and_fields_we_do_not_own(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    number = jacket.parts[0].key
    add_unknown_field(sandbox, connector, create(connector, jacket, links))
    by_hand(sandbox, number, supplierArticleNumber="L-77", siUnit="kg")
    before = stored(sandbox, number)
    held = look(connector, jacket, links)
    connector.write(an_update_at(held.record, {at_article(held, "name"): "Jas blauw"}), held, links, "t")
    after = stored(sandbox, number)
    moved = {"description", "syncMarker", "changeTimestamp"}
    assert after["description"] == "Jas blauw"
    assert after["shelfColour"] == "blue"
    assert {name: after[name] for name in after if name not in moved} == {
        name: before[name] for name in before if name not in moved
    }
    assert list(after) == list(before)


def test_one_price_is_written_and_the_till_computes_the_other(connector: Mplus, links: Links, jacket: Record) -> None:
    held = create(connector, jacket, links)
    connector.write(an_update_at(held.record, {at_article(held, "price_incl"): Decimal("24.20")}), held, links, "t")
    values = look(connector, jacket, links).record.parts[0].values
    assert (values["price_incl"], values["price_excl"]) == (Decimal("24.20"), Decimal("20.00"))


def test_another_vat_code_keeps_the_leading_price(connector: Mplus, links: Links, jacket: Record) -> None:
    held = create(connector, jacket, links)
    connector.write(an_update_at(held.record, {at_article(held, "vat_code"): "1"}), held, links, "t")
    values = look(connector, jacket, links).record.parts[0].values
    assert values["price_incl"] == Decimal("20.00")
    assert values["price_excl"] != held.record.parts[0].values["price_excl"]


def test_what_was_edited_while_we_were_writing_is_not_undone(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    held = create(connector, jacket, links)
    by_hand(sandbox, jacket.parts[0].key, brandName="Batavus")
    with pytest.raises(RejectedError, match="target_changed_since_plan"):
        update(connector, held, links, name="Anders")
    assert stored(sandbox, jacket.parts[0].key)["brandName"] == "Batavus"


def in_groups(wanted: Record, *codes: str) -> Record:
    """Return a wanted product in these groups."""
    return Record(wanted.kind, wanted.key, {**wanted.values, "groups": codes}, wanted.parts, wanted.source)


@pytest.fixture
def groups(sandbox: Sandbox, links: Links, serial: int) -> None:
    """Three groups of ours at the till: ZA, ZB and ZC."""
    till = a_till(sandbox)
    for code in ("ZA", "ZB", "ZC"):
        create(till, a_group(code, name=f"Groep {code} {serial}", parent=""), links)
    till.close()


@pytest.mark.usefixtures("groups")
def test_a_product_is_created_in_its_groups(till: Mplus, links: Links, jacket: Record) -> None:
    wanted = in_groups(jacket, "ZA", "ZB")
    assert differences(wanted, create(till, wanted, links).record) == ()


@pytest.mark.usefixtures("groups")
def test_groups_are_joined_and_left_and_foreign_ones_stay(
    sandbox: Sandbox, till: Mplus, links: Links, jacket: Record
) -> None:
    create(till, in_groups(jacket, "ZA", "ZC"), links)
    foreign = links.known.pop((Kind.GROUP, "ZC"))
    held = look(till, jacket, links)
    assert held.record.values["groups"] == ("ZA",)
    update(till, held, links, groups=("ZB",))
    assert look(till, jacket, links).record.values["groups"] == ("ZB",)
    numbers = next(
        product["groupNumbers"]
        for product in sandbox.state("products", "mplus")
        if str(product["productNumber"]) == held.reference
    )
    assert {str(number) for number in numbers} == {foreign, links.known[Kind.GROUP, "ZB"]}


@pytest.mark.usefixtures("groups")
def test_a_membership_whose_answer_is_lost_leaves_the_change_in_doubt(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    wanted = in_groups(jacket, "ZA")
    fault = sandbox.switches.armed("cut_before", operation="addProductsToArticleGroup")
    with fault, pytest.raises(InDoubtError):
        connector.write(a_create(wanted), None, links, "t")
    assert differences(wanted, look(connector, wanted, links).record) == ("groups",)


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
    first = in_groups(jacket, "ZA", "ZB")
    paths: dict[str, dict[str, Value]] = {
        "groups": {"groups": ("ZB", "ZC")},
        "both": {"groups": ("ZB", "ZC"), f"{jacket.parts[0].key}/name": "Anders"},
        "name": {"name": "Anders"},
    }
    if act == "create":
        change, held = a_create(first), None
    else:
        held = create(till, first, links)
        change = an_update_at(held.record, paths[act])
    assert till.calls(change) == count
    sandbox.ledger.clear()
    till.write(change, held, links, "t")
    assert len(sandbox.ledger.writes()) == count
    till.close()


def test_a_group_of_ours_that_the_till_does_not_have_is_told(connector: Mplus, links: Links, jacket: Record) -> None:
    wanted = in_groups(jacket, "NIEMAND")
    with pytest.raises(RejectedError, match="value_unmapped") as caught:
        connector.write(a_create(wanted), None, links, "t")
    assert caught.value.facts["value"] == "NIEMAND"


def test_groups_keep_their_tree_and_are_found_by_name_under_their_parent(
    connector: Mplus, links: Links, serial: int
) -> None:
    top = a_group("ZT", name=f"Zomer {serial}", parent="")
    other = a_group("ZO", name=f"Overig {serial}", parent="")
    below, double = a_group("ZH", name="Hemden", parent="ZT"), a_group("ZD", name="Hemden", parent="ZO")
    for group in (top, other, below, double):
        create(connector, group, links)
    found = connector.lookup([double, below, other, top], Links())
    assert {key: held.reference for key, held in found.items()} == {
        key: reference for (_, key), reference in links.known.items()
    }
    assert found["ZH"].record.values == {"name": "Hemden", "parent": "ZT"}


def test_a_group_can_move_and_a_parent_that_is_not_ours_is_shown_as_its_number(connector: Mplus, links: Links) -> None:
    top, below = a_group("ZT", name="Zomer", parent=""), a_group("ZH", name="Hemden", parent="")
    create(connector, top, links)
    held = create(connector, below, links)
    update(connector, held, links, parent="ZT")
    assert look(connector, below, links).record.values["parent"] == "ZT"
    number = links.known.pop((Kind.GROUP, "ZT"))
    assert look(connector, below, links).record.values["parent"] == f"#{number}"


def test_wanted_articles_in_two_products_are_told_and_not_moved(connector: Mplus, links: Links, serial: int) -> None:
    first, second, third = (a_part(f"{serial}0{place}") for place in (1, 2, 3))
    create(connector, a_product("A", (first, second)), links)
    create(connector, a_product("B", (third,)), links)
    wanted = a_product("AB", (first, second, third))
    held = look(connector, wanted, Links())
    assert {part.key for part in held.record.parts} == {first.key, second.key}
    joining = Record(wanted.kind, wanted.key, {}, (third,))
    with pytest.raises(RejectedError, match="article_in_other_product") as caught:
        connector.write(an_update_at(joining, joining.flat()), held, links, "t")
    assert caught.value.facts["number"] == third.key
    assert caught.value.facts["product"] == f"{links.known[Kind.PRODUCT, 'B']} (Artikel B)"


def test_the_linked_product_is_the_one_though_another_has_more_of_the_articles(
    connector: Mplus, links: Links, serial: int
) -> None:
    first, second, third = (a_part(f"{serial}0{place}") for place in (1, 2, 3))
    create(connector, a_product("A", (first, second)), links)
    create(connector, a_product("B", (third,)), links)
    held = look(connector, a_product("B", (first, second, third)), links)
    assert held.reference == links.known[Kind.PRODUCT, "B"]
    assert held.elsewhere.keys() == {first.key, second.key}


def test_an_article_under_another_number_is_known_by_its_code_and_never_added_again(
    connector: Mplus, links: Links, serial: int
) -> None:
    there = replace(a_part(f"{serial}01"), values={**a_part(f"{serial}01").values, "external_id": "TS-RED-M"})
    create(connector, a_product("A", (there,)), links)
    wanted = a_product("A", (replace(there, key=f"{serial}09", source="TS-RED-M"),))
    held = look(connector, wanted, links)
    assert [place.number for place in held.elsewhere.values()] == [there.key]
    joining = Record(wanted.kind, wanted.key, {}, wanted.parts)
    with pytest.raises(RejectedError, match="article_number_changed"):
        connector.write(an_update_at(joining, joining.flat()), held, links, "t")


@pytest.mark.parametrize(("code", "is_ours"), [("TS-RED-M", True), ("ANDERS", False)])
def test_a_number_given_by_hand_is_the_one_when_the_article_bears_our_code(
    connector: Mplus, links: Links, serial: int, code: str, is_ours: bool
) -> None:
    old, new = f"{serial}01", f"{serial}09"
    parts = tuple(a_part(number, external_id=mark) for number, mark in ((old, "LATER"), (new, code)))
    create(connector, a_product("A", parts), links)
    links.known[Kind.ARTICLE, "TS-RED-M"] = old
    held = look(connector, a_product("A", (replace(a_part(new), source="TS-RED-M"),)), links)
    assert ({} if is_ours else {new: old}) == {key: place.number for key, place in held.elsewhere.items()}


def test_a_product_is_found_by_its_link_when_its_articles_have_other_numbers_now(
    connector: Mplus, links: Links, serial: int
) -> None:
    create(connector, a_product("A", (a_part(f"{serial}01"),)), links)
    renumbered = a_product("A", (a_part(f"{serial}09"),))
    assert look(connector, renumbered, links).reference == links.known[Kind.PRODUCT, "A"]


def test_a_number_that_is_none_is_not_asked_for(connector: Mplus, links: Links) -> None:
    assert connector.lookup([a_product("X", (a_part("TS-RED-M"), a_part("9" * 30)))], links) == {}


def test_many_products_are_looked_up_in_few_calls(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_articles=10)
    wanted = [a_product(f"P{number}", (a_part(str(number)),)) for number in range(serial * 100, serial * 100 + 25)]
    for record in wanted:
        till.write(a_create(record), None, links, "t")
    sandbox.ledger.clear()
    assert set(till.lookup(wanted, links)) == {record.key for record in wanted}
    assert sandbox.ledger.counts() == {"reads": 3, "writes": 0}
    till.close()


def test_changes_come_in_pages_each_product_once_and_then_nothing(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_articles=3)
    since = till.changed(Kind.PRODUCT, "").stamp
    assert since
    wanted = [a_product(f"P{number}", (a_part(str(number)),)) for number in range(serial * 100, serial * 100 + 8)]
    held = [create(till, record, links) for record in wanted]
    batches = [till.changed(Kind.PRODUCT, since)]
    while batches[-1].after:
        batches.append(till.changed(Kind.PRODUCT, since, batches[-1].after))
    markers = {record.key: record.values["marker"] for batch in batches for record in batch.records}
    assert markers == {one.reference: one.marker for one in held}
    assert till.changed(Kind.PRODUCT, batches[-1].stamp or "").records == ()
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
    with pytest.raises(RejectedError) as caught:
        connector.write(a_create(a_product("P", (a_part(f"{serial}01", **{path: value}),))), None, links, "t")
    assert (caught.value.code, caught.value.facts["key"]) == (code, "P")


def test_a_custom_field_of_the_till_is_written_and_read_back(connector: Mplus, links: Links, serial: int) -> None:
    name = next(name for name, kind in connector.choices("custom_fields").items() if kind == "string")
    wanted = a_product("P", (a_part(f"{serial}01", **{f"custom:{name}": "Portugal"}),))
    held = create(connector, wanted, links)
    assert differences(wanted, held.record) == ()
    connector.write(an_update_at(held.record, {at_article(held, f"custom:{name}"): "Turkije"}), held, links, "t")
    assert look(connector, wanted, links).record.parts[0].values[f"custom:{name}"] == "Turkije"


READ_FAULTS: dict[str, type[ConnectorError] | None] = {
    "cut_before": None, "cut_after": None, "too_many": None, "unavailable": None, "garbage": None, "half": None,
    "html": None, "fault": None, "expired": AccessDeniedError,
}  # fmt: skip


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_that_fails_once_is_asked_again(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    held = create(connector, jacket, links)
    kind = READ_FAULTS[fault]
    with sandbox.switches.armed(fault, operation="getProducts"):
        if kind is None:
            assert look(connector, jacket, links) == held
        else:
            with pytest.raises(kind):
                look(connector, jacket, links)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "too_many", "unavailable", "half", "fault"])
def test_a_read_that_keeps_failing_says_the_till_is_unavailable(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    with sandbox.switches.armed(fault, operation="getProducts", times=None), pytest.raises(UnavailableError):
        connector.lookup([jacket], links)


WRITE_FAULTS: dict[str, tuple[type[ConnectorError], bool]] = {
    "cut_before": (InDoubtError, False),
    "cut_after": (InDoubtError, True),
    "unavailable": (InDoubtError, False),
    "garbage": (InDoubtError, True),
    "half": (InDoubtError, True),
    "html": (InDoubtError, False),
    "fault": (InDoubtError, False),
    "expired": (AccessDeniedError, False),
}


@pytest.mark.parametrize("fault", WRITE_FAULTS)
def test_a_write_is_sent_once_and_what_is_not_known_is_in_doubt(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    kind, took_effect = WRITE_FAULTS[fault]
    with sandbox.switches.armed(fault, operation="createProduct", times=None), pytest.raises(kind) as caught:
        connector.write(a_create(jacket), None, links, "t")
    assert caught.value.facts["key"] == jacket.key
    assert len(sandbox.ledger.writes()) == 1
    assert (jacket.key in connector.lookup([jacket], links)) is took_effect


def test_a_write_the_till_asks_to_send_later_is_sent_later(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    with sandbox.switches.armed("too_many", operation="createProduct"):
        assert connector.write(a_create(jacket), None, links, "t").reference


@pytest.mark.parametrize("fault", [*WRITE_FAULTS, "too_many"])
def test_no_error_tells_the_secret(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    told = ""
    acts = (lambda: connector.lookup([jacket], links), lambda: connector.write(a_create(jacket), None, links, "t"))
    with sandbox.switches.armed(fault, times=None):
        for act in acts:
            try:
                act()
            except IntegrationError as error:
                told += "".join(traceback.format_exception(error)) + repr(error.facts)
    assert told
    assert SECRET not in told


def outcome(findings: list[Finding]) -> list[tuple[str, bool | None, str]]:
    """Return the lines of a connection check."""
    return [(finding.name, finding.ok, finding.cause) for finding in findings]


def test_a_check_that_is_well_names_version_and_branches(connector: Mplus) -> None:
    findings = {finding.name: finding for finding in connector.check()}
    assert list(findings) == ["host", "certificate", "credentials", "version", "rights"]
    assert all(finding.ok for finding in findings.values())
    assert findings["version"].about.count(".") == 2
    assert findings["rights"].about


@pytest.mark.parametrize(
    ("changes", "failing", "cause"),
    [
        ({"secret": SecretStr("wrong")}, "credentials", "mplus_credentials_rejected"),
        ({"minimum_version": "999.0.0"}, "version", "version_too_old"),
    ],
)
def test_a_check_stops_at_the_first_thing_that_is_wrong(
    sandbox: Sandbox, changes: dict[str, Any], failing: str, cause: str
) -> None:
    till = a_till(sandbox, **changes)
    lines = outcome(till.check())
    place = [name for name, _, _ in lines].index(failing)
    assert [ok for _, ok, _ in lines] == [True] * place + [False] + [None] * (len(lines) - place - 1)
    assert lines[place][2] == cause
    till.close()


def test_a_check_says_that_nobody_listens(sandbox: Sandbox) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        till = a_till(sandbox, url=f"http://127.0.0.1:{free.getsockname()[1]}/")
        assert outcome(till.check())[0] == ("host", False, "connection_refused")
        till.close()


def test_a_check_says_that_something_else_answers_at_the_address(sandbox: Sandbox) -> None:
    till = a_till(sandbox, url=sandbox.accountview_url.replace("/api/v3", "/"))
    assert outcome(till.check())[0] == ("host", False, "address_not_api")
    till.close()


def test_choices_come_with_captions(connector: Mplus) -> None:
    assert connector.choices("vat_codes").keys() == connector.choices("vat_rates").keys()
    assert "21.00" in connector.choices("vat_rates").values()
    assert "21 %" in connector.choices("vat_codes").values()
    for name in ("branches", "turnover_groups", "payment_methods", "employees", "custom_fields"):
        assert connector.choices(name)
    assert connector.choices("nothing of the kind") == {}


def test_fields_have_one_name_each_and_include_custom_ones(connector: Mplus) -> None:
    for kind in (Kind.PRODUCT, Kind.ARTICLE, Kind.GROUP):
        names = [field.name for field in connector.fields(kind)]
        assert "name" in names
        assert len(names) == len(set(names))
    assert any(field.custom for field in connector.fields(Kind.ARTICLE))


def test_a_record_of_another_kind_is_refused(connector: Mplus, links: Links) -> None:
    article = a_part("900101")
    change = Change(
        action=Action.CREATE, kind=Kind.ARTICLE, key="900101", title="900101", sources=(), wanted=article,
        before=None, agreed=article,
    )  # fmt: skip
    with pytest.raises(RejectedError):
        connector.write(change, None, links, "t")
    with pytest.raises(RejectedError):
        connector.extract(Kind.ARTICLE)
