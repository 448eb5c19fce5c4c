"""The links of merged customers, and the undo of a merge, on both databases."""

from integration.core.customer_merges import CustomerNumbers, DismissedPair, merged_key
from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.store.customer_merges import CustomerMergeStore
from integration.store.database import Database
from integration.store.events import Event
from integration.store.links import Links
from tests.clocks import Clock

MERGED, SEPARATED = Event(event="customers_merged"), Event(event="customers_separated")
GONE = Record(Kind.RELATION, merged_key("12"), {"name": "Els", "active": True})


def fill(database: Database, clock: Clock) -> tuple[Links, CustomerMergeStore]:
    links = Links(database, clock)
    links.keep("customers", [Link(Kind.RELATION, "1", "11", Record(Kind.RELATION, "1", {"name": "Els"}))])
    links.keep("orders", [
        Link(Kind.DEBTOR, "11", "1"), Link(Kind.DEBTOR, "12", "2"), Link(Kind.ADDRESS, "12/abc", "7"),
        Link(Kind.SALES_ORDER, "doc", "26000032", Record(Kind.SALES_ORDER, "doc", {"debtor": "12"})),
    ])  # fmt: skip
    return links, CustomerMergeStore(database, clock)


def pairs(links: Links) -> dict[str, dict[str, str]]:
    kinds = (
        ("customers", Kind.RELATION),
        ("orders", Kind.DEBTOR),
        ("orders", Kind.ADDRESS),
        ("orders", Kind.SALES_ORDER),
    )
    return {f"{flow} {kind}": dict(links.first_pairs(flow, kind, 10)) for flow, kind in kinds}


def test_two_relations_become_one_and_documents_stay(database: Database, clock: Clock) -> None:
    links, merges = fill(database, clock)
    before = pairs(links)
    stays, goes = CustomerNumbers("1", "11"), CustomerNumbers("2", "12")
    assert merges.count_links("orders", goes) == (2, 1)
    merges.merge("customers", "orders", stays, goes, GONE, "els", MERGED)
    assert pairs(links) == {
        "customers relation": {"1": "11", merged_key("12"): "12"}, "orders debtor": {"11": "1", "12": "1"},
        "orders address": {}, "orders sales_order": {"doc": "26000032"},
    }  # fmt: skip
    assert links.get("customers", Kind.RELATION, ["1"])["1"].agreed is not None  # the link that stays is as it was
    assert merges.merged_debtors("customers", ["1", "2"]) == {"2": "1"}
    assert [customer.numbers for customer in merges.known_customers("customers", "orders")] == [stays, stays]

    assert merges.separate("customers", goes, SEPARATED)
    assert pairs(links) == before
    assert not merges.separate("customers", goes, SEPARATED)
    assert merges.list_merges("customers") == []


def test_two_debtors_of_one_relation_become_one(database: Database, clock: Clock) -> None:
    links, merges = fill(database, clock)
    before = pairs(links)
    merges.merge("customers", "orders", CustomerNumbers("3"), CustomerNumbers("1", "11"), None, "els", MERGED)
    assert pairs(links)["customers relation"] == {"3": "11"}
    assert pairs(links)["orders debtor"] == {"11": "3", "12": "2"}
    clock.advance(1)
    merges.merge("customers", "orders", CustomerNumbers("2", "12"), CustomerNumbers("3", "11"), None, "els", MERGED)
    assert not merges.separate("customers", CustomerNumbers("1"), SEPARATED)  # a later merge uses its customer
    assert merges.separate("customers", CustomerNumbers("3", "11"), SEPARATED)
    assert merges.separate("customers", CustomerNumbers("1"), SEPARATED)
    assert pairs(links) == before


def test_a_pair_is_dismissed_once_in_either_order(database: Database, clock: Clock) -> None:
    _, merges = fill(database, clock)
    first, second = CustomerNumbers("1", "11"), CustomerNumbers("2", "12")
    assert merges.dismiss_pair("customers", DismissedPair((second, first), "els", clock()), Event(event="dismissed"))
    assert not merges.dismiss_pair(
        "customers", DismissedPair((first, second), "bram", clock()), Event(event="dismissed")
    )
    (pair,) = merges.list_dismissed_pairs("customers")
    assert pair == DismissedPair((first, second), "els", clock())
    assert merges.list_dismissed_pairs("elsewhere") == []
    assert merges.undo_dismissal("customers", pair, Event(event="again"))
    assert not merges.undo_dismissal("customers", pair, Event(event="again"))
    assert merges.list_dismissed_pairs("customers") == []
