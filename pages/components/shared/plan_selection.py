"""The selection of changes in a plan. It is stored with the plan and is the same for everybody."""

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.plan import Action
from integration.core.plan_lines import LineFilter, PlanRow
from integration.core.run import Run
from integration.core.states import RunState
from pages.components.shared.application import person, refreshing
from pages.components.shared.column_widths import BESIDE
from pages.components.shared.layout import attempt, note
from pages.components.shared.tables import Columns, Written, table_choice
from pages.components.shared.wording import number, quantity_text, text

WATCH_SECONDS = 2
WRITABLE = (Action.CREATE, Action.UPDATE, Action.RETIRE)


def seen_selection(run: Run) -> set[int]:
    """Return the excluded lines of a plan as this session last saw them, including its own decisions."""
    selections: dict[str, set[int]] = st.session_state.setdefault("seen_choice", {})
    return selections.setdefault(run.id, set(run.excluded))


def leave_out(app: Application, run: Run, lines: Collection[int]) -> None:
    """Exclude changes from a plan, for everybody."""
    out: set[int] = set()
    if attempt(lambda: out.update(app.choices.leave(run.id, lines, person().ref))):
        seen_selection(run).update(lines, out)
        _redraw_followers("followed_out", len(out.difference(lines)))


def take_in(app: Application, run: Run, lines: Collection[int]) -> None:
    """Include changes in a plan again, for everybody."""
    back: set[int] = set()
    if attempt(lambda: back.update(app.choices.take(run.id, lines, person().ref))):
        seen_selection(run).difference_update(lines, back)
        _redraw_followers("followed_in", len(back.difference(lines)))


def _redraw_followers(how: str, more: int) -> None:
    """Redraw the plan with a notice if other lines changed along with the ticked ones."""
    if more:
        st.session_state["followed"] = (how, more)
        redraw_ticks()


def ticked_table(
    app: Application,
    run: Run,
    rows: Sequence[PlanRow],
    frame: pd.DataFrame,
    columns: Columns,
    key: str,
    formatters: Written,
) -> int | None:
    """Draw lines with ticks for the selected changes, store changed ticks, and return the clicked line."""
    first = _first_ticks(key, rows, seen_selection(run))
    at, ticked = table_choice(frame, columns, key, text("plan_table"), first, formatters, BESIDE)
    before: tuple[str, set[int]] = st.session_state.get("ticks_seen", (key, set(first)))
    st.session_state["ticks_seen"] = (key, ticked)
    moved = {place for place in ticked ^ before[1] if place < len(rows) and rows[place].action in WRITABLE}
    if out := {rows[place].seq for place in moved - ticked}:
        leave_out(app, run, out)
    if back := {rows[place].seq for place in moved & ticked}:
        take_in(app, run, back)
    return at


def _first_ticks(key: str, rows: Sequence[PlanRow], left_out: Collection[int]) -> list[int]:
    """Return the initial ticks of a list, which must stay the same while the list is on screen.

    Streamlit forgets the ticks of a list that was off screen; that list starts with the stored selection.
    """
    first_ticks: tuple[str, list[int]] | None = st.session_state.get("first_ticks")
    if first_ticks is None or first_ticks[0] != key or key not in st.session_state:
        first_ticks = (key, [at for at, row in enumerate(rows) if row.action in WRITABLE and row.seq not in left_out])
        st.session_state["first_ticks"] = first_ticks
        st.session_state["ticks_seen"] = (key, set(first_ticks[1]))
    return first_ticks[1]


def choose_shown(app: Application, run: Run, show: str, find: str, among: LineFilter) -> None:
    """Draw the buttons that include or exclude every change that matches the filters, on all pages of the list."""
    changes = app.plans.count(run.id, "changes" if show == "all" else show, find, among)
    with st.container(horizontal=True, gap="small"):
        for key, decide in (("leave_shown", leave_out), ("choose_shown", take_in)):
            if changes and st.button(quantity_text(f"btn_{key}", changes), type="tertiary", key=key):
                decide(app, run, app.plans.changes(run.id, show, find, among))
                redraw_ticks()


def redraw_ticks() -> None:
    """Redraw the list with the stored selection, which its table only reads when it is created."""
    st.session_state.pop("first_ticks", None)
    st.session_state["ticks_round"] = st.session_state.get("ticks_round", 0) + 1
    st.rerun()


# ---- selections of other people, and replaced plans -----------------------------------------------------------------


def stored_plan(app: Application, run: Run) -> Run:
    """Return the stored plan after its lines were drawn.

    If somebody else changed the selection, or the plan no longer waits, the page is rerun with a notice.
    """
    now = app.runs.get(run.id)
    if now.state is not RunState.READY:
        st.rerun()
    if set(now.excluded) != seen_selection(run):
        st.session_state["seen_choice"][run.id] = set(now.excluded)
        st.session_state["chosen_by_others"] = run.id
        stop_asking(run)
        redraw_ticks()
    return now


def is_asking(run: Run) -> bool:
    """Return True if the confirmation before the commit of a plan is open."""
    return bool(st.session_state.get("ask_commit", "") == run.id)


def ask_before_commit(run: Run) -> None:
    """Open the confirmation before the commit. It stays open when the page is rerun."""
    st.session_state["ask_commit"] = run.id


def stop_asking(run: Run) -> None:
    """Close the confirmation before the commit of a plan."""
    if is_asking(run):
        del st.session_state["ask_commit"]


def current_plan(app: Application, run: Run) -> Run:
    """Return the plan to show. A plan that was replaced while this session showed it yields its successor.

    The confirmation before the commit stays open if both plans have the same changes and brakes.
    """
    if run.error == "plan_says_the_same":
        run = _latest_successor(app, run)
        st.session_state["taken_over"] = "nothing"
        st.query_params["plan"] = run.id
    before = _previous_plan(app)
    newest = _latest_successor(app, before) if before is not None else run
    if before is None or newest.id == before.id or run.id not in (before.id, newest.id):
        if run.state is RunState.READY:
            st.session_state["looks_at"] = st.query_params["plan"] = run.id
        return run
    same = newest.state is RunState.READY and newest.mark == before.mark and newest.brakes == before.brakes
    if is_asking(before):
        stop_asking(before)
        if same:
            ask_before_commit(newest)
    st.session_state["looks_at"] = newest.id
    st.session_state["taken_over"] = "same" if same else "changed"
    st.query_params["plan"] = newest.id
    st.query_params.pop("record", None)
    return newest


def _previous_plan(app: Application) -> Run | None:
    try:
        return app.runs.get(st.session_state.get("looks_at", ""))
    except KeyError:
        return None


def _latest_successor(app: Application, run: Run) -> Run:
    while run.error in ("plan_replaced", "plan_says_the_same"):
        run = app.runs.get(run.facts["run"])
    return run


def changes_notice(run: Run) -> None:
    """Show what changed since the plan was shown: the selection, or the plan itself."""
    if st.session_state.get("chosen_by_others") == run.id:
        del st.session_state["chosen_by_others"]
        note(f":orange[:material/group: {text('chosen_by_others', number=number(len(run.excluded)))}]")
    if followed := st.session_state.pop("followed", None):
        note(f":orange[:material/link: {quantity_text(*followed)}]")
    if how := st.session_state.pop("taken_over", ""):
        note(f":blue[:material/sync: {text(f'taken_over_{how}')}]")


def watch_plan(app: Application, run: Run) -> None:
    """Rerun the page when the plan differs from the one on screen, for example after a commit by a colleague."""
    outdated_before = str(app.runs.outdated(run))

    def look() -> None:
        now = app.runs.get(run.id)
        if now.state is not run.state or now.mark != run.mark or str(app.runs.outdated(now)) != outdated_before:
            st.rerun()

    refreshing(WATCH_SECONDS)(look)()
