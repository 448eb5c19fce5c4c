"""Where the two systems differ in stock: what the plan that waits would change, and why."""

from collections.abc import Iterator, Sequence

import pandas as pd
import streamlit as st

from integration.core.run import Mode, PreviewRequest, Run
from integration.services import Application
from integration.services.stock import Difference, Reason, differences
from pages.components.shared.application import person
from pages.components.shared.layout import act, empty, note, page_offset, pages, titled
from pages.components.shared.runs import progress_strip
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.wording import change_text, counted, moment, system_name, text
from pages.components.stock.view import BOOKS, TILL, View, download

SIZE = 100
EXPORTED_AT_ONCE = 5_000


def differences_of(app: Application, view: View) -> None:
    """Draw what the plan that waits would change, or offer a comparison, which writes nothing."""
    status = next(one for one in app.flows.statuses() if one.flow.name == app.stock.flow)
    run = status.waiting
    with titled(text("stock_differences"), _as_of(run, status.last)):
        if run is not None:
            download("differences", lambda: _differences_csv(app, run, view))
            if st.button(text("btn_stock_open"), icon=":material/difference:", key="open_stock"):
                st.switch_page("pages/preview.py", query_params={"flow": app.stock.flow, "plan": run.id})
        pressed = not status.active and st.button(
            text("btn_compare_stock"), icon=":material/compare_arrows:", key="compare", help=text("compare_stock_about")
        )
    if pressed:
        act(lambda: app.runs.preview(PreviewRequest(app.stock.flow, person(), Mode.COMPLETE)))
    if status.active:
        progress_strip(app, status.active.id)
    elif run is None:
        empty("balance", text("stock_differences_none"), text("compare_stock_about"))
    else:
        _differences_table(app, view, run)


def _as_of(run: Run | None, last: Run | None) -> str:
    if run is not None:
        return text("stock_differences_waits", moment=moment(run.started_at))
    if last is not None:
        return text("stock_differences_since", moment=moment(last.ended_at))
    return text("stock_differences_never")


def _differences_table(app: Application, view: View, run: Run) -> None:
    total = app.plans.count(run.id, "planned", view.article)
    offset = page_offset("page2", total, SIZE)
    found = list(differences(app.plans.rows(run.id, "planned", view.article, offset, SIZE), view.scope))
    if not found:
        empty("balance", text("stock_differences_not_here"), text("stock_differences_not_here_about"))
    elif (clicked := _clicked(app, view, found, f"differences-{offset}")) is not None:
        query = {"flow": app.stock.flow, "plan": run.id, "show": "all", "record": str(found[clicked].seq)}
        st.switch_page("pages/preview.py", query_params=query)
    pages("page2", total, SIZE)
    if total > SIZE:
        note(counted("stock_article", total))


def _clicked(app: Application, view: View, found: Sequence[Difference], key: str) -> int | None:
    """Draw where the systems differ, and return the place of the row that was clicked."""
    frame = pd.DataFrame(
        {
            "article": [one.article for one in found],
            "title": [one.title for one in found],
            "branch": [view.branches.get(one.branch, one.branch) for one in found],
            "source": [float(one.source) for one in found],
            "target": [None if one.target is None else float(one.target) for one in found],
            "gap": [None if one.gap is None else float(one.gap) for one in found],
            "why": [_why(one) for one in app.stock.reasons(found)],
        }
    )
    columns = {
        "article": CONFIG.TextColumn(text("col_code"), width=112),
        "title": CONFIG.TextColumn(text("col_name"), width=260),
        "branch": CONFIG.TextColumn(text("col_stock_branch"), width=160),
        "source": CONFIG.NumberColumn(system_name(BOOKS), width=104),
        "target": CONFIG.NumberColumn(system_name(TILL), width=104),
        "gap": CONFIG.NumberColumn(text("col_difference"), width=104),
        "why": CONFIG.TextColumn(text("col_stock_why"), width="large"),
    }
    return browse(frame, columns, key, text("stock_differences"), {"gap": change_text})


def _why(why: Reason) -> str:
    """Return what moved since a level was written last, and where."""
    if why.since is None:
        return text("stock_why_never")
    moved = ((TILL, why.target), (BOOKS, why.source))
    return " · ".join(
        text("stock_why", system=system_name(system), change=change_text(float(change)), moment=moment(why.since))
        for system, change in moved
        if change
    )


def _differences_csv(app: Application, run: Run, view: View) -> str:
    def every() -> Iterator[Difference]:
        offset = 0
        while rows := app.plans.rows(run.id, "planned", view.article, offset, EXPORTED_AT_ONCE):
            offset += len(rows)
            yield from differences(rows, view.scope)

    lines = [
        (one.article, one.title, one.branch, str(one.source), "" if one.target is None else str(one.target))
        for one in every()
    ]
    return pd.DataFrame(lines, columns=["article", "title", "branch", BOOKS, TILL]).to_csv(index=False)
