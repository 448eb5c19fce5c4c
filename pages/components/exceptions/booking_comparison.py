"""A booked document beside the current one in the till: facts, lines, and the difference in money."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from integration.application.application import Application
from integration.core.booking_comparison import (
    BookingComparison,
    FactPair,
    LinePair,
    compare_versions,
    line_amount,
    line_name,
)
from integration.core.issues import CauseGroup, OpenIssue
from integration.core.records import Record, Value
from pages.components.shared.layout import ask_live, mark, note, small
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    fact_text,
    number,
    plain,
    say,
    system_name,
    text,
    value_text,
)

MOST_LINES = 20  # lines of a document that are shown
FOUND = "found_"  # prefix of facts about the document that was found under the reference of another
COMPARED = ("date", "customer", "branch", "amount", "articles", "till_id")


def is_of_document(group: CauseGroup) -> bool:
    """Return True if the records of a group are documents that a person decides about."""
    return bool(group.facts.get("source") and group.facts.get("mark"))


def both_sides(app: Application, group: CauseGroup, one: OpenIssue) -> None:
    """Draw the booked document beside the current one, with differences in red."""
    if any(name.startswith(FOUND) for name in one.issue.facts):
        _another(app, group, one.issue.facts)
        return
    name = f"both {group.flow} {one.issue.key} {one.issue.facts.get('mark', '')}"
    found = ask_live(app, name, lambda: [app.documents.both(group.flow, one.issue.key)])
    both = found[0] if found else None
    if both is None:
        note(text("beside_gone"))
        return
    there = compare_versions(both)
    source = system_name(app.flows[group.flow].source)
    sides = (text("beside_booked"), text("beside_now", system=source))
    _difference(there)
    st.table([_fact(one, sides) for one in there.header], border="horizontal", hide_index=True)
    if both.why is not None:
        note(f"{mark('parked')} {plain(say(both.why.cause, both.why.facts).what)}")
    elif both.now is None:
        note(f"{mark('parked')} {text('beside_cancelled', system=source)}")
    if there.lines:
        st.table(_lines(there.lines[:MOST_LINES], sides), border="horizontal", hide_index=True)
    if len(there.lines) > MOST_LINES:
        note(text("and_more", number=number(len(there.lines) - MOST_LINES)))


def _another(app: Application, group: CauseGroup, facts: Mapping[str, str]) -> None:
    """Draw an unbooked document beside the one that has its reference, with the facts of their comparison."""
    flow = app.flows[group.flow]
    sides = (system_name(flow.source), system_name(flow.target))
    pairs = {"number": (facts.get("document", ""), facts.get("number", ""))}
    pairs |= {name: (facts.get(name, ""), facts.get(FOUND + name, "")) for name in COMPARED}
    rows = []
    for name, pair in pairs.items():
        said = [fact_text(name, one) for one in pair]
        differs = name != "number" and pair[0] != pair[1]
        cells = (_marked(one, differs=differs) if one else f":gray[{text('empty_value')}]" for one in said)
        rows.append({" ": text(f"beside_{name}"), **dict(zip(sides, cells, strict=True))})
    st.table(rows, border="horizontal", hide_index=True)


def _difference(there: BookingComparison) -> None:
    if there.difference:
        sign = "beside_more" if there.difference > 0 else "beside_less"
        small(f"{mark('failed')} **{text(sign, amount=amount_text(abs(there.difference)))}**")
    else:
        small(f"{mark('ok')} {text('beside_equal')}")


def _fact(one: FactPair, sides: tuple[Markdown, Markdown]) -> dict[Markdown, Markdown]:
    cells = (_marked(_written(value), differs=one.differs) for value in (one.booked, one.now))
    return {" ": text(f"beside_{one.name}"), **dict(zip(sides, cells, strict=True))}


def _lines(pairs: Sequence[LinePair], sides: tuple[Markdown, Markdown]) -> list[dict[Markdown, Markdown]]:
    return [
        {
            text("col_line"): plain(_name(one)),
            sides[0]: _marked(_line(one.booked), differs=one.differs),
            sides[1]: _marked(_line(one.now), differs=one.differs),
            text("col_difference"): _marked(amount_text(one.difference), differs=True) if one.difference else "",
        }
        for one in pairs
    ]


def _name(pair: LinePair) -> str:
    named = [line_name(side) for side in (pair.booked, pair.now) if side is not None]
    return " → ".join(dict.fromkeys(named))


def _line(line: Record | None) -> str:
    """Return the amount of a line: quantity and price of an order line, amount and VAT of a posting line."""
    if line is None:
        return "–"
    quantity, price, vat = (line.values.get(name) for name in ("quantity", "price", "vat"))
    total = amount_text(line_amount(line))
    if isinstance(quantity, Decimal) and isinstance(price, Decimal):
        return f"{number(quantity)} × {amount_text(price)} = {total}"
    return f"{total} + {amount_text(vat)}" if isinstance(vat, Decimal) and vat else total


def _written(value: Value) -> str:
    return amount_text(value) if isinstance(value, Decimal) else value_text(value) or "–"


def _marked(said: str, *, differs: bool) -> Markdown:
    return f":red[**{plain(said)}**]" if differs else plain(said)
