"""Records that a complete extract lacks are made inactive and never deleted."""

from decimal import Decimal

import pytest

from integration.core.errors import ConfigurationError, PlanUnsafeError
from integration.core.plan import Action
from integration.core.records import Batch, Kind, WrongValueError, unreadable
from integration.core.run import Mode
from integration.core.states import RunState
from integration.store.database import Database
from tests.builders import an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record, variants


def test_an_incremental_run_retires_nothing(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    assert harness.preview().state is RunState.DONE


def test_what_a_complete_extract_no_longer_has_is_made_inactive_and_never_deleted(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    run = harness.preview(Mode.COMPLETE)
    assert harness.changes(run)["1003"].action is Action.RETIRE
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 1)]
    harness.commit(run)
    assert target.records_of(Kind.PRODUCT)["1003"].flat()["1003/active"] is False
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_what_is_retired_leaves_its_ean_to_the_article_after_it(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    ean = "8712345678906"
    source.put(an_article("1003", ean=ean))
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    harness.run(Mode.COMPLETE)
    assert target.records_of(Kind.PRODUCT)["1003"].flat()["1003/ean"] is None
    source.put(an_article("1999", ean=ean))
    harness.run()
    assert target.records_of(Kind.PRODUCT)["1999"].flat()["1999/ean"] == ean
    assert harness.issues.list("products", "ean_duplicate") == []


def test_a_blocked_article_leaves_its_ean_to_another_article_until_it_is_unblocked(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    ean = "8712345678906"
    source.put(an_article("1003", ean=ean))
    harness.run()
    source.put(an_article("1003", ean=ean, blocked=True))
    source.put(an_article("1999", ean=ean))
    run = harness.run()
    change = harness.changes(run)["1003"].change
    assert change is not None
    assert harness.make_logic().change_reasons(change)["1003/ean"].code == "because_ean_freed"
    harness.run()
    products = target.records_of(Kind.PRODUCT)
    assert (products["1003"].flat()["1003/active"], products["1003"].flat()["1003/ean"]) == (False, None)
    assert products["1999"].flat()["1999/ean"] == ean
    source.put(an_article("1999", ean=""))
    source.put(an_article("1003", ean=ean))
    harness.run()
    harness.run()
    assert target.records_of(Kind.PRODUCT)["1003"].flat()["1003/ean"] == ean
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_what_comes_back_is_made_active_again(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    article = source.records_of(Kind.ARTICLE)["1003"]
    source.remove(Kind.ARTICLE, "1003")
    harness.run(Mode.COMPLETE)
    source.put(article)
    run = harness.run()
    assert harness.planned_values(run) == {"1003": {"1003/active": True}}
    assert target.records_of(Kind.PRODUCT)["1003"].flat()["1003/active"] is True
    source.remove(Kind.ARTICLE, "1003")
    assert harness.changes(harness.preview(Mode.COMPLETE))["1003"].action is Action.RETIRE


class HidingBooks(MemoryConnector):
    """Books in which a row deleted while pages are turned hides another one."""

    hidden = ""

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        batch = super().extract(kind, since, after, limit)
        return Batch(tuple(record for record in batch.records if record.key != self.hidden), batch.after, batch.stamp)


def test_what_an_extract_missed_is_asked_for_by_name_before_it_is_believed_to_be_gone(
    database: Database, target: MemoryConnector
) -> None:
    source = HidingBooks(articles("1001", "1002", "1003"), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    source.hidden = "1002"
    source.remove(Kind.ARTICLE, "1003")
    assert list(harness.changes(harness.preview(Mode.COMPLETE))) == ["1003"]


@pytest.mark.parametrize("every", [False, True])
def test_nothing_is_taken_to_be_gone_from_a_list_with_a_record_that_has_no_key(
    harness: FlowHarness, source: MemoryConnector, every: bool
) -> None:
    harness.run()
    for key in ("1002", "1003") if not every else list(source.records_of(Kind.ARTICLE)):
        source.remove(Kind.ARTICLE, key)
        source.put(unreadable(Kind.ARTICLE, "", WrongValueError("ART_CODE", ""), f'{{"ART_DESC1": "{key}"}}'))
    run = harness.preview(Mode.COMPLETE)
    assert (harness.changes(run), run.brakes) == ({}, ())
    assert set(harness.causes(run).values()) == {"key_unreadable"}
    assert (run.counts.parked, run.counts.read_count, run.counts.difference) == (5 if every else 2, 5, 0)


def empty_source(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    for key in list(source.records_of(Kind.ARTICLE)):
        source.remove(Kind.ARTICLE, key)


def test_a_source_that_is_suddenly_empty_is_held_by_a_brake_with_its_number(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    empty_source(harness, source)
    run = harness.preview(Mode.COMPLETE)
    assert [(brake.code, brake.count) for brake in run.brakes] == [
        ("brake_source_empty", 5), ("brake_retirements", 5),
    ]  # fmt: skip
    assert {row.action for row in harness.changes(run).values()} == {Action.RETIRE}
    writes_before = len(target.writes)
    with pytest.raises(PlanUnsafeError, match="brake_source_empty"):
        harness.approve(run, confirmed={"brake_retirements": 5})
    assert len(target.writes) == writes_before
    harness.commit(run)
    products = target.records_of(Kind.PRODUCT)
    assert {products[key].flat()[f"{key}/active"] for key in products} == {False}
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_an_empty_source_does_not_empty_the_queue_of_exceptions(harness: FlowHarness, source: MemoryConnector) -> None:
    edit_record(source, "1002", {"price": None})
    harness.run()
    assert len(harness.issues.causes(harness.flow)) == 1
    for key in list(source.records_of(Kind.ARTICLE)):
        source.remove(Kind.ARTICLE, key)
    harness.preview(Mode.COMPLETE)
    assert len(harness.issues.causes(harness.flow)) == 1


def test_an_empty_source_where_nothing_is_ever_retired_is_an_error_with_its_number(
    database: Database, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness = FlowHarness(database, source, target, retire=False)
    empty_source(harness, source)
    with pytest.raises(ConfigurationError) as refusal:
        harness.preview(Mode.COMPLETE)
    assert (refusal.value.code, refusal.value.facts["count"]) == ("source_empty", "5")


class UnlistedBooks(MemoryConnector):
    """Books that list nothing and have everything when they are asked by name."""

    is_silent = False

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        batch = super().extract(kind, since, after, limit)
        return Batch((), None, batch.stamp) if self.is_silent and kind is Kind.ARTICLE else batch


def test_a_source_that_lists_nothing_and_has_everything_is_an_error(
    database: Database, target: MemoryConnector
) -> None:
    source = UnlistedBooks(articles("1001", "1002"), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    source.is_silent = True
    with pytest.raises(ConfigurationError) as refusal:
        harness.preview(Mode.COMPLETE)
    assert (refusal.value.code, refusal.value.facts["count"]) == ("source_empty", "2")


def test_the_brake_on_retirements_counts_articles_and_not_products(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    for key in ("1", "2", "3"):
        source.remove(Kind.ARTICLE, key)
    run = harness.preview(Mode.COMPLETE)
    assert len(harness.changes(run)) == 1
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 3)]
    harness.commit(run)
    product = target.records_of(Kind.PRODUCT)["TRUI"].flat()
    assert [product[f"{key}/active"] for key in ("1", "2", "3")] == [False, False, False]


def test_the_brake_on_prices_counts_each_price(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    for key in ("1", "3"):
        edit_record(source, key, {"price": Decimal("99.0000")})
    run = harness.preview()
    assert len(harness.changes(run)) == 1
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_price", 2)]


def test_the_share_of_changes_is_one_of_articles_read(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    limits = {"changes_percent": Decimal(50), "price_percent": None}
    harness = FlowHarness(database, source, target, brakes=limits)
    harness.run()
    for key in ("1", "2", "3"):
        edit_record(source, key, {"price": Decimal("20.0000")})
    run = harness.preview(Mode.COMPLETE)
    assert run.counts.read_count == 4
    assert [(brake.code, brake.limit) for brake in run.brakes] == [("brake_changes", "50 %")]


def test_an_undo_that_makes_added_articles_inactive_counts_them(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector([article for article in variants() if article.key != "3"], system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    source.put(next(article for article in variants() if article.key == "3"))
    back = harness.undo(harness.run())
    assert [(brake.code, brake.count) for brake in back.brakes] == [("brake_retirements", 1)]


def test_a_vanished_variant_is_retired_and_its_siblings_are_not(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    source.remove(Kind.ARTICLE, "2")
    harness.run(Mode.COMPLETE)
    product = target.records_of(Kind.PRODUCT)["TRUI"].flat()
    assert (product["1/active"], product["2/active"], product["3/active"]) == (True, False, True)
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_product_that_changes_and_loses_articles_is_changed_and_they_are_made_inactive(
    database: Database, target: MemoryConnector
) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    for key in ("1", "2"):
        source.remove(Kind.ARTICLE, key)
    run = harness.preview(Mode.COMPLETE)
    assert [row.action for row in harness.plans.rows(run.id, "changes")] == [Action.UPDATE, Action.RETIRE]
    final_run = harness.commit(run)
    assert not harness.causes(final_run)
    product = target.records_of(Kind.PRODUCT)["TRUI"].flat()
    assert [product[f"{key}/active"] for key in ("1", "2", "3")] == [False, False, True]
    assert product["name"] == "Artikel 3"
