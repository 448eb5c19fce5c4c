from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.links import Link
from integration.core.plan import Action
from integration.core.records import Kind, Record
from integration.store.database import Database
from integration.store.events import Event
from integration.store.links import Links, keep_links, retire_links
from tests.builders import a_create, a_relation, an_update
from tests.clocks import Clock
from tests.store.samples import FLOW, a_link


def test_links_are_found_by_key_reference_and_mark(links: Links) -> None:
    links.keep(FLOW, [a_link(1), a_link(2)])
    assert links.get(FLOW, Kind.PRODUCT, ["P1", "P9"]) == {"P1": a_link(1)}
    assert links.by_reference(FLOW, Kind.PRODUCT, ["7002"]) == {"7002": a_link(2)}
    assert links.by_mark(FLOW, Kind.ARTICLE, ["8710000000001", ""])["8710000000001"].key == "A1"
    assert links.get("stock", Kind.PRODUCT, ["P1"]) == {}
    assert links.get(FLOW, Kind.PRODUCT, []) == {}


def test_thousands_of_keys_are_asked_for_at_once(links: Links) -> None:
    links.keep(FLOW, [a_link(number) for number in range(2_000)])
    assert len(links.get(FLOW, Kind.ARTICLE, [f"A{number}" for number in range(3_000)])) == 2_000
    assert links.count(FLOW, Kind.PRODUCT) == 2_000


def test_a_link_kept_again_is_replaced(links: Links) -> None:
    links.keep(FLOW, [a_link(1)])
    newer = Link(Kind.PRODUCT, "P1", "9999", None, "8")
    links.keep(FLOW, [newer])
    assert links.get(FLOW, Kind.PRODUCT, ["P1"]) == {"P1": newer}


@pytest.mark.parametrize(("reference", "is_kept"), [("800", True), ("801", False)])
def test_a_link_to_another_record_has_nothing_of_what_identified_the_one_before(
    database: Database, clock: Clock, links: Links, reference: str, *, is_kept: bool
) -> None:
    evidence = Evidence(target={"": {"email": "els@example.com"}})
    links.keep("customers", [Link(Kind.RELATION, "10042", "800", evidence=evidence)])
    with database.write() as connection:
        keep_links(connection, clock(), "customers", [Link(Kind.RELATION, "10042", reference)])
    (link,) = links.get("customers", Kind.RELATION, ["10042"]).values()
    assert (link.reference, link.evidence) == (reference, evidence if is_kept else NO_EVIDENCE)


def test_of_two_articles_with_the_same_mark_the_active_article_is_returned(links: Links) -> None:
    def article(number: int, *, active: bool) -> Link:
        part = Record(Kind.ARTICLE, str(number), {"ean": "87", "active": active}, source=f"A{number}")
        return Link(Kind.PRODUCT, f"P{number}", "1", Record(Kind.PRODUCT, f"P{number}", {}, (part,)))

    links.keep(FLOW, [article(1, active=True), article(2, active=False)])
    assert links.by_mark(FLOW, Kind.ARTICLE, ["87"])["87"].key == "A1"


def test_references_answer_both_ways_and_see_what_is_linked_later(links: Links) -> None:
    references = links.references(FLOW)
    assert references.reference(Kind.GROUP, "10") is None
    links.keep(FLOW, [Link(Kind.GROUP, "10", "777")])
    assert references.reference(Kind.GROUP, "10") == "777"
    assert references.key(Kind.GROUP, "777") == "10"
    assert references.key(Kind.GROUP, "778") is None


def test_a_number_is_allotted_once(links: Links) -> None:
    assert links.allocate_number(FLOW, "article", "TS-RED-M") == "100000"
    assert links.allocate_number(FLOW, "article", "TS-RED-L") == "100001"
    assert links.allocate_number(FLOW, "article", "TS-RED-M") == "100000"


def test_numbers_start_where_they_are_reported_and_pass_over_those_in_use(database: Database, clock: Clock) -> None:
    links = Links(database, clock, first_number=200_001)
    links.keep(FLOW, [a_link(1)])  # its article is number 200001
    assert links.allocate_number(FLOW, "article", "TS") == "200002"


def test_numbers_stay_apart_when_many_ask_at_once(links: Links) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda number: links.allocate_number(FLOW, "article", f"K{number % 20}"), range(80)))
    assert len(set(numbers)) == 20
    assert {links.allocate_number(FLOW, "article", f"K{number}") for number in range(20)} == set(numbers)


# ---- the same customer in two flows


@pytest.mark.parametrize(
    ("flow", "kind", "other", "its_kind"),
    [("orders", Kind.DEBTOR, "customers", Kind.RELATION), ("customers", Kind.RELATION, "orders", Kind.DEBTOR)],
)
def test_a_customer_linked_by_one_flow_is_known_to_the_other_the_other_way_round(
    links: Links, flow: str, kind: Kind, other: str, its_kind: Kind
) -> None:
    links.keep(flow, [Link(kind, "77", "10042", a_relation("77"), "5")])
    assert links.get(other, its_kind, ["10042"]) == {"10042": Link(its_kind, "10042", "77")}
    assert links.references(other).reference(its_kind, "10042") == "77"


def test_a_mirrored_link_never_replaces_one_that_exists(links: Links) -> None:
    own = Link(Kind.RELATION, "10042", "77", a_relation("10042"), "5")
    links.keep("customers", [own])
    links.keep("orders", [Link(Kind.DEBTOR, "77", "10042")])
    assert links.get("customers", Kind.RELATION, ["10042"]) == {"10042": own}


def test_neither_of_a_pair_is_given_to_another_by_a_mirrored_link(links: Links) -> None:
    links.keep("customers", [Link(Kind.RELATION, "10042", "77")])
    links.keep("orders", [Link(Kind.DEBTOR, "77", "10043"), Link(Kind.DEBTOR, "78", "10042")])
    assert links.count("customers", Kind.RELATION) == 1


def test_what_has_no_reference_yet_is_not_mirrored(links: Links) -> None:
    links.keep("orders", [Link(Kind.DEBTOR, "77", "")])
    assert links.count("customers", Kind.RELATION) == 0


def test_other_kinds_are_not_mirrored(links: Links) -> None:
    links.keep("orders", [Link(Kind.ADDRESS, "77/1", "A1")])
    links.keep("products", [Link(Kind.GROUP, "KLED", "9")])
    assert links.count("customers", Kind.RELATION) == 0


# ---- retired


def test_a_record_without_parts_is_retired_as_a_whole(database: Database, clock: Clock, links: Links) -> None:
    record = a_relation("10042")
    links.keep("customers", [Link(Kind.RELATION, "10042", "77", record, "5")])
    change = replace(an_update(record, Action.RETIRE, active=False), agreed=record)
    with database.write() as connection:
        retire_links(connection, clock(), "customers", change, "6")
    assert links.get("customers", Kind.RELATION, ["10042"])["10042"] == Link(
        Kind.RELATION, "10042", "77", record, "6", retired=True
    )


def test_what_is_kept_again_after_it_was_retired_is_in_use_again(
    database: Database, clock: Clock, links: Links
) -> None:
    link = Link(Kind.RELATION, "10042", "77", a_create(a_relation("10042")).agreed, "5")
    links.keep("customers", [link])
    with database.write() as connection:
        retire_links(connection, clock(), "customers", an_update(a_relation("10042"), Action.RETIRE, active=False))
    links.keep("customers", [link])
    assert links.get("customers", Kind.RELATION, ["10042"]) == {"10042": link}


@pytest.mark.parametrize("is_separated", [False, True])
def test_a_mark_changes_with_a_stored_link_and_a_separated_pair_of_its_kinds(
    clock: Clock, links: Links, *, is_separated: bool
) -> None:
    links.keep(FLOW, [a_link(1), a_link(2)])
    mark = links.mark([(FLOW, Kind.PRODUCT)])
    clock.advance(1)
    links.keep("stock", [a_link(3)])
    assert links.mark([(FLOW, Kind.PRODUCT)]) == mark != links.mark([(FLOW, Kind.PRODUCT), ("stock", Kind.PRODUCT)])
    if is_separated:
        event = Event(event="identity_decided", flow=FLOW)
        assert links.separate(FLOW, a_link(1), a_link(1).evidence.mark, "anna", event)
    else:
        links.keep(FLOW, [a_link(3)])
    assert links.mark([(FLOW, Kind.PRODUCT)]) != mark


def test_links_are_paged_without_excluded_keys(links: Links) -> None:
    agreed = {key: Record(Kind.GROUP, key, {"name": key}) for key in "ABCDE"}
    group_links = [Link(Kind.GROUP, key, f"r{key}", record) for key, record in agreed.items()]
    retired_link, unread = replace(group_links[1], retired=True), replace(group_links[3], unproven=True)
    links.keep(
        FLOW, [group_links[0], retired_link, group_links[2], unread, group_links[4], Link(Kind.DEBTOR, "D", "1")]
    )
    assert [link.key for link in links.page(FLOW, Kind.GROUP, "", 2)] == ["A", "C"]
    assert [link.key for link in links.page(FLOW, Kind.GROUP, "C", 2)] == ["E"]
    assert [link.key for link in links.page(FLOW, Kind.GROUP, "", 5, end="E")] == ["A", "C"]
    assert links.page(FLOW, Kind.DEBTOR, "", 2) == []
    assert links.kinds(FLOW) == {Kind.GROUP}
