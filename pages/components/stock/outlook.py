"""The list of articles with their level and how long it lasts."""

from collections.abc import Callable
from typing import cast

import pandas as pd
import streamlit as st

from integration.services import Application
from integration.services.stock import SOON_DAYS, Listed, Show, Sort
from pages.components.shared.layout import choice, empty, page_offset, pages, search
from pages.components.shared.tables import Columns, browse
from pages.components.shared.wording import table_day, text
from pages.components.stock.sections import about, download, titled
from pages.components.stock.view import View

SHOWS = ("soon", "falling", "steady", "all")
SORTS = ("days", "level", "pace", "article")
SIZE = 100
EXPORTED_AT_ONCE = 5_000


def article_list(app: Application, view: View) -> None:
    """Draw articles with their level and how long it lasts; a click opens an article."""
    asked = st.query_params
    show = asked.get("show", "all" if view.article else "soon")
    show, sort = show if show in SHOWS else "soon", asked.get("sort", "days")

    def page(offset: int, limit: int) -> pd.DataFrame:
        listed = Listed(cast("Show", show), find, cast("Sort", sort))
        return app.stock.outlook(view.scope, view.now, listed, offset, limit)

    with titled(text("stock_list_title"), about("stock_list_about", days=view.days)):
        download("articles", lambda: _outlook_csv(page))
    find = ""
    if not view.article:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            labels = {name: text(f"stock_show_{name}", days=SOON_DAYS) for name in SHOWS}
            show = choice("show", SHOWS, "soon", lambda name: labels[name], ("page",))
            sort = choice("sort", SORTS, "days", lambda name: text(f"stock_sort_{name}"), ("page",))
            find = search("find", text("find_stock"))
    lines = page(0, SIZE)
    total = int(lines["found"].iloc[0]) if len(lines) else 0
    if not total:
        _none_listed(show, find)
        return
    if offset := page_offset("page", total, SIZE):
        lines = page(offset, SIZE)
    frame = app.stock.lasting(lines, view.scope, view.now)
    frame["branch"] = [view.branches.get(code, code) for code in frame["branch"]]
    place = f"stock-{show}-{sort}-{offset}"
    clicked = browse(frame, _outlook_columns(), place, text("stock_list_title"), {"out": table_day})
    pages("page", total, SIZE)
    if clicked is not None and not view.article:
        st.query_params["article"] = str(lines["article"].iloc[clicked])
        st.rerun()


def _none_listed(show: str, find: str) -> None:
    if show == "soon" and not find:
        empty("task_alt", text("stock_none_soon", days=SOON_DAYS), text("stock_none_soon_about"))
    elif empty(
        "filter_alt_off", text("stock_list_none"), text("stock_list_none_about"), text("btn_clear_filters"), "clear"
    ):
        _clear()


def _clear() -> None:
    article = st.query_params.get("article", "")
    st.query_params.clear()
    for name in ("_period", "_branch", "_group", "_show", "_sort"):
        st.session_state.pop(name, None)
    st.session_state["clear_find"] = True
    if article:
        st.query_params["article"] = article
    st.rerun()


def _outlook_columns() -> Columns:
    config = st.column_config
    return {
        "article": config.TextColumn(text("col_code"), width=112),
        "title": config.TextColumn(text("col_name"), width=240),
        "branch": config.TextColumn(text("col_stock_branch"), width=160),
        "level": config.NumberColumn(text("col_stock_level"), width=84),
        "pace": config.NumberColumn(text("col_stock_pace"), width=96),
        "days": config.NumberColumn(text("col_stock_days"), width=84),
        "out": config.DateColumn(text("col_stock_out"), width=112),
        "trail": config.AreaChartColumn(text("col_stock_trail"), color="gray", width=128),
    }


def _outlook_csv(page: Callable[[int, int], pd.DataFrame]) -> str:
    """Return every line of the list, with the numbers it is computed from."""
    parts: list[pd.DataFrame] = []
    while not parts or len(parts[-1]) == EXPORTED_AT_ONCE:
        parts.append(page(EXPORTED_AT_ONCE * len(parts), EXPORTED_AT_ONCE))
    return pd.concat(parts).drop(columns="found").to_csv(index=False)
