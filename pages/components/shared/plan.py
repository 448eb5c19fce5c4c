"""A plan on screen: what changes, field by field, what is chosen, and the question a brake asks."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st

from integration.core.flow import Flow
from integration.core.plan import Action, Approval, Change
from integration.core.records import Kind, Value
from integration.core.rules import Trace
from integration.core.run import Among, Mode, PlanRow, Run, RunState
from integration.services import Application
from integration.words import has_term
from pages.components.shared.application import person
from pages.components.shared.changes import FieldLine, field_lines, what_changes
from pages.components.shared.document import DOCUMENTS, document_tree, kinds_of, known_as, needed_by
from pages.components.shared.failures import guarded
from pages.components.shared.layout import attempt, note, small, trouble
from pages.components.shared.repair import repairs
from pages.components.shared.states import badge, step_state, tag, tint
from pages.components.shared.tables import ROW, Columns, browse, choose
from pages.components.shared.traces import trace_frame
from pages.components.shared.wording import (
    counted,
    field_name,
    number,
    percentage,
    plain,
    read_number,
    say,
    system_name,
    term,
    text,
    value_text,
)

WRITABLE = (Action.CREATE, Action.UPDATE, Action.RETIRE)
PAGE = 500
SHOWN_CODES = 2
LONGEST_LINE = 52  # signs that fit into the last column of the table
TAKEN = {"kind": 15, "action": 14, "step": 16, "brake": 12}  # signs that other columns take of it
SHOWN_PARTS = 8
SHOWN_RECORDS = 10
GROUP_FIELDS = ("product.groups", "group.parent")


# ---- the table --------------------------------------------------------------------------------------------------


def chosen_out(run: Run) -> set[int]:
    """Return the lines of the changes the operator has left out of this plan, to be changed in place."""
    left_out: dict[str, set[int]] = st.session_state.setdefault("left_out", {})
    return left_out.setdefault(run.id, set())


def plan_table(
    app: Application, run: Run, rows: Sequence[PlanRow], show: str, name: str, *, ticks: bool
) -> PlanRow | None:
    """Draw lines of a plan. Ticks choose what will be written; a click or the arrow keys choose what is looked at.

    Returns the line that is looked at. `name` tells this list from the others of the plan.
    """
    left_out = chosen_out(run)
    result = run.state not in (RunState.READY, RunState.PREVIEWING)
    tripped = {brake.code for brake in run.brakes}
    frame = _frame(rows, show, tripped, result=result)
    frame["what"] = _what(run, rows, app.flows[run.flow].target, [str(name) for name in frame.columns])
    key = f"plan-{run.id}-{name}"
    if ticks:
        place, ticked = choose(frame, _columns(frame, show), key, text("plan_table"), _first_ticks(key, rows, left_out))
        _keep_ticks(rows, ticked, left_out)
    else:
        place = browse(frame, _columns(frame, show), key, text("plan_table"))
    if place is not None:
        st.query_params["record"] = str(rows[place].seq)
        return rows[place]
    asked = st.query_params.get("record", "")
    return next((row for row in rows if str(row.seq) == asked), rows[0] if rows else None)


def _first_ticks(key: str, rows: Sequence[PlanRow], left_out: set[int]) -> list[int]:
    """Return the ticks a list starts with; they must not move while the same list stays on screen."""
    kept: tuple[str, list[int]] | None = st.session_state.get("first_ticks")
    if kept is None or kept[0] != key:
        kept = (key, [at for at, row in enumerate(rows) if row.action in WRITABLE and row.seq not in left_out])
        st.session_state["first_ticks"] = kept
    return kept[1]


def choose_shown(app: Application, run: Run, show: str, find: str, among: Among) -> None:
    """Offer to choose or leave out every change that the filters show, on whatever page of the list it is."""
    changes = app.plans.count(run.id, "changes" if show == "all" else show, find, among)
    with st.container(horizontal=True, gap="small"):
        for key, move in (("leave_shown", set.update), ("choose_shown", set.difference_update)):
            if changes and st.button(counted(f"btn_{key}", changes), type="tertiary", key=key):
                move(chosen_out(run), app.plans.changes(run.id, show, find, among))
                _tick_anew()


def _tick_anew() -> None:
    """Draw the list with other ticks: they are what its table starts with."""
    st.session_state.pop("first_ticks", None)
    st.session_state["ticks_round"] = st.session_state.get("ticks_round", 0) + 1
    st.rerun()


def _keep_ticks(rows: Sequence[PlanRow], picked: set[int], left_out: set[int]) -> None:
    for at, row in enumerate(rows):
        if row.action in WRITABLE:
            (left_out.discard if at in picked else left_out.add)(row.seq)


def _frame(rows: Sequence[PlanRow], show: str, tripped: Collection[str], *, result: bool) -> pd.DataFrame:
    """Return the table of a list: a column that would say the same in every row is left out."""
    columns: dict[str, list[object]] = {}
    for place, name in enumerate(("key", "title")):
        said = [known_as(row)[place] for row in rows]
        if any(said):
            columns[name] = list(said)
    if len({row.kind for row in rows}) > 1:
        columns["kind"] = list(kinds_of(rows))
    if show in ("all", "planned", "proven", "in_doubt", "left"):
        columns["action"] = [[tag(str(row.action))] for row in rows]
    if result and any(row.change for row in rows) and show in ("all", "create", "update", "retire"):
        columns["step"] = [[tag(step_state(row.step))] if row.change else [] for row in rows]
    held = [any(brake in tripped for brake in row.brakes) for row in rows]
    if not result and any(held):
        columns["brake"] = [[tag("brake")] if one else [] for one in held]
    return pd.DataFrame(columns, index=range(len(rows)))


def _what(run: Run, rows: Sequence[PlanRow], target: str, columns: Collection[str]) -> list[str]:
    """Return what each line changes, as much as fits beside the other columns."""
    room = LONGEST_LINE - sum(TAKEN[name] for name in TAKEN if name in columns)
    undone = run.mode is Mode.UNDO
    return [cut(what_changes(row, undone=undone, system=target), room) for row in rows]


def cut(line: str, room: int) -> str:
    """Return a line that fits into its column, in whole words; what is cut off stands in the detail."""
    if len(line) <= room:
        return line
    return f"{line[:room].rpartition(' ')[0].rstrip(' ·,')} …"


def _columns(frame: pd.DataFrame, show: str) -> Columns:
    config = st.column_config
    actions = {tag(one): one for one in ("create", "update", "retire", "skip", "park")}
    steps = {tag(one): one for one in ("planned", "running", "in_doubt", "proven", "parked", "left")}
    columns: Columns = {
        "key": config.TextColumn(text("col_code"), width=92),
        "title": config.TextColumn(text("col_name"), width=200),
        "kind": config.TextColumn(text("col_kind"), width=112),
        "action": config.MultiselectColumn(text("col_action"), options=list(actions), color=_tints(actions)),
        "step": config.MultiselectColumn(text("col_status"), options=list(steps), color=_tints(steps)),
        "brake": config.MultiselectColumn("", options=[tag("brake")], color=_tints({tag("brake"): "brake"})),
        "what": config.TextColumn(
            text("col_reason" if show in ("park", "parked", "skip") else "col_what"), width="large"
        ),
    }
    return {name: column for name, column in columns.items() if name in frame.columns}


def _tints(states: Mapping[str, str]) -> list[str]:
    return [tint(state) for state in states.values()]


# ---- one line -----------------------------------------------------------------------------------------------------


def plan_detail(app: Application, run: Run, flow: Flow, row: PlanRow) -> None:
    """Draw one line of a plan: field by field old and new, or the reason why there is nothing to write."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(' · '.join(part for part in known_as(row) if part))}**", width="content")
            badge(str(row.action))
        if row.change is None or row.cause:  # also why the target did not get it after all
            _reason(app, run, flow, row)
        if row.change is not None:
            _change(app, run, flow, row, row.change)
        _origin(row, flow)
        with st.container(horizontal=True, gap="small"):
            if st.button(text("btn_why"), icon=":material/account_tree:", type="tertiary", key="why"):
                st.session_state["ask_why"] = (run.id, row.seq)
            if st.button(text("btn_life"), icon=":material/timeline:", type="tertiary", key="life"):
                st.switch_page("pages/logs.py", query_params={"record": f"{run.flow}:{row.key}"})
    asked = st.session_state.pop("ask_why", None)
    if asked == (run.id, row.seq):
        dialog = st.dialog(text("why_title", title=plain(row.title)), width="large", icon=":material/account_tree:")
        dialog(guarded(_why))(app, run, row)


def _change(app: Application, run: Run, flow: Flow, row: PlanRow, change: Change) -> None:
    if change.kind in DOCUMENTS:
        document_tree(app, run, flow, row, change)
        return
    _fields(row, change, flow, _group_names(app, run, change), _branch_names(app, change))
    needed_by(change)


def _reason(app: Application, run: Run, flow: Flow, row: PlanRow) -> None:
    sentences = say(row.cause, {"system": flow.target, "key": row.key, **row.facts})
    small(f"**{plain(sentences.what)}**")
    for more in (sentences.data, sentences.do):
        if more:
            note(plain(more))
    values = {name: row.facts.get(f"{name}_value") for name in ("agreed", "source", "target")}
    if rule := row.facts.get("rule", ""):
        note(f"**{text('rule_explains')}** {term(f'rule_{rule}') if has_term(f'rule_{rule}') else plain(rule)}")
    if all(value is not None for value in values.values()):
        st.table(
            {text(f"value_{name}"): plain(value or text("empty_value")) for name, value in values.items()},
            border="horizontal",
        )
    repairs(app, run.flow, row.cause, row.cause_field, row.facts, row.key)
    _to_needed(app, run, row)


def _to_needed(app: Application, run: Run, row: PlanRow) -> None:
    """Lead to the parked record for which this one waits."""
    if row.cause != "needed_record_parked":
        return
    needed = [one for one in app.plans.rows(run.id, "park", row.facts.get("needed", ""), 0, PAGE) if one.seq != row.seq]
    if needed and st.button(text("btn_open_needed"), icon=":material/arrow_upward:", key="needed"):
        st.query_params["record"] = str(needed[0].seq)
        st.rerun()


def _group_names(app: Application, run: Run, change: Change) -> Mapping[str, str]:
    """Return the names of the article groups a change speaks of, by code."""
    codes = set()
    for line in field_lines(change):
        if line.field in GROUP_FIELDS:
            for value in (line.now, line.wanted):
                codes |= set(value if isinstance(value, tuple) else [str(value)] if value else [])
    return app.plans.group_names(run.flow, sorted(codes), run.id) if codes else {}


def _branch_names(app: Application, change: Change) -> Mapping[str, str]:
    """Return what the till calls its branches, where a change speaks of them."""
    return app.lists.captions("mplus", "branches") if change.kind is Kind.STOCK else {}


def _fields(row: PlanRow, change: Change, flow: Flow, groups: Mapping[str, str], branches: Mapping[str, str]) -> None:
    lines = list(field_lines(change))
    headings = list(dict.fromkeys(line.part for line in lines))
    if not branches and len(headings) == 2 and "" in headings:  # noqa: PLR2004 - a simple product and its one article read as one
        st.table(_field_table(row, flow, lines, change.kept, groups), border="horizontal", hide_index=True)
        return
    for part in headings[: SHOWN_PARTS + 1]:
        if part and (branches or len(headings) > 1 + ("" in headings)):
            small(f"**{_part_title(change, part, branches)}**")
        mine = [line for line in lines if line.part == part]
        kept = [path for path in change.kept if path.rpartition("/")[0] == part]
        st.table(_field_table(row, flow, mine, kept, groups), border="horizontal", hide_index=True)
    hidden = len(headings) - SHOWN_PARTS - 1
    if hidden > 0:
        note(counted("plan_more_articles" if change.kind is Kind.PRODUCT else "plan_more_parts", hidden))
    for path in change.kept:
        if path.rpartition("/")[0] not in headings:
            note(text("plan_kept", field=plain(field_name(path)), system=system_name(flow.target)))


def _part_title(change: Change, part: str, branches: Mapping[str, str]) -> str:
    if change.kind is Kind.STOCK:
        return plain(text("branch_named", branch=part, name=branches.get(part, "–")))
    held = change.agreed.flat()
    told = {name: str(held.get(f"{part}/{name}") or "") for name in ("colour", "size", "name")}
    named = [told["colour"], told["size"]] if told["colour"] or told["size"] else [told["name"]]
    return plain(" · ".join([part, *(one for one in named if one)]))


def _field_table(
    row: PlanRow, flow: Flow, lines: Sequence[FieldLine], kept: Sequence[str], groups: Mapping[str, str]
) -> pd.DataFrame:
    system = system_name(flow.target)
    shown = [
        (plain(field_name(line.field)), _now(line, groups), _wanted(line, groups, brake="brake_price" in row.brakes))
        for line in lines
    ]
    shown = list(dict.fromkeys(shown))  # a product and its only article often say the same
    shown += [
        (plain(field_name(path)), f":gray[{text('plan_own_value')}]", f":gray[{text('plan_kept_short')}]")
        for path in kept
    ]
    return pd.DataFrame(shown, columns=[text("col_field"), text("col_now", system=system), text("col_will_be")])


def _named(value: Value, groups: Mapping[str, str]) -> str:
    """Return a value as people read it; the code of a group with its name."""
    codes = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    if any(groups.get(code) for code in codes):
        return ", ".join(f"{code} · {groups[code]}" if groups.get(code) else code for code in codes)
    return value_text(value)


def _now(line: FieldLine, groups: Mapping[str, str]) -> str:
    if not line.there:
        return ":gray[–]"
    shown = _named(line.now, groups if line.field in GROUP_FIELDS else {})
    return f"~~{plain(shown)}~~" if shown else f":gray[{text('empty_value')}]"


def _wanted(line: FieldLine, groups: Mapping[str, str], *, brake: bool) -> str:
    shown = _named(line.wanted, groups if line.field in GROUP_FIELDS else {})
    new = f"**{plain(shown)}**" if shown else f":gray[{text('empty_value')}]"
    if isinstance(line.now, Decimal) and isinstance(line.wanted, Decimal) and line.now and "price" in line.field:
        share = (line.wanted - line.now) * 100 / line.now
        sign = "+" if share > 0 else ""
        label = f"{sign}{percentage(share.quantize(Decimal('0.1')))}"
        new += f" :{'orange-badge' if brake else 'gray'}[{label}]"
    return new


def _origin(row: PlanRow, flow: Flow) -> None:
    change = row.change
    if change is None:
        return
    codes = [code for code in change.sources if code] or [row.key]
    more = f" +{len(codes) - SHOWN_CODES}" if len(codes) > SHOWN_CODES else ""
    shown = ", ".join(f"`{code.replace('`', '')}`" for code in codes[:SHOWN_CODES])
    lines = [text("plan_source", system=system_name(flow.source), codes=f"{shown}{more}")]
    if change.first_match:
        lines.append(text("plan_first_match"))
    if row.reference:
        lines.append(text("plan_reference", system=system_name(flow.target), reference=plain(row.reference)))
    note(" ".join(lines))


def _why(app: Application, run: Run, row: PlanRow) -> None:
    """Show how every value of a line came about: the source value, each function's result, the table row."""
    shown: dict[str, list[Trace]] = {}

    def ask() -> None:
        shown.update(app.plans.why(run.id, row.seq))

    with st.spinner(text("why_wait")):
        good = attempt(ask)
    if not good:
        trouble(*st.session_state.pop("failure"))
        return
    if not shown:
        note(text("why_empty"))
    for key, traces in list(shown.items())[:SHOWN_PARTS]:
        if len(shown) > 1:
            small(f"**{plain(key)}**")
        st.dataframe(trace_frame(traces), hide_index=True, row_height=ROW, alt=text("btn_why"))


# ---- committing ---------------------------------------------------------------------------------------------------


def brake_box(run: Run) -> None:
    """Say which brakes hold the plan, above everything else."""
    if not run.brakes:
        return
    with st.container(border=True, gap="xsmall"):
        for brake in run.brakes:
            sentences = say(brake.code, {"count": str(brake.count), "limit": brake.limit})
            st.markdown(
                f":orange[:material/front_hand:] **{text('brake_holds')}: {plain(sentences.what)}** "
                f":small[:gray[{plain(sentences.do)}]]"
            )
        note(text("nothing_written"))


def outdated_bar(app: Application, run: Run, flow: Flow, changes: int) -> bool:
    """Draw the bar of a plan that can no longer be written, and tell whether another one is asked for."""
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f":gray[{text('nothing_written')}]", width="stretch")
        _discard(app, run)
        label = counted("btn_commit", changes, system=system_name(flow.target))
        st.button(label, icon=":material/send:", key="commit", disabled=True)
        return st.button(text("btn_preview_again"), type="primary", icon=":material/refresh:", key="again")


def _discard(app: Application, run: Run) -> None:
    if st.button(text("btn_discard"), type="tertiary", key="discard"):
        attempt(lambda: app.runs.discard(run.id, person()))
        st.rerun()


def commit_bar(app: Application, run: Run, flow: Flow, changes: int) -> None:
    """Draw the bar that says what is chosen and offers the one button that writes."""
    left_out = frozenset(chosen_out(run))
    chosen = changes - len(left_out)
    system = system_name(flow.target)
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        writes = counted("write", app.plans.writes(run.id, left_out))
        st.markdown(
            f"**{counted('bar_chosen', changes, chosen=number(chosen))} · {writes}.** :gray[{text('nothing_written')}]",
            width="stretch",
        )
        if left_out and st.button(text("btn_choose_all"), type="tertiary", key="choose_all"):
            chosen_out(run).clear()
            _tick_anew()
        _discard(app, run)
        label = counted("btn_commit", chosen, system=system)
        asks = "Ctrl+Enter" if run.brakes else None  # a shortcut may open a question, and never write
        if st.button(label, type="primary", icon=":material/send:", key="commit", disabled=not chosen, shortcut=asks):
            st.session_state["ask_commit"] = run.id
    if st.session_state.pop("ask_commit", "") == run.id:
        if run.brakes:
            st.dialog(text("brake_title"), width="medium", icon=":material/front_hand:")(guarded(_ask))(
                app, run, label, writes
            )
        else:
            _commit(app, run, {})


def _ask(app: Application, run: Run, label: str, writes: str) -> None:
    """Ask for the number each brake counted, so that a plan over its limits is looked at twice."""
    typed: dict[str, int] = {}
    for brake in run.brakes:
        sentences = say(brake.code, {"count": str(brake.count), "limit": brake.limit})
        st.markdown(f"**{plain(sentences.what)}** {plain(sentences.do)}")
        _braked(app, run, brake.code)
        answer = st.text_input(
            text("brake_type", count=brake.count),
            key=f"typed-{brake.code}",
            live=True,
            autocomplete="off",
            placeholder=number(brake.count),
        )
        if read_number(answer or "") == brake.count:
            typed[brake.code] = brake.count
    note(text("brake_then", writes=writes))
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button(text("btn_back_to_plan"), type="tertiary", key="back"):
            st.rerun()
        ready = len(typed) == len(run.brakes)
        if st.button(label, type="primary", icon=":material/send:", key="really", disabled=not ready):
            _commit(app, run, typed)


def _braked(app: Application, run: Run, code: str) -> None:
    """Show the first records a brake counted; a brake on the whole plan marks none of them."""
    marked, found = app.plans.marked(run.id, code, SHOWN_RECORDS)
    if not marked:
        return
    shown = pd.DataFrame(
        [(*map(plain, known_as(row)), plain(what_changes(row))) for row in marked],
        columns=[text("col_code"), text("col_name"), text("col_what")],
    )
    st.table(shown, border="horizontal", hide_index=True)
    if found > len(marked):
        note(text("and_more", number=number(found - len(marked))))


def _commit(app: Application, run: Run, typed: Mapping[str, int]) -> None:
    approval = Approval(run.fingerprint, person(), frozenset(chosen_out(run)), confirmed=dict(typed))
    if attempt(lambda: app.runs.commit(run.id, approval)):
        st.session_state.get("left_out", {}).pop(run.id, None)
        st.switch_page("pages/runs.py", query_params={"run": run.id})
    st.rerun()
