"""A document as a tree: the records it needs, its head, its lines, and its totals in both systems."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import streamlit as st

from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.plan import Change
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind, Record, RecordType, Value
from integration.core.run import Run
from integration.core.states import Step
from integration.core.totals.booked import comparison_in
from integration.words import has_term
from pages.components.shared.layout import inline, mark, note, small
from pages.components.shared.rows import field_text, vat_label
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    field_name,
    kind_name,
    number,
    plain,
    quantity_text,
    say,
    struck,
    system_name,
    term,
    text,
    value_text,
)

MarkdownRow = dict[Markdown, Markdown]  # a row of a table that renders Markdown

BOOKED = frozenset(
    {RecordType.DOCUMENT, RecordType.PAGE, RecordType.PAYMENT}
)  # types of records that have an amount and a date
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
# Values that the console stores to recognise a record, and does not write to the target.
REMEMBERED = frozenset(
    {
        "documents", "debtor", "debtor_number", "sold", "sold_on", "shares", "beside", "same_sale", "dismissed_entries",
        "totals", "costs", "groups_without_cost", "reference_before", "completed", "with_payments", "rounding_rule",
    }
)  # fmt: skip
BARE = ("quantity", "discount_percent")  # numbers that are not amounts of money and keep their own decimals
MAX_LINES = 50


def document_tree(app: Application, run: Run, flow: Flow, row: PlanRow, change: Change) -> None:
    """Draw a document with all records it needs, in the order in which they are written."""
    values = {**change.agreed.values, **change.desired.values}
    for name, kind in POINTERS.items():
        key = str(values.get(name) or "")
        if key:
            _needed_record(app, run, flow, kind, key)
        elif name == "debtor" and values.get("debtor_number"):
            with st.expander(_title(kind, text("debtor_fixed")), icon=":material/person:"):
                note(text("debtor_fixed_about", number=plain(values["debtor_number"])))
    lines = change.desired.parts
    (kind_said,) = kinds_of([row])
    with st.expander(f"**{kind_said}** · {plain(row.title)}", expanded=True, icon=":material/draft:"):
        st.table(_head_rows(app, flow, change, row.step), border="horizontal", hide_index=True)
        if completed := values.get("completed"):
            names = ", ".join(field_name(name).lower() for name in _value_tuple(completed))
            note(f":blue[:material/auto_fix_high:] {text('document_completed', fields=plain(names))}")
    with st.expander(f"**{quantity_text('document_lines', len(lines))}**", expanded=True, icon=":material/list:"):
        st.table(line_table(app, flow, lines[:MAX_LINES]), border="horizontal", hide_index=True)
        if len(lines) > MAX_LINES:
            note(text("and_more", number=number(len(lines) - MAX_LINES)))
    with st.expander(f"**{text('document_totals')}**", expanded=True, icon=":material/functions:"):
        totals_table(app, change.agreed, flow)


def code_and_name(row: PlanRow) -> tuple[str, str]:
    """Return the code and the name under which people know the record of a line.

    A document or payment is known by its number and customer, an address by its text, because their keys are technical.
    """
    if row.kind.type in (RecordType.DOCUMENT, RecordType.PAYMENT):
        values = row.change.agreed.values if row.change else row.facts
        return row.title, value_text(values.get("customer") or values.get("debtor_number"))
    return ("", row.title) if row.kind is Kind.ADDRESS or row.kind.type is RecordType.PAGE else (row.key, row.title)


def kinds_of(rows: Sequence[PlanRow]) -> list[Markdown]:
    """Return the kinds of record in the lines of one plan. Documents of a plan with trade invoices are called so."""
    invoices = any(row.change and row.change.desired.values.get("trade_invoice") is True for row in rows)
    names = {Kind.SALES_ORDER: "trade_invoice"} if invoices else {}
    return [kind_name(names.get(row.kind, row.kind)) for row in rows]


def show_dependent_documents(change: Change) -> None:
    """Show how many documents need this debtor or address."""
    documents = change.agreed.values.get("documents")
    if isinstance(documents, tuple) and documents:
        note(quantity_text("needed_by", len(documents)))


def _title(kind: Kind, name: Markdown) -> Markdown:
    return f"**{kind_name(kind)}** · {name}"


def _needed_record(app: Application, run: Run, flow: Flow, kind: Kind, key: str) -> None:
    """Draw a record that a document refers to, as this plan writes it or as the target already has it."""
    icon = ":material/person:" if kind is Kind.DEBTOR else ":material/local_shipping:"
    line = app.plans.line_about(run.id, kind, key)
    if line is not None:
        with st.expander(f"{_title(kind, plain(line.title))} {inline(str(line.action))}", icon=icon):
            if line.change is not None:
                st.table(_head_rows(app, flow, line.change, line.step), border="horizontal", hide_index=True)
            else:
                small(plain(say(line.cause, {"system": flow.target, "key": line.key, **line.facts}).problem))
        return
    link = app.links.get(flow.name, kind, [key]).get(key)
    reference = link.reference if link else app.links.references(flow.name).reference(kind, key)
    agreed_values = link.agreed.values if link and link.agreed else {}
    name = value_text(agreed_values.get("name")) or value_text(agreed_values.get("street")) or reference or key
    with st.expander(f"{_title(kind, plain(name))} {inline('unchanged')}", icon=icon):
        reference_fact = {"reference": plain(reference)} if reference else {}
        note(
            text(
                "needed_there" if reference_fact else "needed_there_unnamed",
                system=system_name(flow.target),
                **reference_fact,
            )
        )
        if agreed_values:
            st.table(_values(app, flow, kind, agreed_values), border="horizontal", hide_index=True)


def sides(step: Step) -> tuple[Markdown, Markdown]:
    """Return the column headings for the old and the new value; a proven change has its own pair."""
    return (text("col_was"), text("col_is")) if step is Step.PROVEN else (text("col_now"), text("col_will_be"))


def _head_rows(app: Application, flow: Flow, change: Change, step: Step) -> list[MarkdownRow]:
    """Return the fields of the head of a record, with the current values if the target already has the record."""
    wanted_values = {name: value for name, value in change.desired.values.items() if name not in POINTERS}
    if change.before is None:
        return _values(app, flow, change.kind, wanted_values)
    before = {name: change.before.values.get(name) for name in wanted_values}
    field, (now, wanted_now) = text("col_field"), sides(step)
    paths = {name: f"{change.kind}.{name}" for name in wanted_values}
    return [
        {
            field: plain(field_name(path)),
            now: struck(displayed)
            if (displayed := field_text(app, flow.target, path, before[name]))
            else _value_markdown(displayed),
            wanted_now: f"**{_value_markdown(field_text(app, flow.target, path, wanted_values[name]))}**",
        }
        for name, path in paths.items()
    ]


def _values(app: Application, flow: Flow, kind: Kind, values: Mapping[str, Value]) -> list[MarkdownRow]:
    values_by_path = {f"{kind}.{name}": value for name, value in values.items() if name not in REMEMBERED}
    displayed_values = {
        path: field_text(app, flow.target, path, value)
        for path, value in values_by_path.items()
        if value not in (None, "")
    }
    field, value_there = text("col_field"), text("col_value")
    return [
        {field: plain(field_name(path)), value_there: _value_markdown(displayed)}
        for path, displayed in displayed_values.items()
    ]


def _value_markdown(displayed: str) -> Markdown:
    return plain(displayed) or f":gray[{text('empty_value')}]"


def line_table(app: Application, flow: Flow, lines: Sequence[Record]) -> list[MarkdownRow]:
    """Return the lines of a document as a table, with article names and without columns that are entirely empty."""
    articles = app.plans.article_names([str(line.values["article"]) for line in lines if line.values.get("article")])
    names = [name for name in LINE_FIELDS if any(line.values.get(name) not in (None, "") for line in lines)]
    captions = {name: plain(field_name(f"line.{name}")) for name in names}

    def cell(name: str, value: Value) -> Markdown:
        if isinstance(value, Decimal):
            return number(value) if name in BARE else amount_text(value)
        if name == "article" and (article_name := articles.get(str(value))):
            return f"{plain(value)} :small[:gray[{plain(article_name)}]]"
        return plain(field_text(app, flow.target, name, value))

    return [
        {text("col_line"): plain(line.key), **{captions[name]: cell(name, line.values.get(name)) for name in names}}
        for line in lines
    ]


def _value_tuple(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),) if value else ()


# ---- totals ---------------------------------------------------------------------------------------------------------


def totals_table(app: Application, document: Record, flow: Flow) -> None:
    """Draw the totals of the sale beside the booked ones, per VAT code and overall, with the cause of a difference."""
    values = document.values
    columns = (" ", system_name(flow.source), system_name(flow.target), text("col_difference"))
    rows = [dict(zip(columns, cells, strict=True)) for cells in _sums(app, document, flow)]
    st.table(rows, border="horizontal", hide_index=True)
    rounding, rule = values.get("rounding"), str(values.get("rounding_rule") or "")
    booked = values.get("booked_incl")
    if isinstance(rounding, Decimal) and rounding:
        why = term(f"rule_{rule}") if has_term(f"rule_{rule}") else plain(rule)
        note(f":orange[:material/balance:] {text('document_rounding', amount=amount_text(rounding), why=why)}")
    elif isinstance(booked, Decimal) and booked == values.get("sold_incl"):
        note(f"{mark('ok')} {text('document_adds_up')}")
    paid, rest = values.get("paid"), values.get("open")
    if isinstance(paid, Decimal) and isinstance(rest, Decimal):
        note(text("document_paid", paid=amount_text(paid), open=amount_text(rest)))


def _sums(app: Application, document: Record, flow: Flow) -> Iterator[list[Markdown]]:
    values = document.values
    for vat_comparison in comparison_in(document):
        base, vat = (vat_comparison.booked.excl, vat_comparison.booked.vat) if vat_comparison.booked else (None, None)
        code = plain(vat_label(app, flow.source, vat_comparison.code))
        yield _sum(text("sum_base", code=code), vat_comparison.sold.excl, base)
        yield _sum(text("sum_vat", code=code), vat_comparison.sold.vat, vat)
    if "sold_excl" in values:
        yield _sum(text("sum_excl"), values.get("sold_excl"), values.get("booked_excl"))
    total = _sum(text("sum_incl"), values.get("sold_incl"), values.get("booked_incl"))
    yield [f"**{cell}**" if cell else "" for cell in total]


def _sum(title: Markdown, sold: Value, booked: Value) -> list[Markdown]:
    apart = sold - booked if isinstance(sold, Decimal) and isinstance(booked, Decimal) else None
    return [title, *(amount_text(amount) if isinstance(amount, Decimal) else "" for amount in (sold, booked, apart))]
