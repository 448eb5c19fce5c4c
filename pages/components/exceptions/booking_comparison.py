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

MAX_LINES = 20  # lines of a document that are shown
FOUND = "found_"  # prefix of facts about the document that was found under the reference of another
COMPARED = ("date", "customer", "branch", "amount", "articles", "till_id")


def is_of_document(group: CauseGroup) -> bool:
    """Return True if the records of a group are documents that a person decides about."""
    return bool(group.facts.get("source") and group.facts.get("mark"))


def both_sides(app: Application, group: CauseGroup, open_issue: OpenIssue) -> None:
    """Draw the booked document beside the current one, with differences in red."""
    if any(name.startswith(FOUND) for name in open_issue.issue.facts):
        _other_document(app, group, open_issue.issue.facts)
        return
    name = f"both {group.flow} {open_issue.issue.key} {open_issue.issue.facts.get('mark', '')}"
    version_list = ask_live(app, name, lambda: [app.documents.document_versions(group.flow, open_issue.issue.key)])
    versions = version_list[0] if version_list else None
    if versions is None:
        note(text("beside_gone"))
        return
    comparison = compare_versions(versions)
    source = system_name(app.flows[group.flow].source)
    sides = (text("beside_booked"), text("beside_now", system=source))
    _draw_difference(comparison)
    st.table([_fact_row(fact, sides) for fact in comparison.header], border="horizontal", hide_index=True)
    if versions.issue is not None:
        note(f"{mark('parked')} {plain(say(versions.issue.cause, versions.issue.facts).problem)}")
    elif versions.now is None:
        note(f"{mark('parked')} {text('beside_cancelled', system=source)}")
    if comparison.lines:
        st.table(_lines(comparison.lines[:MAX_LINES], sides), border="horizontal", hide_index=True)
    if len(comparison.lines) > MAX_LINES:
        note(text("and_more", number=number(len(comparison.lines) - MAX_LINES)))


def _other_document(app: Application, group: CauseGroup, facts: Mapping[str, str]) -> None:
    """Draw an unbooked document beside the one that has its reference, with the facts of their comparison."""
    flow = app.flows[group.flow]
    sides = (system_name(flow.source), system_name(flow.target))
    pairs = {"number": (facts.get("document", ""), facts.get("number", ""))}
    pairs |= {name: (facts.get(name, ""), facts.get(FOUND + name, "")) for name in COMPARED}
    rows = []
    for name, pair in pairs.items():
        fact_texts = [fact_text(name, value) for value in pair]
        differs = name != "number" and pair[0] != pair[1]
        cells = (
            _difference_text(value, differs=differs) if value else f":gray[{text('empty_value')}]"
            for value in fact_texts
        )
        rows.append({" ": text(f"beside_{name}"), **dict(zip(sides, cells, strict=True))})
    st.table(rows, border="horizontal", hide_index=True)


def _draw_difference(comparison: BookingComparison) -> None:
    if comparison.difference:
        sign = "beside_more" if comparison.difference > 0 else "beside_less"
        small(f"{mark('failed')} **{text(sign, amount=amount_text(abs(comparison.difference)))}**")
    else:
        small(f"{mark('ok')} {text('beside_equal')}")


def _fact_row(fact: FactPair, sides: tuple[Markdown, Markdown]) -> dict[Markdown, Markdown]:
    cells = (_difference_text(_side_text(value), differs=fact.differs) for value in (fact.booked, fact.now))
    return {" ": text(f"beside_{fact.name}"), **dict(zip(sides, cells, strict=True))}


def _lines(pairs: Sequence[LinePair], sides: tuple[Markdown, Markdown]) -> list[dict[Markdown, Markdown]]:
    return [
        {
            text("col_line"): plain(_pair_name(line_pair)),
            sides[0]: _difference_text(_line(line_pair.booked), differs=line_pair.differs),
            sides[1]: _difference_text(_line(line_pair.now), differs=line_pair.differs),
            text("col_difference"): _difference_text(amount_text(line_pair.difference), differs=True)
            if line_pair.difference
            else "",
        }
        for line_pair in pairs
    ]


def _pair_name(pair: LinePair) -> str:
    line_names = [line_name(side) for side in (pair.booked, pair.now) if side is not None]
    return " → ".join(dict.fromkeys(line_names))


def _line(line: Record | None) -> str:
    """Return the amount of a line: quantity and price of an order line, amount and VAT of a posting line."""
    if line is None:
        return "–"
    quantity, price, vat = (line.values.get(name) for name in ("quantity", "price", "vat"))
    total = amount_text(line_amount(line))
    if isinstance(quantity, Decimal) and isinstance(price, Decimal):
        return f"{number(quantity)} × {amount_text(price)} = {total}"
    return f"{total} + {amount_text(vat)}" if isinstance(vat, Decimal) and vat else total


def _side_text(value: Value) -> str:
    return amount_text(value) if isinstance(value, Decimal) else value_text(value) or "–"


def _difference_text(cell_text: str, *, differs: bool) -> Markdown:
    return f":red[**{plain(cell_text)}**]" if differs else plain(cell_text)
