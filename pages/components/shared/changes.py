"""What a line of a plan changes: field by field, and in one line of text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from integration.core.plan import Action, Change
from integration.core.records import Kind, Value
from integration.core.run import PlanRow
from integration.words import capital
from pages.components.shared.wording import (
    amount_text,
    counted,
    field_term,
    number,
    say,
    term,
    text,
    value_text,
)

SHOWN_FIELDS = 2
LONGEST = 24  # signs of a value that still fits into a line of the table
LEVEL = "level.amount"
PRICES = ("article.price_incl", "article.price_excl")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a change: where it stands, its name, what the target holds and what it will hold."""

    part: str
    field: str
    now: Value
    wanted: Value
    there: bool  # the target has the record the field belongs to


def field_changes(change: Change) -> Iterator[FieldChange]:
    """Yield the fields a change writes, in the order of the record."""
    before = change.before.flat() if change.before else {}
    known = {part.key for part in change.before.parts} if change.before else set()
    for path, name, wanted in change.wanted.fields():
        part = path.rpartition("/")[0]
        there = change.before is not None and (not part or part in known or path in before)
        yield FieldChange(part, name, before.get(path), wanted, there)


def what_changes(row: PlanRow, *, undone: bool = False, system: str = "") -> str:
    """Return the change of a line in one line of text, or why there is none, or why the target did not get it.

    `undone` in a plan that takes back; `system` is where the plan goes.
    """
    change = row.change
    if change is None or row.cause:
        return say(row.cause, {"system": system, **row.facts}).what if row.cause else ""
    if change.action is Action.RETIRE:
        return text("plan_withdrawn") if undone else counted("plan_retires", max(1, len(change.wanted.parts)))
    if change.action is Action.CREATE:
        return NEW.get(change.kind, _what_is_new)(change)
    each = {(_short_name(one), value_text(one.now), value_text(one.wanted)): one for one in field_changes(change)}
    lines = sorted(each.values(), key=lambda one: (one.field not in PRICES, _is_long(one)))  # long texts last
    shown = [f"{_short_name(one)} {_short(one)}" for one in lines[:SHOWN_FIELDS]]
    if len(lines) > SHOWN_FIELDS:
        shown.append(f"+{len(lines) - SHOWN_FIELDS}")
    return capital(" · ".join(shown))


def _short_name(line: FieldChange) -> str:
    return term("branch_short", branch=line.part) if line.field == LEVEL else field_term(line.field)


def _is_long(line: FieldChange) -> bool:
    return max(len(value_text(line.now)), len(value_text(line.wanted))) > LONGEST


def _short(line: FieldChange) -> str:
    if _is_long(line):
        return term("plan_text_changes")
    old, new = (value_text(value) or term("empty_value") for value in (line.now, line.wanted))
    return f"{old} → {new}" if line.there else new


def _what_is_new(change: Change) -> str:
    parts = change.wanted.parts
    prices = [value for part in parts for _, name, value in part.fields() if name in PRICES]
    price = next((value_text(one) for one in prices if isinstance(one, Decimal)), "")
    if len(parts) > 1:
        return text("plan_new_variants", variants=counted("article", len(parts)), price=price or "–")
    if price:
        return text("plan_new_article", price=price)
    return text("plan_new_record", fields=number(len(change.wanted.values)))


def _new_party(change: Change) -> str:
    """Return what a new debtor, relation or address is recognised by."""
    told = [value_text(change.wanted.values.get(name)) for name in ("street", "city", "email")]
    return text("plan_new_party", about=", ".join(one for one in told if one) or "–")


def _new_document(change: Change) -> str:
    """Return what a new document comes to."""
    sold = change.agreed.values.get("sold_incl")
    total = amount_text(sold) if isinstance(sold, Decimal) else "–"
    return text("plan_new_document", lines=counted("document_lines", len(change.wanted.parts)), total=total)


# How a new record is told in one line, where it is told by more than the number of its fields.
NEW: Mapping[Kind, Callable[[Change], str]] = {
    Kind.DEBTOR: _new_party,
    Kind.RELATION: _new_party,
    Kind.ADDRESS: _new_party,
    Kind.SALES_ORDER: _new_document,
    Kind.POSTING: _new_document,
}
