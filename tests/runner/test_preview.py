"""What a plan says, and that making it writes nothing."""

from decimal import Decimal

import pytest

from integration.core.errors import ConfigurationError, PlanStaleError, RunActiveError, UnavailableError
from integration.core.plan import Action, Approval
from integration.core.records import Batch, Kind, Record
from integration.core.run import Mode, PreviewRequest, RunState
from integration.store.database import Database
from tests.bench import Bench, articles, edited
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector


def test_a_preview_writes_nothing(bench: Bench, source: MemoryConnector, target: MemoryConnector) -> None:
    run = bench.preview()
    assert run.state is RunState.READY
    assert run.counts.planned == run.counts.read == 5
    assert source.calls_made["write"] == target.calls_made["write"] == 0
    assert target.held(Kind.PRODUCT) == target.held(Kind.GROUP) == {}


def test_a_second_run_has_to_wait_for_the_first(bench: Bench) -> None:
    first = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    with pytest.raises(RunActiveError) as refusal:
        bench.runner.preview.begin(PreviewRequest("products", "test"))
    assert refusal.value.facts["run"] == first.id
    assert refusal.value.facts["by"] == "somebody"


def test_a_changed_price_plans_exactly_that_write(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1002", {"price": Decimal("20.0000")})
    run = bench.preview()
    assert bench.wanted(run) == {"1002": {"1002/price_incl": Decimal("24.20")}}
    (row,) = bench.changes(run).values()
    assert row.change is not None
    assert row.change.before is not None
    assert row.change.before.flat() == {"1002/price_incl": Decimal("20.00")}


def test_a_preview_goes_on_after_a_restart_with_the_same_plan(bench: Bench) -> None:
    whole = bench.preview()
    bench.runs.discard(whole.id, by="test")
    run = bench.runner.preview.begin(PreviewRequest("products", "test"))
    bench.restart()
    while bench.runner.preview.page(run.id):
        bench.restart()
    run = bench.rested(run)
    assert (run.fingerprint, run.counts) == (whole.fingerprint, whole.counts)


def test_a_preview_goes_on_where_an_unavailable_system_stopped_it(bench: Bench, source: MemoryConnector) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "test"))
    bench.runner.preview.page(run.id)
    source.go_away()
    with pytest.raises(UnavailableError):
        bench.runner.preview.page(run.id)
    while bench.runner.preview.page(run.id):
        pass
    assert bench.rested(run).counts.read == 5


def test_a_cancelled_preview_stops_at_the_page_and_the_next_begins_at_once(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    bench.runner.preview.page(run.id)
    read = source.calls_made.total()
    bench.runs.request_cancel(run.id, "test")
    stopped = bench.previewed(run)
    assert (stopped.state, stopped.error, stopped.ended_at) == (RunState.DISCARDED, "preview_cancelled", bench.clock())
    assert source.calls_made.total() == read
    assert target.calls_made["write"] == 0
    assert bench.preview().state is RunState.READY


def test_a_preview_that_was_cancelled_in_the_middle_of_its_plan_accounts_for_what_it_compared(bench: Bench) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    while not bench.plans.count(run.id):
        bench.runner.preview.page(run.id)
    bench.runs.request_cancel(run.id, "test")
    counts = bench.previewed(run).counts
    assert (counts.difference, counts.read) == (0, counts.planned)


def test_a_cancelled_preview_cannot_be_committed(bench: Bench) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    bench.runs.request_cancel(run.id, "test")
    bench.previewed(run)
    with pytest.raises(PlanStaleError):
        bench.runner.commit.approve(run.id, Approval("", "test"))


# ---- ownership


def test_a_text_edited_at_the_till_is_left_alone(bench: Bench, target: MemoryConnector) -> None:
    bench.run()
    edited(target, "1001", {"1001/receipt_text": "Bonnetje"}, Kind.PRODUCT)
    run = bench.preview()
    assert run.state is RunState.DONE
    assert run.counts.unchanged == run.counts.read == 1


def test_a_price_edited_at_the_till_is_set_right(bench: Bench, target: MemoryConnector) -> None:
    bench.run()
    edited(target, "1001", {"1001/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    run = bench.preview()
    assert bench.wanted(run) == {"1001": {"1001/price_incl": Decimal("20.00")}}


def test_what_is_written_once_is_never_set_right(bench: Bench, target: MemoryConnector) -> None:
    bench.run()
    edited(target, "1001", {"1001/stock_managed": False}, Kind.PRODUCT)
    assert bench.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_field_of_the_till_alone_is_never_touched(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    edited(target, "1001", {"1001/kitchen_printer": "2"}, Kind.PRODUCT)
    edited(source, "1001", {"price": Decimal("20.0000")})
    bench.run()
    assert target.held(Kind.PRODUCT)["1001"].flat()["1001/kitchen_printer"] == "2"


def test_a_text_edited_on_both_sides_is_a_conflict_with_all_three_values(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    edited(source, "1001", {"name": "Onze naam"})
    edited(target, "1001", {"name": "Hun naam"}, Kind.PRODUCT)
    run = bench.run()
    (row,) = bench.plans.rows(run.id, "parked")
    assert row.cause == "field_conflict"
    assert row.facts["agreed_value"] == "Artikel 1001"
    assert (row.facts["source_value"], row.facts["target_value"]) == ("Onze naam", "Hun naam")
    assert target.held(Kind.PRODUCT)["1001"].values["name"] == "Hun naam"


def test_a_product_that_both_had_is_met_and_brought_in_line(bench: Bench, target: MemoryConnector) -> None:
    run = bench.run()
    other = bench.changes(run)["1001"].change
    assert other is not None
    first = Record(Kind.PRODUCT, "2001", {**other.wanted.values, "name": "Van de kassa"}, ())
    part = Record(Kind.ARTICLE, "2001", {**other.wanted.parts[0].values, "external_id": "2001"}, source="2001")
    target.put(Record(first.kind, first.key, first.values, (part,)))
    bench.source.put(an_article("2001", name="Van het boek"))
    row = bench.changes(bench.preview())["2001"]
    assert row.action is Action.UPDATE
    assert row.change is not None
    assert row.change.first_match
    assert row.change.wanted.values["name"] == "Van het boek"


# ---- what is gone


def test_what_somebody_removed_from_the_till_is_a_question(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    target.remove(Kind.PRODUCT, "1003")
    edited(source, "1003", {"price": Decimal("20.0000")})
    run = bench.preview()
    assert bench.causes(run) == {"1003": "target_record_missing"}
    assert not bench.changes(run)


def test_an_incremental_run_retires_nothing(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    source.remove(Kind.ARTICLE, "1003")
    assert bench.preview().state is RunState.DONE


def test_what_a_complete_extract_no_longer_has_is_made_inactive_and_never_deleted(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    source.remove(Kind.ARTICLE, "1003")
    run = bench.preview(Mode.COMPLETE)
    assert bench.changes(run)["1003"].action is Action.RETIRE
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 1)]
    bench.commit(run)
    assert target.held(Kind.PRODUCT)["1003"].flat()["1003/active"] is False
    assert bench.preview(Mode.COMPLETE).state is RunState.DONE


def test_what_comes_back_is_made_active_again(bench: Bench, source: MemoryConnector, target: MemoryConnector) -> None:
    bench.run()
    gone = source.held(Kind.ARTICLE)["1003"]
    source.remove(Kind.ARTICLE, "1003")
    bench.run(Mode.COMPLETE)
    source.put(gone)
    run = bench.run()
    assert bench.wanted(run) == {"1003": {"1003/active": True}}
    assert target.held(Kind.PRODUCT)["1003"].flat()["1003/active"] is True
    source.remove(Kind.ARTICLE, "1003")
    assert bench.changes(bench.preview(Mode.COMPLETE))["1003"].action is Action.RETIRE


class Hiding(MemoryConnector):
    """Books in which a row deleted while pages are turned hides another one."""

    hidden = ""

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None) -> Batch:
        batch = super().extract(kind, since, after)
        return Batch(tuple(one for one in batch.records if one.key != self.hidden), batch.after, batch.stamp)


def test_what_an_extract_missed_is_asked_for_by_name_before_it_is_believed_to_be_gone(
    database: Database, target: MemoryConnector
) -> None:
    source = Hiding(articles("1001", "1002", "1003"), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    source.hidden = "1002"
    source.remove(Kind.ARTICLE, "1003")
    assert list(bench.changes(bench.preview(Mode.COMPLETE))) == ["1003"]


def test_a_source_that_is_suddenly_empty_is_an_error(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    for key in source.held(Kind.ARTICLE):
        source.remove(Kind.ARTICLE, key)
    with pytest.raises(ConfigurationError) as refusal:
        bench.preview(Mode.COMPLETE)
    assert refusal.value.code == "source_empty"


# ---- incremental


def test_only_what_changed_is_read(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1004", {"price": Decimal("20.0000")})
    assert bench.run().counts.read == 1


def test_our_own_writes_are_not_read_again(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    assert bench.run().counts.read == 0
    edited(source, "1004", {"price": Decimal("20.0000")})
    bench.run()
    assert bench.run().counts.read == 1, "the article whose stamp is where we start, and nothing else"


def test_an_edit_at_the_till_is_noticed_and_its_article_read_again(bench: Bench, target: MemoryConnector) -> None:
    bench.run()
    edited(target, "1002", {"1002/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    run = bench.run()
    assert bench.wanted(run) == {"1002": {"1002/price_incl": Decimal("20.00")}}
    assert target.held(Kind.PRODUCT)["1002"].flat()["1002/price_incl"] == Decimal("20.00")
    assert not bench.changes(bench.preview())


def variants() -> list[Record]:
    sizes = [an_article(code, parent="TRUI", size=size) for code, size in (("1", "S"), ("2", "M"), ("3", "L"))]
    return [*sizes, an_article("9001"), a_group()]


def test_the_other_variants_of_a_changed_one_are_read_too(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    edited(source, "2", {"price": Decimal("20.0000")})
    run = bench.preview()
    assert bench.wanted(run) == {"TRUI": {"2/price_incl": Decimal("24.20")}}
    assert run.counts.read == run.counts.planned == 3


def test_a_new_variant_joins_its_product(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    source.put(an_article("4", parent="TRUI", size="XL"))
    run = bench.run()
    assert bench.changes(run)["TRUI"].action is Action.UPDATE
    assert [part.key for part in target.held(Kind.PRODUCT)["TRUI"].parts] == ["1", "2", "3", "4"]


def test_a_vanished_variant_is_retired_and_its_siblings_are_not(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    source.remove(Kind.ARTICLE, "2")
    bench.run(Mode.COMPLETE)
    held = target.held(Kind.PRODUCT)["TRUI"].flat()
    assert (held["1/active"], held["2/active"], held["3/active"]) == (True, False, True)
    assert bench.preview(Mode.COMPLETE).state is RunState.DONE


def test_two_codes_with_one_number_in_different_runs_are_a_question(
    database: Database, target: MemoryConnector
) -> None:
    source = MemoryConnector(articles("A", NUMBER="5001"), system="accountview")
    bench = Bench(database, source, target, sku_rule="field", sku_field="NUMBER")
    bench.run()
    source.put(an_article("B", NUMBER="5001"))
    run = bench.preview()
    assert bench.causes(run) == {"B": "sku_duplicate"}
    assert not bench.changes(run)


def test_two_codes_with_one_number_in_one_run_are_both_parked(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector([*articles("A", "B", NUMBER="5001"), an_article("C", NUMBER="5002")], system="accountview")
    bench = Bench(database, source, target, sku_rule="field", sku_field="NUMBER")
    run = bench.run()
    assert bench.causes(run) == {"A": "sku_duplicate", "B": "sku_duplicate"}
    assert list(target.held(Kind.PRODUCT)) == ["C"]


def test_chosen_records_are_read_alone_and_move_no_cursor(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1002", {"price": Decimal("20.0000")})
    edited(source, "1004", {"price": Decimal("20.0000")})
    run = bench.run(Mode.CHOSEN, ["1002"])
    assert list(bench.changes(run)) == ["1002"]
    assert list(bench.changes(bench.run())) == ["1004"]
