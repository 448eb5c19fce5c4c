"""Plans values that a person reverted as separate lines, which are left out until a person includes them."""

from collections.abc import Mapping

from integration.core.plan import Change
from integration.core.records import Record
from integration.core.reverted_values import RevertedValue, latest_reverted, split_reverted
from integration.runner.page import PlanPage


def add_without_retracted(
    page: PlanPage,
    change: Change,
    reverted_values: Mapping[str, RevertedValue],
    last: Record | None = None,
    reference: str = "",
    *,
    is_additional: bool = False,
    current: Record | None = None,
) -> None:
    """Add a change to a page, with its reverted values as a separate line.

    `last` holds the values that both systems last agreed on, and `current` those of the target.
    """
    fresh, back = split_reverted(change, reverted_values, last)
    if fresh is not None:
        page.change(fresh, reference, is_additional=is_additional, current=current)
    if back is not None:
        beside = is_additional or fresh is not None  # the records read are accounted for once
        page.change(back, reference, is_additional=beside, reverted=latest_reverted(back, reverted_values))
