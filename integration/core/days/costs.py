"""What the goods of a day were bought for, as far as the till tells it: cost of sales against stock, without VAT.

The till tells it for each turnover group with all its documents. What the books cost by themselves, or nobody sold, is
taken off by the documents' own lines, and only where those of all documents come to what the till tells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from integration.core.days.documents import DayDocument
from integration.core.days.till import DayRefusedError, TillCost, TillDay, optional_amount, total, turnover_group
from integration.core.money import amount
from integration.core.records import Kind
from integration.core.totals.sold import NOTHING, VatSum

MOST_NAMED = 5  # documents in one sentence


@dataclass(frozen=True, slots=True)
class GroupCost:
    """What the goods of one turnover group were bought for, and the till's account numbers for cost and for stock.

    A number that the till does not tell, or tells in two ways, is empty.
    """

    group: str
    name: str
    amount: Decimal
    cost_account: str
    stock_account: str


def costs_of(day: TillDay, documents: Sequence[DayDocument], left_out: Sequence[DayDocument]) -> Iterator[GroupCost]:
    """Yield what a day's groups cost without some of its documents.

    Raises DayRefusedError where a cost cannot be read, or where what some documents cost cannot be told from the rest.
    """
    told: dict[tuple[str, str], list[TillCost]] = {}
    for one in day.costs:
        if one.amount is None:
            raise DayRefusedError("day_cost_unreadable", one.field, group=one.group, field=one.field, value=one.found)
        told.setdefault((one.source, one.group), []).append(one)
    for (source, group), rows in told.items():
        cost = total(one.amount for one in rows if one.amount is not None)
        out = [one for one in left_out if one.source == source and any(key[0] == group for key in one.groups)]
        own = total(_cost_of(one, group) for one in documents if one.source == source)
        if out and own != cost:
            behind = ", ".join(one.number for one in out[:MOST_NAMED])
            facts = {"expected": str(own), "found": str(cost), "behind": behind}
            raise DayRefusedError("day_cost_apart", "", group=group, kind=rows[0].name, **facts)
        yield GroupCost(
            group,
            rows[0].name,
            cost - total(_cost_of(one, group) for one in out),
            _only(one.account for one in rows),
            _only(one.stock_account for one in rows),
        )


def groups_without_cost(
    day: TillDay, groups: Mapping[tuple[str, str, str], VatSum], names: Mapping[str, str]
) -> tuple[str, ...]:
    """Return which of these turnover groups sold something of which the till does not tell what it was bought for."""
    told = {(one.source, one.group, code) for one in day.costs for code in one.codes or ("",)}
    rest = dict.fromkeys(key[1] for key, each in groups.items() if each and key not in told and key[1] in names)
    return tuple(f"{group} {names[group]}".strip() for group in sorted(rest))


def _cost_of(one: DayDocument, group: str) -> Decimal:
    """Return what a document's own lines of a group cost by their purchase prices, where it is sold on the day."""
    lines = [part.values for part in one.record.parts if part.kind is Kind.LINE and one.is_sold]
    own = [each for each in lines if turnover_group(each, "turnover_group") == group]
    return total(
        amount((optional_amount(each, "quantity") or NOTHING) * (optional_amount(each, "purchasePrice") or NOTHING))
        for each in own
    )


def _only(numbers: Iterator[str]) -> str:
    found = set(numbers)
    return found.pop() if len(found) == 1 else ""
