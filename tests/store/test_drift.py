"""The result of the last check of each kind of record."""

from datetime import date, timedelta
from decimal import Decimal

from integration.core.drift import DriftCheckResult, DriftCounts, DriftedRecord, Edit
from integration.core.records import Kind
from integration.store.database import Database
from integration.store.drift import DriftStore
from integration.store.erasure_register import ErasureRegister
from tests.clocks import Clock


def test_the_last_look_at_a_kind_is_kept_whole(database: Database, clock: Clock) -> None:
    drifts = DriftStore(database, clock)
    edits = (Edit("1/quantity", "line.quantity", Decimal("2.50"), None), Edit("date", "x.date", date(2026, 10, 17), ""))
    first = DriftCheckResult("orders", Kind.SALES_ORDER, clock(), clock(), DriftCounts(compared=1, missing=1))
    samples = (DriftedRecord("9", "2026.9", "2690001", edits),)
    later = clock() + timedelta(days=1)
    newest = DriftCheckResult(
        "orders",
        Kind.SALES_ORDER,
        later,
        later,
        DriftCounts(compared=3, equal=2, different=1),
        samples,
        "timeout",
        {"a": "b"},
    )
    other = DriftCheckResult("products", Kind.PRODUCT, later, later, DriftCounts())
    so_far = ErasureRegister(database, clock).state()
    drifts.differ("orders", Kind.SALES_ORDER, first.started_at, [DriftedRecord("8", "2026.8", "2690000")], so_far)
    for result in (first, other):
        drifts.keep(result)
    for _ in range(2):  # a page may be looked at twice
        drifts.differ("orders", Kind.SALES_ORDER, later, samples, so_far)
    assert [result.title for result in drifts.latest()[0].samples] == ["2026.8"]  # until the look has come to its end
    drifts.keep(newest)
    assert drifts.latest() == [newest, other]
    assert drifts.latest("products") == [other]
