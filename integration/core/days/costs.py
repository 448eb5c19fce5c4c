"""Cost of sales of a day, as far as the till reports it: cost against stock, without VAT.

The till reports it per turnover group for all documents. The cost of documents that the books account for themselves,
or that were not sold, is subtracted by the documents' own lines. This requires that the lines of all documents add up
to the till's figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from integration.core.days.documents import DayDocument
from integration.core.days.till import DayRefusedError, TillCost, TillDay, optional_amount, total, turnover_group
from integration.core.money import amount
from integration.core.records import Kind
from integration.core.totals.sold import NOTHING, VatSum

MOST_NAMED = 5  # documents named in one sentence


@dataclass(frozen=True, slots=True)
class GroupCost:
    """Cost of sales of one turnover group, and the till's account numbers for cost and stock.

    An account number that the till does not report, or reports inconsistently, is empty.
    """

    group: str
    name: str
    amount: Decimal
    cost_account: str
    stock_account: str


def costs_of(day: TillDay, documents: Sequence[DayDocument], left_out: Sequence[DayDocument]) -> Iterator[GroupCost]:
    """Yield the cost of each turnover group of a day without some documents.

    Raises DayRefusedError if a cost is unreadable, or if the cost of these documents cannot be separated from the
    rest.
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
    """Return the turnover groups with sales whose cost the till does not report."""
    told = {(one.source, one.group, code) for one in day.costs for code in one.codes or ("",)}
    rest = dict.fromkeys(key[1] for key, each in groups.items() if each and key not in told and key[1] in names)
    return tuple(f"{group} {names[group]}".strip() for group in sorted(rest))


def _cost_of(one: DayDocument, group: str) -> Decimal:
    """Return the cost of a document's lines of a turnover group, by purchase price, if its sale is on the day."""
    lines = [part.values for part in one.record.parts if part.kind is Kind.LINE and one.is_sold]
    own = [each for each in lines if turnover_group(each, "turnover_group") == group]
    return total(
        amount((optional_amount(each, "quantity") or NOTHING) * (optional_amount(each, "purchasePrice") or NOTHING))
        for each in own
    )


def _only(numbers: Iterator[str]) -> str:
    found = set(numbers)
    return found.pop() if len(found) == 1 else ""
