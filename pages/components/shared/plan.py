"""A plan on screen: its filters, its lines, and the detail of a line with every changed field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.days.corrections import page_lines
from integration.core.days.report import GROUPS_WITHOUT_COST, notes_of_groups_without_cost
from integration.core.flow import Flow
from integration.core.plan import Change
from integration.core.plan_lines import LineFilter, PlanRow
from integration.core.records import Kind, RecordType, Value
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.source_values import is_cut
from integration.flows.settings import TILL
from integration.services.daybooks.day_sheets import finding_text
from integration.services.runs.documents import Documents
from integration.services.runs.runs import PLAN_COLUMNS
from integration.words import fact_names, has_term
from pages.components.shared.application import guarded, may, may_open, person
from pages.components.shared.changes import SHOWN_PARTS, FieldChange, field_changes, origin
from pages.components.shared.column_widths import BESIDE
from pages.components.shared.day_page import narrow_day_page
from pages.components.shared.documents import code_and_name, document_tree, show_dependent_documents, sides
from pages.components.shared.downloads import downloads
from pages.components.shared.explanation import draw_explanation
from pages.components.shared.flows import repairs, show_plan, try_again_label
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import (
    THIRD,
    attempt,
    badge,
    clear_address,
    clear_search,
    empty,
    no_match,
    note,
    page_offset,
    pages,
    select_input,
    small,
)
from pages.components.shared.pictures import small_pictures
from pages.components.shared.plan_frame import WRITTEN, plan_columns, plan_frame
from pages.components.shared.plan_selection import choose_shown, ticked_table
from pages.components.shared.rows import field_text, named_facts
from pages.components.shared.tables import browse
from pages.components.shared.wording import (
    Markdown,
    field_name,
    language,
    number,
    percentage,
    plain,
    quantity_text,
    say,
    struck,
    system_name,
    term,
    text,
    value_text,
)

WITH_FIELDS = ("all", "update", "retire")
WITH_GROUPS = ("all", "create", "update", "retire", "park", "skip")
WITH_CAUSES = ("all", "park", "skip", "parked")
FACETS = ("field", "group", "cause")
PAGE = 500
BOOKING_REVERSED = "booking_reversed"  # cause of a document whose undone booking can be booked again
Said = Callable[[FieldChange, Value], str]  # formats the value of a field
GROUP_FIELDS = ("product.groups", "group.parent")


def facet_filters(app: Application, run: Run, show: str) -> LineFilter:
    """Draw the filters that distinguish the shown lines, and return the chosen filter."""
    facet_counts = app.plans.facets(run.id, show)
    facet_names = {
        "field": {name: field_name(name) for name in facet_counts["field"]} if show in WITH_FIELDS else {},
        "group": _groups(app, run, facet_counts["group"]) if show in WITH_GROUPS else {},
        "cause": {cause: _cause(app, run, cause) for cause in facet_counts["cause"]} if show in WITH_CAUSES else {},
    }
    grouped_by = app.flows[run.flow].counted_stage.grouped_by  # article groups, countries, branches
    words = {"group": grouped_by if has_term(f"filter_{grouped_by}") else "group"}
    return LineFilter(
        **{name: _facet_choice(name, words.get(name, name), facet_names[name], facet_counts[name]) for name in FACETS}
    )


def _facet_choice(name: str, word: str, captions: Mapping[str, str], counts: Mapping[str, int]) -> str:
    """Draw one filter if it has more than one option, and return the chosen code."""
    if len(captions) <= 1 and st.query_params.get(name, "") not in captions:
        return ""
    options = {
        "": text(f"any_{word}"),
        **{code: f"{caption} ({number(counts[code])})" for code, caption in captions.items()},
    }
    if st.session_state.get(f"_{name}", "") not in options:
        del st.session_state[f"_{name}"]
    return select_input(name, options, text(f"filter_{word}"), no_longer=("page", "record"))


def _groups(app: Application, run: Run, codes: Mapping[str, int]) -> dict[str, str]:
    of = app.flows.spec(run.flow).groups
    names = (
        app.lists.captions(of.system, of.name)
        if of is not None
        else app.plans.group_names(run.flow, list(codes), run.id)
    )
    return {code: f"{code} · {names[code]}" if names.get(code) else code for code in codes}


def _cause(app: Application, run: Run, cause: str) -> str:
    """Return the sentence of a cause with placeholders for the facts of a record."""
    facts = {**dict.fromkeys(fact_names(cause), "…"), "system": app.flows[run.flow].target, "flow": run.flow}
    return say(cause, facts).problem


# ---- the table --------------------------------------------------------------------------------------------------


def plan_table(
    app: Application, run: Run, rows: Sequence[PlanRow], show: str, name: str, *, ticks: bool
) -> PlanRow | None:
    """Draw the lines of a plan and return the selected line.

    Ticks choose the changes to write; a click or the arrow keys select a line. `name` distinguishes this list from the
    other lists of the plan.
    """
    frame = plan_frame(app, run, rows, show)
    columns, key = plan_columns(frame, show), f"plan-{run.id}-{name}"
    if ticks:
        at = ticked_table(app, run, rows, frame, columns, key, WRITTEN)
    else:
        at = browse(frame, columns, key, text("plan_table"), WRITTEN, BESIDE)
    if at is not None:
        st.query_params["record"] = str(rows[at].seq)
        return rows[at]
    wanted_record = st.query_params.get("record", "")
    return next((row for row in rows if str(row.seq) == wanted_record), rows[0] if rows else None)


def plan_lines(
    app: Application,
    run: Run,
    show: str,
    find: str,
    none: Markdown,
    *,
    ticks: bool = False,
    below: Callable[[], None] = lambda: None,
    at: DeltaGenerator | None = None,
) -> None:
    """Draw the lines of a plan, with filters above and the detail beside them. `none` explains an empty list.

    `below` draws the content under the list. `at` is the container for the download of the lines.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        among = facet_filters(app, run, show)
    if at is not None:
        downloads(
            f"{run.flow}-{run.id[:8]}-{show}",
            lambda: rows_in(PLAN_COLUMNS, list(app.plans.listed(run.id, show, find, among))),
            at=at,
        )
    lines = app.plans.count(run.id, show, find, among)
    if lines:
        offset = page_offset("page", lines, PAGE)
        rows = app.plans.rows(run.id, show, find, offset, PAGE, among)
        name = "-".join([show, find, *astuple(among), str(offset), str(st.session_state.get("ticks_round", 0))])
        with st.grid(3, min_column_width=THIRD) as grid:
            with grid.cell(column_span=2):
                looked_at = plan_table(app, run, rows, show, name, ticks=ticks)
                pages("page", lines, PAGE)
                if ticks:
                    note(text("ticks_about"))
                    choose_shown(app, run, show, find, among)
                below()
            with grid.cell():
                if looked_at is not None:
                    plan_detail(app, run, app.flows[run.flow], looked_at)
    elif not find and among == LineFilter():
        empty("task_alt", text(f"none_{show}"), none)
    elif no_match(
        text("nothing_found", find=plain(find)) if find else text("nothing_filtered"), text("nothing_found_about")
    ):
        clear_address(*FACETS, "page", "record")
        clear_search()


# ---- one line -----------------------------------------------------------------------------------------------------


def plan_detail(app: Application, run: Run, flow: Flow, row: PlanRow) -> None:
    """Draw one plan line: the old and new value of each field, or the reason why nothing is written."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(' · '.join(part for part in code_and_name(row) if part))}**", width="content")
            badge(str(row.action))
        if row.change is None or row.cause:  # a change can have a cause too: the reason why it was not written
            _reason(app, run, flow, row)
        if row.change is not None:
            _draw_change(app, run, flow, row, row.change)
            origin(app, row, flow, row.change)
        with st.container(horizontal=True, gap="small"):
            if st.button(text("btn_why"), icon=":material/account_tree:", type="tertiary", key="why"):
                st.session_state["ask_why"] = (run.id, row.seq)
            if may_open("logs") and st.button(
                text("btn_history"), icon=":material/timeline:", type="tertiary", key="history"
            ):
                st.switch_page("pages/logs.py", query_params={"record": f"{run.flow}:{row.key}"})
    if st.session_state.pop("ask_why", None) == (run.id, row.seq):
        dialog = st.dialog(text("why_title", title=plain(row.title)), width="large", icon=":material/account_tree:")
        dialog(guarded(draw_explanation))(app, run, row)


def _draw_change(app: Application, run: Run, flow: Flow, row: PlanRow, change: Change) -> None:
    if change.kind is Kind.DAY_PAGE:
        page = change.agreed
        gross = page.values.get("gross") is True
        narrow_day_page(app, flow.target, page_lines(page), row.title, gross=gross)
        turnover_groups = page.values.get(GROUPS_WITHOUT_COST)
        for cost_note in notes_of_groups_without_cost(turnover_groups) if isinstance(turnover_groups, tuple) else ():
            note(plain(finding_text(cost_note, language(), {})))
        return
    if change.kind.type is RecordType.DOCUMENT:
        document_tree(app, run, flow, row, change)
        return
    branches = app.lists.captions(TILL.system, "branches") if change.kind is Kind.STOCK else {}
    groups = _group_names(app, run, change)
    if change.kind is Kind.PICTURE:
        small_pictures(app, change, row.step)
    _fields(row, change, flow, lambda line, value: _value_display(app, flow, groups, line, value), branches)
    show_dependent_documents(change)


def _reason(app: Application, run: Run, flow: Flow, row: PlanRow) -> None:
    label = try_again_label(app, run.flow, row.cause, row.cause_field)
    facts = {"system": flow.target, "key": row.key, **named_facts(app, row.facts, row.title), "try_again": label}
    sentences = say(row.cause, facts)
    small(f"**{plain(sentences.problem)}**")
    for more in (sentences.data, sentences.do):
        if more:
            note(plain(more))
    if rule := row.facts.get("rule", ""):
        note(f"**{text('rule_explains')}** {term(f'rule_{rule}') if has_term(f'rule_{rule}') else plain(rule)}")
    if (
        None
        not in (values := {side: row.facts.get(f"{side}_value") for side in ("agreed", "source", "target")}).values()
    ):
        st.table(
            {text(f"value_{name}"): plain(value or text("empty_value")) for name, value in values.items()},
            border="horizontal",
        )
    if row.cause != VALUE_REVERTED:  # the record of an undo waits in the plan itself
        repairs(app, run.flow, row.cause, row.cause_field, row.facts, row.key)
    if row.cause == "needed_record_parked":
        _needed_link(app, run, row)
    if row.cause == BOOKING_REVERSED and may(Documents.book_again) and row.facts.get("mark"):
        _book_again(app, run, row)


def _book_again(app: Application, run: Run, row: PlanRow) -> None:
    """Draw the button that starts a plan which books a document again after its booking was undone."""
    if st.button(text("btn_book_again"), icon=":material/redo:", key="book_again"):
        keys: list[str] = []
        if attempt(lambda: keys.extend(app.documents.book_again(run.flow, [row], person()))):
            request = PreviewRequest(run.flow, person(), Mode.CHOSEN, tuple(keys))
            show_plan(run.flow, lambda: app.runs.preview(request))


def _needed_link(app: Application, run: Run, row: PlanRow) -> None:
    """Draw the link to the parked record that this record needs."""
    needed_rows = [
        candidate
        for candidate in app.plans.rows(run.id, "park", row.facts.get("needed", ""), 0, PAGE)
        if candidate.seq != row.seq
    ]
    if needed_rows and st.button(text("btn_open_needed"), icon=":material/arrow_upward:", key="needed"):
        st.query_params["record"] = str(needed_rows[0].seq)
        st.rerun()


def _group_names(app: Application, run: Run, change: Change) -> Mapping[str, str]:
    """Return the names, by code, of the article groups in a change."""
    spoken_of = [
        value
        for field_change in field_changes(change)
        if field_change.field in GROUP_FIELDS
        for value in (field_change.now, field_change.desired)
    ]
    codes = {code for value in spoken_of if value for code in (value if isinstance(value, tuple) else [str(value)])}
    return app.plans.group_names(run.flow, sorted(codes), run.id) if codes else {}


def _fields(row: PlanRow, change: Change, flow: Flow, display: Said, branches: Mapping[str, str]) -> None:
    lines = list(field_changes(change))
    headings = list(dict.fromkeys(line.part for line in lines))
    if not branches and len(headings) == 2 and "" in headings:  # noqa: PLR2004 - a product and its only article
        st.table(_field_table(row, flow, lines, change.kept_paths, display), border="horizontal", hide_index=True)
        return
    for part in headings[: SHOWN_PARTS + 1]:
        if part and (branches or len(headings) > 1 + ("" in headings)):
            small(f"**{_part_title(change, part, branches)}**")
        part_lines = [line for line in lines if line.part == part]
        kept_paths = [path for path in change.kept_paths if path.rpartition("/")[0] == part]
        st.table(_field_table(row, flow, part_lines, kept_paths, display), border="horizontal", hide_index=True)
    hidden = len(headings) - SHOWN_PARTS - 1
    if hidden > 0:
        note(quantity_text("plan_more_articles" if change.kind is Kind.PRODUCT else "plan_more_parts", hidden))
    for path in change.kept_paths:
        if path.rpartition("/")[0] not in headings:
            note(text("plan_kept", field=plain(field_name(path)), system=system_name(flow.target)))


def _part_title(change: Change, part: str, branches: Mapping[str, str]) -> Markdown:
    if change.kind is Kind.STOCK:
        name = branches.get(part)
        caption = text("branch_named", branch=part, name=name) if name else text("branch_short", branch=part)
        return plain(f"{caption} · {change.unit}" if change.unit else caption)
    agreed_values = change.agreed.flat()
    part_facts = {name: str(agreed_values.get(f"{part}/{name}") or "") for name in ("colour", "size", "name")}
    name_parts = (
        [part_facts["colour"], part_facts["size"]]
        if part_facts["colour"] or part_facts["size"]
        else [part_facts["name"]]
    )
    return plain(" · ".join([part, *(part_text for part_text in name_parts if part_text)]))


def _field_table(
    row: PlanRow, flow: Flow, lines: Sequence[FieldChange], kept_paths: Sequence[str], display: Said
) -> list[dict[Markdown, Markdown]]:
    as_reported = row.change.source_values if row.change else {}
    table_rows = [
        (
            plain(field_name(line.field)),
            _current_cell(line, display),
            _new_cell(line, display, brake="brake_price" in row.brakes) + _source_value_note(line, flow, as_reported),
        )
        for line in lines
    ]
    table_rows = list(dict.fromkeys(table_rows))  # a product and its only article often have equal values
    table_rows += [
        (plain(field_name(path)), f":gray[{text('plan_own_value')}]", f":gray[{text('plan_kept_short')}]")
        for path in kept_paths
    ]
    field, (now, wanted_title) = text("col_field"), sides(row.step)
    return [{field: field_label, now: current_text, wanted_title: new} for field_label, current_text, new in table_rows]


def _value_display(app: Application, flow: Flow, groups: Mapping[str, str], line: FieldChange, value: Value) -> str:
    """Return a value as people read it: the code of a group with its name, a VAT code with its percentage."""
    if line.field not in GROUP_FIELDS:
        return field_text(app, flow.target, line.field, value)
    codes = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    if any(groups.get(code) for code in codes):
        return ", ".join(f"{code} · {groups[code]}" if groups.get(code) else code for code in codes)
    return value_text(value)


def _current_cell(line: FieldChange, display: Said) -> Markdown:
    if not line.record_exists:
        return ":gray[–]"
    displayed = display(line, line.now)
    return struck(displayed) if displayed else f":gray[{text('empty_value')}]"


def _source_value_note(line: FieldChange, flow: Flow, as_reported: Mapping[str, str]) -> Markdown:
    """Return the source value of a field that the target stores truncated or transliterated, as Markdown."""
    if line.part or not (source_text := as_reported.get(line.field.rpartition(".")[2])):
        return ""
    is_shorter = is_cut(line.desired, source_text)
    mark = f":orange-badge[:material/content_cut: {text('plan_cut')}] " if is_shorter else ""
    return f" {mark}:gray[{text('plan_as_reported', system=system_name(flow.source), value=plain(source_text))}]"


def _new_cell(line: FieldChange, display: Said, *, brake: bool) -> Markdown:
    displayed = display(line, line.desired)
    new = f"**{plain(displayed)}**" if displayed else f":gray[{text('empty_value')}]"
    if isinstance(line.now, Decimal) and isinstance(line.desired, Decimal) and line.now and "price" in line.field:
        share = (line.desired - line.now) * 100 / line.now
        sign = "+" if share > 0 else ""
        label = f"{sign}{percentage(share.quantize(Decimal('0.1')))}"
        new += f" :{'orange-badge' if brake else 'gray'}[{label}]"
    return new
