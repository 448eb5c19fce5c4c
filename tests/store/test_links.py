from concurrent.futures import ThreadPoolExecutor

from integration.core.records import Kind, Record
from integration.core.run import Link
from integration.store.database import Database
from integration.store.links import Links
from tests.store.conftest import Clock
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


def test_of_two_articles_with_one_mark_the_one_in_use_is_found(links: Links) -> None:
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
    assert links.allot(FLOW, "article", "TS-RED-M") == "100000"
    assert links.allot(FLOW, "article", "TS-RED-L") == "100001"
    assert links.allot(FLOW, "article", "TS-RED-M") == "100000"


def test_numbers_start_where_they_are_told_and_pass_over_those_in_use(database: Database, clock: Clock) -> None:
    links = Links(database, clock, first_number=200_001)
    links.keep(FLOW, [a_link(1)])  # its article is number 200001
    assert links.allot(FLOW, "article", "TS") == "200002"


def test_numbers_stay_apart_when_many_ask_at_once(links: Links) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda number: links.allot(FLOW, "article", f"K{number % 20}"), range(80)))
    assert len(set(numbers)) == 20
    assert {links.allot(FLOW, "article", f"K{number}") for number in range(20)} == set(numbers)
