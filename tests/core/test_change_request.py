"""A change of settings that waits for a second person is known by its exact values."""

from dataclasses import replace
from datetime import UTC, datetime

from integration.core.change_request import ChangeRequest
from integration.core.people import Right

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
REQUEST = ChangeRequest(
    setting="flow:products", flow="products", right=Right.ARRANGE, before={"on": False}, after={"on": True},
    by="anna", session="s", at=NOW, until=NOW,
)  # fmt: skip


def test_the_mark_is_of_the_values_and_not_of_who_asked() -> None:
    assert replace(REQUEST, by="ben", session="t", reasons={"changes": "a sale"}).mark == REQUEST.mark
    others = ({"after": {"on": True, "auto_approve": True}}, {"before": {"on": None}}, {"setting": "flow:stock"})
    assert all(replace(REQUEST, **other).mark != REQUEST.mark for other in others)
