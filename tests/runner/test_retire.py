"""What a complete extract no longer has: made inactive, and never deleted."""

import pytest

from integration.core.errors import ConfigurationError
from integration.core.plan import Action
from integration.core.records import Batch, Kind
from integration.core.run import Mode, RunState
from integration.store.database import Database
from tests.bench import Bench, articles, variants
from tests.fakes import MemoryConnector


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


def test_a_vanished_variant_is_retired_and_its_siblings_are_not(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    source.remove(Kind.ARTICLE, "2")
    bench.run(Mode.COMPLETE)
    held = target.held(Kind.PRODUCT)["TRUI"].flat()
    assert (held["1/active"], held["2/active"], held["3/active"]) == (True, False, True)
    assert bench.preview(Mode.COMPLETE).state is RunState.DONE
