"""Why a document cannot be booked, as its issue tells it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from integration.core.issues import Issue
from integration.core.totals.difference import Verdict
from integration.core.totals.sold import Sale
from integration.core.totals.vat import NOTHING, VatSum
from integration.flows.orders.parties import BOOKS, Told
from integration.flows.settings import Parked

PAYMENTS = "payment_methods"


def expect_mapped(issues: Iterable[Issue], told: Told) -> None:
    """Raise Parked for the first thing a mapping could not do."""
    for issue in issues:
        facts = {**issue.facts, "document": told.title, "system": BOOKS}
        if facts.get("table") == PAYMENTS:
            raise Parked("payment_method_unmapped", issue.field, **facts, method=facts["value"])
        raise Parked(issue.cause, issue.field, **facts)


def books_differ(
    told: Told, sale: Sale, found: Verdict, field: str, limit: Decimal, theirs: Mapping[str, str]
) -> Parked:
    """Return why a document does not add up, with the first VAT code that differs.

    `theirs` names a code of the sale as the till does, where that is another one.
    """
    code, gap = next(iter(found.differences.items()), ("", VatSum()))
    sold = sale.sold.get(code, VatSum())
    basis = "incl" if gap.incl else "excl"
    expected, computed = (sold.incl, (sold - gap).incl) if gap.incl else (sold.excl, (sold - gap).excl)
    if not found.differences:  # the till contradicts itself
        expected, computed = sale.total_incl or NOTHING, sum((each.incl for each in sale.sold.values()), NOTHING)
    about = {f"rule_{name}": fact for name, fact in found.facts.items()}
    facts = {"difference": str(found.amount), "limit": str(limit), "basis": basis, "rule": found.rule}
    return Parked(
        "totals_differ", field, **about, **_compared(expected, computed, theirs.get(code, code), told), **facts
    )


def mapping_differs(told: Told, field: str, code: str, expected: VatSum, computed: VatSum) -> Parked:
    """Return why a document whose lines add up does not any more: the rules of the mapping made other amounts."""
    facts = {"difference": str((expected - computed).incl), "rule": "mapping"}
    return Parked("totals_differ", field, **_compared(expected.incl, computed.incl, code, told), **facts)


def _compared(expected: Decimal, computed: Decimal, code: str, told: Told) -> dict[str, str]:
    sums = {"expected": str(expected), "computed": str(computed), "found": str(computed)}
    return {"document": told.title, "code": code, **sums}
