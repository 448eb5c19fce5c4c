"""What a line of a plan changes, field by field and in one line of text; a document as a tree; and why each value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from integration.core.flow import Flow
from integration.core.plan import Action, Change
from integration.core.records import Kind, Record, Value
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Trace, TraceStep
from integration.core.run import PlanRow, Run
from integration.core.totals.booked import compared_in
from integration.services import Application
from integration.words import capital, has_term
from pages.components.shared.layout import answered, inline, mark, note, small
from pages.components.shared.tables import table
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    coded,
    counted,
    field_name,
    field_term,
    flow_text,
    number,
    plain,
    say,
    system_name,
    term,
    text,
    value_text,
)

SHOWN_FIELDS = 2
LONGEST = 24  # signs of a value that still fits into a line of the table
SHOWN_CODES = 2
SHOWN_PARTS = 8
LEVEL = "level.amount"
PRICES = ("article.price_incl", "article.price_excl")

Row = dict[str, str]  # one line of a table of plain text, by the captions of its columns
MarkdownRow = dict[Markdown, Markdown]  # one of a table that reads Markdown


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


# ---- why a field has its value --------------------------------------------------------------------------------------


def trace_rows(traces: Sequence[Trace]) -> list[Row]:
    """Return how values came about as a table: the field, each step with its result, the value."""
    rows, field, how, value = [], text("col_field"), text("col_how"), text("col_will_be")
    for trace in traces:
        path = " → ".join(_step(step) for step in trace.steps)
        if trace.issue is not None:
            path = " → ".join(part for part in (path, say(trace.issue.cause, trace.issue.facts).what) if part)
        rows.append({field: _named(trace.target), how: path, value: value_text(trace.value)})
    return rows


def why_of(
    app: Application,
    flow: str,
    keys: tuple[str, str],
    icon: str,
    about: str,
    width: int,
    mapping: RuleMapping | None = None,
) -> list[Trace] | None:
    """Ask for a record and return how its values come about: none with the reason on screen; None when not asked.

    `keys` are those of the field and of its button.
    """
    source, kept = system_name(app.flows[flow].source), f"{keys[0]}-of-{flow}"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        code = st.text_input(flow_text("why_of", flow, source=source), key=keys[0], width=width, autocomplete="off")
        if st.button(text("btn_show"), icon=f":material/{icon}:", key=keys[1]):
            st.session_state[kept] = (code or "").strip()
    asked_for = st.session_state.get(kept, "")
    if not asked_for:
        note(about)
        return None
    with st.spinner(text("why_wait")):
        found = answered(lambda: app.drafts.why(flow, asked_for, mapping))
    if found is not None and not found:
        note(flow_text("why_unknown", flow, source=source, code=plain(asked_for)))
    return found or []


def origin(row: PlanRow, flow: Flow, change: Change) -> None:
    """Say out of which records of the source a line was made, and as what the target knows it."""
    codes = [code for code in change.sources if code] or [row.key]
    more = f" +{len(codes) - SHOWN_CODES}" if len(codes) > SHOWN_CODES else ""
    shown = ", ".join(coded(code) for code in codes[:SHOWN_CODES])
    said = [text("plan_source", system=system_name(flow.source), codes=f"{shown}{more}")]
    if change.first_match:
        said.append(text("plan_first_match"))
    if row.reference:
        said.append(text("plan_reference", system=system_name(flow.target), reference=plain(row.reference)))
    note(" ".join(said))


def why(app: Application, run: Run, row: PlanRow) -> None:
    """Show how every value of a line came about: the source value, each function's result, the table row."""
    with st.spinner(text("why_wait")):
        shown = answered(lambda: app.plans.why(run.id, row.seq))
    if shown is None:
        return
    if not shown:
        note(text("why_empty"))
    for key, traces in list(shown.items())[:SHOWN_PARTS]:
        if len(shown) > 1:
            small(f"**{plain(key)}**")
        table(trace_rows(traces), text("btn_why"))


def _step(step: TraceStep) -> str:
    """Return what was done on one step, and what it gave: a field by its caption, anything else as the rule has it."""
    done = field_term(step.what) if has_term(f"field_{step.what}") else step.what
    return f"{done}: {value_text(step.value) or term('empty_value')}"


def _named(target: str) -> str:
    """Return the caption of a field; a level is called by its branch."""
    branch, _, field = target.partition("/")
    return text("branch_short", branch=branch) if field == "amount" else field_name(target)


# ---- a document as the tree it is -----------------------------------------------------------------------------------


DOCUMENTS = (Kind.SALES_ORDER, Kind.POSTING)
POINTERS = {"debtor": Kind.DEBTOR, "address": Kind.ADDRESS}
LINE_FIELDS = (
    "article",
    "account",
    "text",
    "quantity",
    "price",
    "discount_percent",
    "amount",
    "vat_code",
    "vat",
    "cost_centre",
)
REMEMBERED = frozenset({"documents", "debtor", "debtor_number"})  # of debtors and addresses, not written
BARE = ("quantity", "discount_percent")  # numbers without the decimals of money
MOST_LINES = 50


def document_tree(app: Application, run: Run, flow: Flow, row: PlanRow, change: Change) -> None:
    """Draw a document with everything it needs, in the order in which it is written."""
    values = {**change.agreed.values, **change.wanted.values}
    for name, kind in POINTERS.items():
        key = str(values.get(name) or "")
        if key:
            _needed(app, run, flow, kind, key)
        elif name == "debtor" and values.get("debtor_number"):
            with st.expander(_title(kind, text("debtor_fixed")), icon=":material/person:"):
                note(text("debtor_fixed_about", number=plain(values["debtor_number"])))
    lines = change.wanted.parts
    (kind_said,) = kinds_of([row])
    with st.expander(f"**{kind_said}** · {plain(row.title)}", expanded=True, icon=":material/draft:"):
        st.table(_head(change), border="horizontal", hide_index=True)
        if completed := values.get("completed"):
            names = ", ".join(field_name(name).lower() for name in _listed(completed))
            note(f":blue[:material/auto_fix_high:] {text('document_completed', fields=plain(names))}")
    with st.expander(f"**{counted('document_lines', len(lines))}**", expanded=True, icon=":material/list:"):
        st.table(line_table(lines[:MOST_LINES]), border="horizontal", hide_index=True)
        if len(lines) > MOST_LINES:
            note(text("and_more", number=number(len(lines) - MOST_LINES)))
    with st.expander(f"**{text('document_totals')}**", expanded=True, icon=":material/functions:"):
        totals(change.agreed, flow)


def known_as(row: PlanRow) -> tuple[str, str]:
    """Return the code and the name under which people know the record of a line.

    A document is known by its number and its customer, an address by what it says; both have keys for machines.
    """
    if row.kind in DOCUMENTS:
        customer = row.change.agreed.values.get("customer") if row.change else ""
        return row.title, value_text(customer)
    return ("", row.title) if row.kind is Kind.ADDRESS else (row.key, row.title)


def kinds_of(rows: Sequence[PlanRow]) -> list[Markdown]:
    """Return what the lines of one plan are about; where it writes trade invoices, its documents are called so."""
    invoices = any(row.change and row.change.wanted.values.get("trade_invoice") is True for row in rows)
    names = {Kind.SALES_ORDER: "kind_trade_invoice"} if invoices else {}
    return [text(names.get(row.kind) or f"kind_{row.kind}") for row in rows]


def needed_by(change: Change) -> None:
    """Say how many documents wait for a debtor or an address."""
    documents = change.agreed.values.get("documents")
    if isinstance(documents, tuple) and documents:
        note(counted("needed_by", len(documents)))


def _title(kind: Kind, name: Markdown) -> Markdown:
    return f"**{text(f'kind_{kind}')}** · {name}"


def _needed(app: Application, run: Run, flow: Flow, kind: Kind, key: str) -> None:
    """Draw a record that the document points to: as this plan writes it, or as the target has it already."""
    icon = ":material/person:" if kind is Kind.DEBTOR else ":material/local_shipping:"
    line = app.plans.line_about(run.id, kind, key)
    if line is not None:
        with st.expander(f"{_title(kind, plain(line.title))} {inline(str(line.action))}", icon=icon):
            if line.change is not None:
                st.table(_head(line.change), border="horizontal", hide_index=True)
            else:
                small(plain(say(line.cause, {"system": flow.target, "key": line.key, **line.facts}).what))
        return
    link = app.links.get(flow.name, kind, [key]).get(key)
    reference = link.reference if link else app.links.references(flow.name).reference(kind, key)
    known = link.agreed.values if link and link.agreed else {}
    name = value_text(known.get("name")) or value_text(known.get("street")) or reference or key
    with st.expander(f"{_title(kind, plain(name))} {inline('unchanged')}", icon=icon):
        note(text("needed_there", system=system_name(flow.target), reference=plain(reference or "–")))
        if known:
            st.table(_values(kind, known), border="horizontal", hide_index=True)


def _head(change: Change) -> list[MarkdownRow]:
    """Return the fields of the record itself; where it is there already, with what is there now."""
    wanted = {name: value for name, value in change.wanted.values.items() if name not in POINTERS}
    if change.before is None:
        return _values(change.kind, wanted)
    before = {name: change.before.values.get(name) for name in wanted}
    field, now, wanted_now = text("col_field"), text("col_now_short"), text("col_will_be")
    return [
        {
            field: plain(field_name(f"{change.kind}.{name}")),
            now: _shown(before[name]) if before[name] in (None, "") else f"~~{_shown(before[name])}~~",
            wanted_now: f"**{_shown(value)}**",
        }
        for name, value in wanted.items()
    ]


def _values(kind: Kind, values: Mapping[str, Value]) -> list[MarkdownRow]:
    shown = {name: value for name, value in values.items() if name not in REMEMBERED and value not in (None, "")}
    field, value_there = text("col_field"), text("col_value")
    return [{field: plain(field_name(f"{kind}.{name}")), value_there: _shown(value)} for name, value in shown.items()]


def _shown(value: Value) -> Markdown:
    return plain(value_text(value)) or f":gray[{text('empty_value')}]"


def line_table(lines: Sequence[Record]) -> list[MarkdownRow]:
    """Return the lines of a document as a table: only columns that a line has something for."""
    names = [name for name in LINE_FIELDS if any(line.values.get(name) not in (None, "") for line in lines)]
    captions = {name: plain(field_name(f"line.{name}")) for name in names}

    def cell(name: str, value: Value) -> Markdown:
        if isinstance(value, Decimal):
            return number(value) if name in BARE else amount_text(value)
        return plain(value_text(value))

    return [
        {text("col_line"): plain(line.key), **{captions[name]: cell(name, line.values.get(name)) for name in names}}
        for line in lines
    ]


def _listed(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),) if value else ()


# ---- the sums -------------------------------------------------------------------------------------------------------


def totals(document: Record, flow: Flow) -> None:
    """Show what was sold beside what is booked, per VAT code and in all, and what a difference comes from."""
    values = document.values
    columns = (" ", system_name(flow.source), system_name(flow.target), text("col_difference"))
    rows = [dict(zip(columns, cells, strict=True)) for cells in _sums(document)]
    st.table(rows, border="horizontal", hide_index=True)
    rounding, rule = values.get("rounding"), str(values.get("rounding_rule") or "")
    booked = values.get("booked_incl")
    if isinstance(rounding, Decimal) and rounding:
        why = term(f"rule_{rule}") if has_term(f"rule_{rule}") else plain(rule)
        note(f":orange[:material/balance:] {text('document_rounding', amount=amount_text(rounding), why=why)}")
    elif isinstance(booked, Decimal) and booked == values.get("sold_incl"):
        note(f"{mark('ok')} {text('document_adds_up')}")


def _sums(document: Record) -> Iterator[list[Markdown]]:
    values = document.values
    for one in compared_in(document):
        base, vat = (one.booked.excl, one.booked.vat) if one.booked else (None, None)
        yield _sum(text("sum_base", code=plain(one.code)), one.sold.excl, base)
        yield _sum(text("sum_vat", code=plain(one.code)), one.sold.vat, vat)
    if "sold_excl" in values:
        yield _sum(text("sum_excl"), values.get("sold_excl"), values.get("booked_excl"))
    total = _sum(text("sum_incl"), values.get("sold_incl"), values.get("booked_incl"))
    yield [f"**{cell}**" if cell else "" for cell in total]


def _sum(title: Markdown, sold: Value, booked: Value) -> list[Markdown]:
    apart = sold - booked if isinstance(sold, Decimal) and isinstance(booked, Decimal) else None
    return [title, *(amount_text(one) if isinstance(one, Decimal) else "" for one in (sold, booked, apart))]
