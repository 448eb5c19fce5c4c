"""Stock as charts: levels over time, and what rose and fell."""

from typing import cast

import pandas as pd
import streamlit as st

from integration.services import Application
from integration.services.stock import Split, largest
from pages.components.shared.charts import Limit, steps, ups_and_downs
from pages.components.shared.draft import asked
from pages.components.shared.layout import choice, empty, note
from pages.components.shared.wording import number, system_name, text, zone
from pages.components.stock.sections import BOOKS, TILL, about, download, titled
from pages.components.stock.view import View

MOST_LINES = 5
OTHERS = "others"


def levels(app: Application, view: View) -> None:
    """Draw the levels over time: of one article in each branch, else of all together by branch or by group."""
    with titled(text("stock_levels_title")):
        by = "branch"
        if not view.article and view.groups:
            by = choice("by", ("branch", "group"), "branch", lambda one: text(f"stock_split_{one}"))
        split = cast("Split", by)
        download("levels", lambda: app.stock.charted(view.scope, split).to_csv(index=False))
    named = view.branches if split == "branch" else {**view.groups, "": text("stock_without_group")}
    frame = largest(app.stock.levels(view.scope, split, view.now), MOST_LINES, OTHERS)
    frame.index = _here(frame.index)
    limit, unsure = _reorder(app, view), None
    if view.unproven is not None:
        unsure = _here(pd.DatetimeIndex([view.unproven.since]).tz_convert("UTC").tz_localize(None))[0]
    with st.container(border=True):
        steps(frame, {**named, OTHERS: text("stock_others")}, view.ticks, text("stock_levels_title"), limit, unsure)
    note(about("stock_levels_article" if view.article else "stock_levels_about"))


def _reorder(app: Application, view: View) -> Limit | None:
    """Return the line at which an article is to be ordered again, where the books have one."""
    if not view.article:
        return None
    name = f"reorder {view.article} {app.flows.settings(app.stock.flow).model_dump()['reorder']}"
    found = asked(app, name, lambda: [app.stock.reorder_level(view.article)])
    level = found[0] if found else None
    return None if level is None else Limit(float(level), text("stock_reorder_at", level=number(level)))


def _here(moments: pd.Index) -> pd.DatetimeIndex:
    """Return moments of the log as the clock of whoever looks shows them."""
    return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(str(zone())).tz_localize(None)


def movements(app: Application, view: View) -> None:
    """Draw what rose and fell: at the till between two runs, and by what the runs wrote."""
    moved = app.stock.moved(view.scope)
    with titled(text("stock_moves_title")):
        download("movements", lambda: moved.to_csv(index=False))
    if moved.empty:
        empty("swap_vert", text("stock_moves_none"), text("stock_moves_none_about"))
        return
    names = {"till": system_name(TILL), "books": system_name(BOOKS)}
    with st.container(border=True):
        shown_at = moved.assign(period=_here(pd.Index(moved["period"])))
        unit = pd.Timedelta(hours=1 if view.scope.unit == "hour" else 24)
        ups_and_downs(shown_at, names, view.ticks, text("stock_moves_title"), unit)
    note(about("stock_moves_about"))
