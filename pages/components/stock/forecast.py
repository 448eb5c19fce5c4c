"""Stock from the log: charts, the list of articles with their days left, and the differences between the systems."""

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest, Run
from integration.flows.settings import BOOKS, TILL
from integration.services.runs.runs import Runs
from integration.services.stock import (
    SOON_DAYS,
    LevelDifference,
    LevelReason,
    Show,
    Sort,
    Split,
    StockListing,
    largest_lines,
    open_differences,
)
from pages.components.shared.application import may, person
from pages.components.shared.charts import Limit, increases_and_decreases, steps
from pages.components.shared.frames import rows_in, with_utc
from pages.components.shared.layout import (
    act,
    ask_live,
    choice,
    clear_address,
    clear_search,
    empty,
    keep_in_address,
    no_match,
    note,
    page_offset,
    pages,
    search,
    section_with_actions,
    small,
)
from pages.components.shared.runs import progress_strip
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.wording import (
    Markdown,
    change_text,
    moment,
    quantity_text,
    system_name,
    table_day,
    text,
    zone,
)
from pages.components.stock.view import View, both_systems, download, unit_name

MAX_LINES = 5
OTHERS = "others"
SHOWS = ("soon", "falling", "steady", "all")
SORTS = ("days", "level", "pace", "article")
SIZE = 100
EXPORTED_AT_ONCE = 5_000


def levels(app: Application, view: View) -> None:
    """Draw the levels over time: of one article by branch, or of all articles by branch or group."""
    with section_with_actions(_in_unit(view, "stock_levels_title")):
        by = "branch"
        if not view.article and view.groups:
            by = choice("by", ("branch", "group"), "branch", lambda option: text(f"stock_split_{option}"))
        split = cast("Split", by)
        download("levels", lambda: with_utc(app.stock.charted(view.scope, split)))
    names_by_key = view.branches if split == "branch" else {**view.groups, "": text("stock_without_group")}
    frame = largest_lines(app.stock.levels(view.scope, split, view.now), MAX_LINES, OTHERS)
    frame.index = _local_times(frame.index)
    limit, unsure = _reorder_limit(app, view), None
    if view.unproven is not None:
        unsure = _local_times(pd.DatetimeIndex([view.unproven.since]).tz_convert("UTC").tz_localize(None))[0]
    with st.container(border=True):
        steps(
            frame, {**names_by_key, OTHERS: text("stock_others")}, view.ticks, text("stock_levels_title"), limit, unsure
        )
    note(both_systems("stock_levels_article" if view.article else "stock_levels_about"))


def _in_unit(view: View, title: str) -> Markdown:
    """Return the title of a chart, with the unit of its sums if there are several units."""
    if view.scope.summed_unit is None and not view.total.unit:
        return text(title)
    return f"{text(title)} · {unit_name(view.total.unit)}"


def _reorder_limit(app: Application, view: View) -> Limit | None:
    """Return the reorder level of an article as a line of the chart, if the books have one."""
    if not view.article:
        return None
    name = f"reorder {view.article} {app.flows.settings(app.stock.flow).model_dump()['reorder']}"
    (level,) = ask_live(app, name, lambda: [app.stock.reorder_level(view.article)]) or [None]
    return None if level is None else Limit(float(level), text("stock_reorder_at", level=view.in_its_unit(level)))


def purchases(app: Application, view: View) -> None:
    """Draw the quantity of an article that the books have on order, which cannot be sold yet."""
    if not view.article:
        return
    (purchase_totals,) = ask_live(app, f"purchases {view.article}", lambda: [app.stock.purchases(view.article)]) or [
        None
    ]
    if purchase_totals is not None:
        ordered = view.in_its_unit(purchase_totals.ordered)
        sentence = text("stock_purchased", ordered=ordered)
        if purchase_totals.expected:
            sentence = text("stock_purchased_until", ordered=ordered, day=table_day(purchase_totals.expected))
        small(f":material/local_shipping: {sentence}")


def _local_times(moments: pd.Index) -> pd.DatetimeIndex:
    """Return moments of the log in the time zone of the session."""
    return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(str(zone())).tz_localize(None)


def movements(app: Application, view: View) -> None:
    """Draw increases and decreases: those of the till between two runs, and those that runs wrote."""
    moved = app.stock.moved(view.scope)
    with section_with_actions(_in_unit(view, "stock_moves_title")):
        download("movements", lambda: with_utc(moved))
    if moved.empty:
        empty("swap_vert", text("stock_moves_none"), text("stock_moves_none_about"))
        return
    names = {"till": system_name(TILL.system), "books": system_name(BOOKS.system)}
    with st.container(border=True):
        shown_at = moved.assign(period=_local_times(pd.Index(moved["period"])))
        unit = pd.Timedelta(hours=1 if view.scope.unit == "hour" else 24)
        increases_and_decreases(shown_at, names, view.ticks, text("stock_moves_title"), unit)
    note(both_systems("stock_moves_about"))


def article_list(app: Application, view: View) -> None:
    """Draw articles with their level and days left. A click opens an article."""
    parameters = st.query_params
    show = parameters.get("show", "all" if view.article else "soon")
    show, sort, find = show if show in SHOWS else "soon", parameters.get("sort", "days"), ""

    def page(offset: int, limit: int) -> pd.DataFrame:
        listing = StockListing(cast("Show", show), find, cast("Sort", sort))
        return app.stock.forecast(view.scope, view.now, listing, offset, limit)

    with section_with_actions(text("stock_list_title"), both_systems("stock_list_about", days=view.days)):
        download("articles", lambda: _outlook_listed(page))
    if not view.article:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            show = choice("show", SHOWS, "soon", lambda name: text(f"stock_show_{name}", days=SOON_DAYS), ("page",))
            sort = choice("sort", SORTS, "days", lambda name: text(f"stock_sort_{name}"), ("page",))
            find = search(text("find_stock"))
    lines = page(0, SIZE)
    total = int(lines["found"].iloc[0]) if len(lines) else 0
    if not total:
        _none_listed(show, find)
        return
    if offset := page_offset("page", total, SIZE):
        lines = page(offset, SIZE)
    frame = app.stock.lasting(lines, view.scope, view.now)
    frame["branch"] = [view.branches.get(code, code) for code in frame["branch"]]
    columns = {
        "article": CONFIG.TextColumn(text("col_code")),
        "title": CONFIG.TextColumn(text("col_name")),
        "branch": CONFIG.TextColumn(text("col_stock_branch")),
        "level": CONFIG.NumberColumn(text("col_stock_level")),
        "unit": CONFIG.TextColumn(text("col_unit")),
        "pace": CONFIG.NumberColumn(text("col_stock_pace")),
        "days": CONFIG.NumberColumn(text("col_stock_days")),
        "out": CONFIG.DateColumn(text("col_stock_out")),
        "trail": CONFIG.AreaChartColumn(text("col_stock_trail"), color="gray", width=128),
    }
    clicked = browse(frame, columns, f"stock-{show}-{sort}-{offset}", text("stock_list_title"), {"out": table_day})
    pages("page", total, SIZE)
    if clicked is not None and not view.article:
        st.query_params["article"] = str(lines["article"].iloc[clicked])
        st.rerun()


def _none_listed(show: str, find: str) -> None:
    if show == "soon" and not find:
        empty("task_alt", text("stock_none_soon", days=SOON_DAYS), text("stock_none_soon_about"))
    elif no_match(text("stock_list_none"), text("stock_list_none_about")):
        article = st.query_params.get("article", "")
        st.query_params.clear()
        keep_in_address("article", article)
        clear_address("period", "branch", "group", "show", "sort")
        clear_search()


def _outlook_listed(page: Callable[[int, int], pd.DataFrame]) -> pd.DataFrame:
    """Return every line of the list with the numbers behind it."""
    parts: list[pd.DataFrame] = []
    while not parts or len(parts[-1]) == EXPORTED_AT_ONCE:
        parts.append(page(EXPORTED_AT_ONCE * len(parts), EXPORTED_AT_ONCE))
    return with_utc(pd.concat(parts).drop(columns="found"))


# ---- differences between the systems --------------------------------------------------------------------------------


def differences_of(app: Application, view: View) -> None:
    """Draw the changes of the waiting plan, or a button that compares the systems. A comparison writes nothing."""
    status = view.status
    run = status.waiting
    with section_with_actions(text("stock_differences"), _difference_time(run, status.last_completed_run)):
        if run is not None:
            download("differences", lambda: _differences_listed(app, run, view))
            if st.button(text("btn_stock_open"), icon=":material/difference:", key="open_stock"):
                st.switch_page("pages/preview.py", query_params={"flow": app.stock.flow, "plan": run.id})
        pressed = (
            may(Runs.preview)
            and not status.active
            and st.button(
                text("btn_compare_stock"),
                icon=":material/compare_arrows:",
                key="compare",
                help=text("compare_stock_about"),
            )
        )
    if pressed:
        act(lambda: app.runs.preview(PreviewRequest(app.stock.flow, person(), Mode.COMPLETE)))
    if status.active:
        progress_strip(app, status.active.id)
    elif run is None:
        empty("balance", text("stock_differences_none"), text("compare_stock_about"))
    else:
        _differences_table(app, view, run)


def _difference_time(run: Run | None, last: Run | None) -> Markdown:
    if run is not None:
        return text("stock_differences_waits", moment=moment(run.started_at))
    if last is not None:
        return text("stock_differences_since", moment=moment(last.ended_at))
    return text("stock_differences_never")


def _differences_table(app: Application, view: View, run: Run) -> None:
    total = app.plans.count(run.id, "planned", view.article)
    offset = page_offset("page2", total, SIZE)
    level_differences = list(
        open_differences(app.plans.rows(run.id, "planned", view.article, offset, SIZE), view.scope)
    )
    if not level_differences:
        empty("balance", text("stock_differences_not_here"), text("stock_differences_not_here_about"))
    elif (clicked := _clicked_difference(app, view, level_differences, f"differences-{offset}")) is not None:
        query = {"flow": app.stock.flow, "plan": run.id, "show": "all", "record": str(level_differences[clicked].seq)}
        st.switch_page("pages/preview.py", query_params=query)
    pages("page2", total, SIZE)
    if total > SIZE:
        note(quantity_text("stock_article", total))


def _clicked_difference(
    app: Application, view: View, level_differences: Sequence[LevelDifference], key: str
) -> int | None:
    """Draw the differences between the systems, and return the position of the clicked row."""
    frame = pd.DataFrame(
        {
            "article": [difference.article for difference in level_differences],
            "title": [difference.title for difference in level_differences],
            "branch": [view.branches.get(difference.branch, difference.branch) for difference in level_differences],
            "source": [float(difference.source) for difference in level_differences],
            "target": [
                None if difference.target is None else float(difference.target) for difference in level_differences
            ],
            "gap": [None if difference.gap is None else float(difference.gap) for difference in level_differences],
            "unit": [difference.unit for difference in level_differences],
            "why": [_reason_text(difference) for difference in app.stock.reasons(level_differences)],
        }
    )
    columns = {
        "article": CONFIG.TextColumn(text("col_code")),
        "title": CONFIG.TextColumn(text("col_name")),
        "branch": CONFIG.TextColumn(text("col_stock_branch")),
        "source": CONFIG.NumberColumn(system_name(BOOKS.system)),
        "target": CONFIG.NumberColumn(system_name(TILL.system)),
        "gap": CONFIG.NumberColumn(text("col_difference")),
        "unit": CONFIG.TextColumn(text("col_unit")),
        "why": CONFIG.TextColumn(text("col_stock_why")),
    }
    return browse(frame, columns, key, text("stock_differences"), {"gap": change_text})


def _reason_text(why: LevelReason) -> str:
    """Return the changes in each system since a level was last written."""
    if why.since is None:
        return text("stock_why_never")
    moved = ((TILL.system, why.target), (BOOKS.system, why.source))
    return " · ".join(
        text("stock_why", system=system_name(system), change=change_text(float(change)), moment=moment(why.since))
        for system, change in moved
        if change
    )


def _differences_listed(app: Application, run: Run, view: View) -> pd.DataFrame:
    def all_differences() -> Iterator[LevelDifference]:
        offset = 0
        while rows := app.plans.rows(run.id, "planned", view.article, offset, EXPORTED_AT_ONCE):
            offset += len(rows)
            yield from open_differences(rows, view.scope)

    branch_names = view.branches
    lines = [
        (
            difference.article,
            difference.title,
            difference.branch,
            branch_names.get(difference.branch, ""),
            difference.source,
            difference.target,
            difference.gap,
            difference.unit,
        )
        for difference in all_differences()
    ]
    return rows_in(
        ["article", "title", "branch", "branch_name", BOOKS.system, TILL.system, "difference", "unit"], lines
    )
