"""Extracts for a plan: the changes on either side, and the records that belong to them."""

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.errors import ConfigurationError, RejectedError
from integration.core.position import Task
from integration.core.records import Batch, FieldPresence, Kind, Record, Value, WrongValueError, unreadable
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.store.database import Database
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record, variants
from tests.people import make_actor

EAN, OTHER_EAN = "8710000000024", "8710000000031"


def test_only_what_changed_is_read(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1004", {"price": Decimal("20.0000")})
    assert harness.run().counts.read_count == 1


def test_our_own_writes_are_not_read_again(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    assert harness.run().counts.read_count == 0
    edit_record(source, "1004", {"price": Decimal("20.0000")})
    harness.run()
    assert harness.run().counts.read_count == 1, "the article whose stamp is where we start, and nothing else"


def test_an_edit_at_the_till_is_noticed_and_its_article_read_again(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(target, "1002", {"1002/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    run = harness.run()
    assert harness.planned_values(run) == {"1002": {"1002/price_incl": Decimal("20.00")}}
    assert target.records_of(Kind.PRODUCT)["1002"].flat()["1002/price_incl"] == Decimal("20.00")
    assert not harness.changes(harness.preview())


def test_the_other_variants_of_a_changed_one_are_read_too(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    edit_record(source, "2", {"price": Decimal("20.0000")})
    run = harness.preview()
    assert harness.planned_values(run) == {"TRUI": {"2/price_incl": Decimal("24.20")}}
    assert run.counts.read_count == run.counts.planned == 3


def test_chosen_records_are_read_alone_and_move_no_cursor(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    edit_record(source, "1004", {"price": Decimal("20.0000")})
    run = harness.run(Mode.CHOSEN, ["1002"])
    assert list(harness.changes(run)) == ["1002"]
    assert list(harness.changes(harness.run())) == ["1004"]


class RepeatingBooks(MemoryConnector):
    """Books that say a record twice in one answer, and the last of a page once more on the next."""

    last: tuple[Record, ...] = ()

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        """Return a page that repeats the record of the page before and its own first record."""
        batch = super().extract(kind, since, after, limit)
        before, self.last = self.last if after else (), batch.records[-1:]
        return Batch((*before, *batch.records, *batch.records[:1]), batch.after, batch.stamp)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return every record twice."""
        return super().fetch(kind, keys) * 2


@pytest.mark.parametrize("mode", [Mode.COMPLETE, Mode.CHANGES, Mode.CHOSEN])
def test_a_record_that_comes_twice_is_counted_once(database: Database, target: MemoryConnector, mode: Mode) -> None:
    source = RepeatingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    keys = ["1", "2", "3", "9001"]
    run = harness.run(mode, keys if mode is Mode.CHOSEN else [])
    assert run.counts.read_count == run.counts.proven == len(keys)
    assert run.counts.difference == 0


def test_a_record_that_cannot_be_read_parks_alone_with_all_of_it(harness: FlowHarness, source: MemoryConnector) -> None:
    source.put(unreadable(Kind.ARTICLE, "1003", WrongValueError("PX_SELL", "veel"), '{"PX_SELL": "veel"}'))
    run = harness.run(Mode.COMPLETE)
    assert harness.causes(run) == {"1003": "record_unreadable"}
    assert (run.counts.read_count, run.counts.proven, run.counts.parked) == (5, 4, 1)
    (issue,) = harness.issues.list("products", "record_unreadable")
    assert issue.issue.facts == {
        "key": "1003", "field": "PX_SELL", "value": "veel", "system": "accountview", "raw": '{"PX_SELL": "veel"}'
    }  # fmt: skip
    source.put(an_article("1003"))
    assert harness.run().counts.parked == 0
    assert harness.issues.list("products", "record_unreadable") == []


class FieldReportingBooks(MemoryConnector):
    """Books that report the fields which their answers contained."""

    presence = presence_by_key = FieldPresence(frozenset({"K9_EAN", "REC_BLK"}))

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        """Return a page with the reported fields."""
        return replace(
            super().extract(kind, since, after, limit),
            fields=self.presence if kind is Kind.ARTICLE else FieldPresence(),
        )

    def fetched(self, kind: Kind, keys: Collection[str]) -> Batch:
        """Return the records with these keys, with the reported fields."""
        return Batch(tuple(self.fetch(kind, keys)), None, fields=self.presence_by_key)


@pytest.mark.parametrize("values", [{}, {"ean": EAN}, {"ean": (OTHER_EAN, EAN)}], ids=["parked", "unreadable", "twice"])
def test_an_ean_that_a_parked_article_claims_is_given_to_no_other(
    database: Database, target: MemoryConnector, values: dict[str, Value]
) -> None:
    first, second = an_article("1001", ean=EAN, vat_code="9"), an_article("1002", ean=EAN)
    wrong = unreadable(Kind.ARTICLE, "1001", WrongValueError("PX_SELL", "veel"), "{}")
    claiming = replace(wrong, readable_values={**first.values, **values}) if values else first
    source = MemoryConnector([a_group(), claiming, second, an_article("1003")], system="accountview")
    harness = FlowHarness(database, source, target)
    cause = "record_unreadable" if values else "vat_code_unmapped"
    assert harness.causes(harness.run(Mode.COMPLETE)) == {"1001": cause, "1002": "ean_duplicate"}
    edit_record(source, "1002", {"name": "Another"})  # the parked article is not among the changes
    for mode, keys in ((Mode.CHANGES, ()), (Mode.CHOSEN, ["1002"])):
        assert harness.causes(harness.run(mode, keys)) == {"1001": cause, "1002": "ean_duplicate"}
    source.put(replace(first, values={**first.values, "vat_code": "2", "ean": ""}))
    harness.clock.advance(60)
    assert harness.causes(harness.run(Mode.COMPLETE)) == {}


@pytest.mark.parametrize("mode", [Mode.COMPLETE, Mode.CHANGES])
def test_a_field_that_every_record_had_and_none_has_stops_the_flow(
    database: Database, target: MemoryConnector, mode: Mode
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(frozenset({"REC_BLK"}), frozenset({"K9_EAN"}))
    source.put(an_article("1", name="Another"))
    for _ in "ab":  # until somebody is_reliable to it
        with pytest.raises(ConfigurationError, match="field_vanished") as caught:
            harness.run(mode)
        assert caught.value.facts["field"] == "K9_EAN"
        harness.runs.fail(harness.runs.latest(flow="products", limit=1)[0].id, "field_vanished", {})
    source.presence = FieldReportingBooks.presence
    assert harness.run(mode).state is RunState.DONE


def test_a_field_that_was_null_in_no_record_and_is_null_in_all_stops_the_flow(
    database: Database, target: MemoryConnector
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    fields = frozenset({"CUR_CODE", "K9_OTHER"})
    source.presence = FieldPresence(fields, present_fields=fields, filled=fields, known_fields=frozenset({"CUR_CODE"}))
    harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(fields, present_fields=fields, null=fields, known_fields=frozenset({"CUR_CODE"}))
    with pytest.raises(ConfigurationError, match="field_vanished") as caught:
        harness.run(Mode.COMPLETE)
    assert caught.value.facts["field"] == "CUR_CODE"


@pytest.mark.parametrize(("empties", "stops"), [("as blanks", True), ("as null", False), ("unknown", False)])
@pytest.mark.parametrize("mode", [Mode.CHOSEN, Mode.CHANGES])
def test_a_null_that_comes_alone_is_no_value_where_empty_values_come_as_blanks(
    database: Database, target: MemoryConnector, mode: Mode, empties: str, *, stops: bool
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    fields, currency = frozenset({"CUR_CODE", "K9_OTHER"}), frozenset({"CUR_CODE"})
    filled = currency if empties == "as null" else fields
    source.presence = FieldPresence(
        fields, present_fields=fields, filled=filled, known_fields=fields, blanks=empties != "unknown"
    )
    harness.run(Mode.COMPLETE)
    alone = FieldPresence(
        fields,
        present_fields=fields,
        filled=fields - currency,
        null=currency,
        known_fields=fields,
        is_single_record=True,
    )
    source.presence = source.presence_by_key = alone
    source.put(an_article("1", name="Another"))
    with pytest.raises(ConfigurationError, match="field_vanished") if stops else nullcontext():
        harness.run(mode, ["1"] if mode is Mode.CHOSEN else ())


def test_a_field_that_several_records_held_and_none_of_all_holds_stops_the_flow(
    database: Database, target: MemoryConnector
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    presence = FieldPresence(frozenset({"CUR_CODE"}), present_fields=frozenset({"CUR_CODE"}))
    source.presence = replace(
        presence, fields_with_value=presence.present_fields, fields_often_with_value=presence.present_fields
    )
    harness.run(Mode.COMPLETE)
    source.presence = presence
    source.put(an_article("1", name="Another"))
    assert harness.run(Mode.CHANGES).state is RunState.DONE  # those that changed may all be without
    for _ in "ab":
        with pytest.raises(ConfigurationError, match="field_vanished") as caught:
            harness.run(Mode.COMPLETE)
        assert caught.value.facts["field"] == "CUR_CODE"
        harness.runs.fail(harness.runs.latest(flow="products", limit=1)[0].id, "field_vanished", {})
    source.presence = replace(presence, fields_with_value=presence.present_fields)
    harness.run(Mode.COMPLETE)
    source.presence = presence
    assert harness.run(Mode.COMPLETE).state is RunState.DONE  # one record may lose it


def test_most_values_of_a_field_with_a_default_that_are_gone_hold_the_plan(
    database: Database, target: MemoryConnector
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)

    def tripped_brakes(number: int, mode: Mode = Mode.COMPLETE) -> dict[str, int]:
        source.presence = FieldPresence(counts={"currency": number})  # on each of two pages
        source.put(an_article("9001", name=f"Another {number} {mode}"))
        return {brake.code: brake.count for brake in harness.preview(mode).brakes}

    source.presence = FieldPresence(counts={"currency": 4})
    harness.run(Mode.COMPLETE)
    assert tripped_brakes(2) == {}, "half of them may go"
    assert tripped_brakes(1, Mode.CHANGES) == {}
    for _ in "ab":  # until a person confirms it
        assert tripped_brakes(1) == {"brake_values_lost": 6}
    harness.run(Mode.COMPLETE)
    assert tripped_brakes(1) == {}


@pytest.mark.parametrize(
    ("field", "before", "now", "stops"),
    [("colour", 2, 0, True), ("colour", 2, 1, False), ("colour", 1, 0, False), ("nobody_reads", 2, 0, False)],
    ids=["all of several", "not all", "too few", "not read"],
)
def test_a_field_that_all_of_several_records_lose_holds_the_plan_and_is_named(
    database: Database, target: MemoryConnector, field: str, before: int, now: int, *, stops: bool
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    source.presence = FieldPresence(counts={field: before})  # on each of the pages
    harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(counts={field: now})
    source.put(an_article("9001", name="Another"))
    brakes = {brake.code: brake.facts["field"] for brake in harness.preview(Mode.COMPLETE).brakes}
    assert brakes == ({"brake_values_lost": "article.colour"} if stops else {})


@pytest.mark.parametrize(
    ("counts", "cleared", "stops"),
    [
        ({"text": 0}, 4, True), ({"text": 1}, 4, False), ({"text": 0}, 1, False), ({"text": 0, "colour": 0}, 4, True),
        ({"colour": 0}, 4, False), ({"prices": 0}, 4, True), ({}, 4, False),
    ],
    ids=["all", "not all", "too few", "named alone", "rare", "a price list", "no list read"],
)  # fmt: skip
def test_a_field_that_all_records_of_a_run_of_changes_lose_holds_the_plan(
    database: Database, target: MemoryConnector, counts: dict[str, int], cleared: int, *, stops: bool
) -> None:
    codes = [str(9001 + place) for place in range(6)]
    articles = [an_article(code, text=f"About {code}") for code in codes]
    source = FieldReportingBooks([a_group(), *articles], system="accountview")
    harness = FlowHarness(database, source, target)
    source.presence = FieldPresence(counts={"code": 6, "text": 6, "colour": 2, "prices": 5, "prices:price_group A": 5})
    harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(counts={"code": 4, **counts})
    for code in codes[:cleared]:
        source.put(an_article(code, text=""))
    run = harness.preview(Mode.CHANGES)
    lost_field = {"prices": "article.prices:price_group A"}.get(next(iter(counts), ""), "article.text")
    assert {brake.code: brake.facts["field"] for brake in run.brakes} == (
        {"brake_values_lost": lost_field} if stops else {}
    )
    assert harness.planned_values(run) == {code: {"text": "", f"{code}/text": ""} for code in codes[:cleared]}


def test_a_run_of_changes_only_narrows_what_is_known(database: Database, target: MemoryConnector) -> None:
    source = FieldReportingBooks(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    field = frozenset({"K9_EAN"})
    source.presence = FieldPresence(field, present_fields=field, known_fields=field)
    harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(field, present_fields=field, filled=field, known_fields=field)
    source.put(an_article("1", name="Another"))
    harness.run(Mode.CHANGES)
    source.presence = FieldPresence(field, present_fields=field, null=field, known_fields=field)
    source.put(an_article("1", name="A third"))
    assert harness.run(Mode.CHANGES).state is RunState.DONE


@pytest.mark.parametrize("how", ["chosen", "edited at the till", "beside a variant that changed"])
def test_a_field_that_is_gone_stops_what_asks_for_records_by_their_keys_too(
    database: Database, target: MemoryConnector, how: str
) -> None:
    source = FieldReportingBooks(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run(Mode.COMPLETE)
    source.presence_by_key = FieldPresence(frozenset({"REC_BLK"}), frozenset({"K9_EAN"}))
    if how == "beside a variant that changed":
        edit_record(source, "2", {"price": Decimal("20.0000")})
    else:
        edit_record(target, "TRUI", {"1/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    with pytest.raises(ConfigurationError, match="field_vanished") as caught:
        harness.run(*((Mode.CHOSEN, ["1"]) if how == "chosen" else (Mode.CHANGES,)))
    assert caught.value.facts["field"] == "K9_EAN"


def test_a_field_without_a_meaning_of_ours_stops_the_flow_where_that_reads_it(
    database: Database, target: MemoryConnector
) -> None:
    every = frozenset({"ART_CODE", "K9_SORT", "K9_OTHER"})
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    source.presence = FieldPresence(every, present_fields=every)
    sorted_out = {"field": "K9_SORT", "operator": "equal", "value": "X", "take": "out"}
    harness = FlowHarness(database, source, target, filters=(sorted_out,))
    harness.run(Mode.COMPLETE)
    for read_fields in (every - {"K9_OTHER"}, frozenset[str]()):  # nobody reads it; nothing was read
        source.presence = FieldPresence(read_fields, present_fields=read_fields)
        harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(every, present_fields=every)
    harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(every - {"K9_SORT"}, present_fields=every - {"K9_SORT"})
    with pytest.raises(ConfigurationError, match="field_vanished") as caught:
        harness.run(Mode.COMPLETE)
    assert caught.value.facts["field"] == "K9_SORT"


def test_a_field_that_some_records_lack_or_that_never_came_stops_nothing(
    database: Database, target: MemoryConnector
) -> None:
    source = FieldReportingBooks(variants(), system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    for always in ({"K9_EAN"}, set[str]()):
        source.presence = FieldPresence(frozenset(always), frozenset({"REC_BLK"}))
        harness.run(Mode.COMPLETE)
    source.presence = FieldPresence(frozenset(), frozenset({"K9_EAN", "REC_BLK"}))
    harness.run(Mode.COMPLETE)


class CountableBooks(MemoryConnector):
    """Books whose number of records can be estimated, or that refuse the estimate."""

    estimate: int | None = 4

    def estimate_count(self, kind: Kind) -> int:
        """Return the estimate, or raise if the books refuse it."""
        del kind
        if self.estimate is None:
            raise RejectedError(system="accountview", message="no rows far ahead")
        return self.estimate


@pytest.mark.parametrize(("expected_total", "totals"), [(4, [4, 4]), (3, [3, 4]), (0, [0, 0]), (None, [0, 0])])
def test_a_reading_of_everything_says_how_much_it_expects(
    database: Database, target: MemoryConnector, expected_total: int | None, totals: list[int]
) -> None:
    source = CountableBooks(variants(), system="accountview", page_size=2)
    source.estimate = expected_total
    harness = FlowHarness(database, source, target)
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("test")))
    progress = []
    while harness.runs.get(run.id).position.task is Task.EXTRACT:
        harness.runner.preview.page(run.id)
        now = harness.runs.get(run.id)
        if now.progress_done:
            progress.append((now.progress_done, now.progress_total))
    assert progress == list(zip([2, 4], totals, strict=True))


def test_what_fits_on_a_page_and_what_only_changed_is_not_counted_first(
    database: Database, target: MemoryConnector
) -> None:
    source = CountableBooks(variants(), system="accountview", page_size=100)
    source.estimate = -1  # which would show
    harness = FlowHarness(database, source, target)
    harness.run()
    edit_record(source, "2", {"price": Decimal("20.0000")})
    assert harness.preview().position.expected == 0
