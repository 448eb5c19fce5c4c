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

MAX_NAMED = 5  # documents named in one sentence


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
    costs_by_group: dict[tuple[str, str], list[TillCost]] = {}
    for row in day.costs:
        if row.amount is None:
            raise DayRefusedError(
                "day_cost_unreadable", row.field, group=row.group, field=row.field, value=row.raw_value
            )
        costs_by_group.setdefault((row.source, row.group), []).append(row)
    for (source, group), rows in costs_by_group.items():
        cost = total(row.amount for row in rows if row.amount is not None)
        out = [
            document
            for document in left_out
            if document.source == source and any(key[0] == group for key in document.groups)
        ]
        own = total(_cost_of(document, group) for document in documents if document.source == source)
        if out and own != cost:
            behind = ", ".join(document.number for document in out[:MAX_NAMED])
            facts = {"expected": str(own), "found": str(cost), "behind": behind}
            raise DayRefusedError("day_cost_apart", "", group=group, kind=rows[0].name, **facts)
        yield GroupCost(
            group,
            rows[0].name,
            cost - total(_cost_of(document, group) for document in out),
            _single_number(row.account for row in rows),
            _single_number(row.stock_account for row in rows),
        )


def groups_without_cost(
    day: TillDay, groups: Mapping[tuple[str, str, str], VatSum], names: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the turnover groups with sales whose cost the till does not report."""
    keys_with_cost = {(cost.source, cost.group, code) for cost in day.costs for code in cost.codes or ("",)}
    rest = dict.fromkeys(
        key[1] for key, vat_sum in groups.items() if vat_sum and key not in keys_with_cost and key[1] in names
    )
    return tuple(f"{group} {names[group]}".strip() for group in sorted(rest))


def _cost_of(document: DayDocument, group: str) -> Decimal:
    """Return the cost of a document's lines of a turnover group, by purchase price, if its sale is on the day."""
    lines = [part.values for part in document.record.parts if part.kind is Kind.LINE and document.is_sold]
    own = [line for line in lines if turnover_group(line, "turnover_group") == group]
    return total(
        amount((optional_amount(line, "quantity") or NOTHING) * (optional_amount(line, "purchasePrice") or NOTHING))
        for line in own
    )


def _single_number(numbers: Iterator[str]) -> str:
    distinct_numbers = set(numbers)
    return distinct_numbers.pop() if len(distinct_numbers) == 1 else ""
