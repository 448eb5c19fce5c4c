"""Stock on screen: what is looked at, the two charts, the list of what runs out, and the differences."""

# ruff: noqa: TID251 - pages speak to the browser, in tables

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, cast

import pandas as pd
import streamlit as st

from integration.core.errors import IntegrationError
from integration.core.run import Mode, Run
from integration.log.logbook import StockScope, StockSums
from integration.services import Application
from integration.services.stock import SOON_DAYS, Difference, differences, out_on, period, reason, unproven_since
from integration.store.issues import IssueState
from pages.components.shared.application import person
from pages.components.shared.charts import Limit, steps, ups_and_downs
from pages.components.shared.draft import asked
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import attempt, choice, empty, note, page_offset, pages, search, section, small
from pages.components.shared.runs import progress_strip
from pages.components.shared.tables import Columns, browse
from pages.components.shared.wording import (
    change_text,
    counted,
    moment,
    number,
    plain,
    system_name,
    table_day,
    term,
    text,
    zone,
)

PERIODS = ("7", "30", "90", "365")
PERIOD = "30"
SHOWS = ("soon", "falling", "steady", "all")
SORTS = ("days", "level", "pace", "article")
SIZE = 100
EXPORTED_AT_ONCE = 5_000
MOST_LINES = 5
YOUNG = timedelta(days=3)  # so long the log tells by the hour, whatever the period
SHORTEST_TRAIL = 3
WEEK = 7
BOOKS, TILL = "accountview", "mplus"

Split = Literal["branch", "group"]
Show = Literal["soon", "falling", "steady", "all"]
Sort = Literal["days", "level", "pace", "article"]


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: the scope of the address, what it comes to, and the names of its parts."""

    now: datetime
    days: int
    scope: StockScope
    sums: StockSums
    branches: Mapping[str, str]
    groups: Mapping[str, str]
    name: str
    unproven: datetime | None = None
    parked: bool = False

    @property
    def article(self) -> str:
        """The article that is looked at, empty for all."""
        return self.scope.article

    @property
    def known(self) -> bool:
        """Whether any level of what is looked at is known."""
        return bool(self.sums.levels)

    @property
    def title(self) -> str:
        named = f"{self.article} · {self.name}" if self.name else self.article
        return plain(named) if self.article else text("nav_stock")

    @property
    def about(self) -> str:
        """What levels the page shows, where they come from, and of when they are."""
        if not self.known:
            return text("stock_about_none")
        sums, system = self.sums, system_name(TILL)
        articles, branches = counted("stock_article", sums.articles), counted("in_branch", sums.branches)
        said = [text("stock_about", system=system, articles=articles, branches=branches)]
        if sums.written_at:
            said.append(term("stock_written", moment=moment(sums.written_at)))
        if sums.found:
            said.append(counted("stock_found", sums.found, moment=moment(sums.found_at)))
        return " · ".join(said)

    @property
    def ticks(self) -> str:
        return text(f"axis_{self.scope.unit}")


def shown(app: Application) -> View | None:
    """Return what the address asks for; None while no level is known at all."""
    now, asked = datetime.now(UTC), st.query_params
    branches = app.logbook.stock_branches()
    if not branches:
        return None
    days = asked.get("period", PERIOD)
    days = days if days in PERIODS else PERIOD
    groups = app.logbook.stock_groups()
    names = {str(line.code): str(line.name) for line in groups.itertuples()}
    branch, group, article = (asked.get(name, "") for name in ("branch", "group", "article"))
    scope = period(int(days), now, article, branch if branch in branches else "", group if group in names else "")
    name = _article_name(app, scope, now) if article else ""
    if scope.unit == "day" and now - app.logbook.span()[0] < YOUNG:
        scope = replace(scope, unit="hour")
    sums = app.logbook.stock_sums(scope, now, SOON_DAYS)
    unproven, parked = _unproven(app, article, now)
    return View(now, int(days), scope, sums, _branch_names(app, branches), names, name, unproven, parked)


def _unproven(app: Application, article: str, now: datetime) -> tuple[datetime | None, bool]:
    """Return since when the levels are not proven, and whether that is because the article is parked."""
    known = app.exceptions.of_record("stock", article) if article else []
    waits = [one for one in known if one.state is not IssueState.CLOSED]
    if waits:
        return min(one.first_seen for one in waits), True
    status = next(one for one in app.flows.statuses() if one.flow.name == "stock")
    minutes = app.flows.settings("stock").schedule_minutes if status.on else None
    return unproven_since(status.last_proof, minutes, now), False


def _article_name(app: Application, scope: StockScope, now: datetime) -> str:
    found = app.logbook.stock_outlook(StockScope(scope.since, scope.article), now, limit=1)
    return str(found["title"].iloc[0]) if len(found) else ""


def _branch_names(app: Application, branches: Sequence[str]) -> dict[str, str]:
    """Return what the till calls the branches; their numbers while it does not answer."""
    kept: dict[bool, Mapping[str, str]] = st.session_state.setdefault("stock_branches", {})
    if app.sandbox.is_connected not in kept:
        try:
            kept[app.sandbox.is_connected] = app.lists.choices(TILL, "branches")
        except IntegrationError:
            kept[app.sandbox.is_connected] = {}
    told = kept[app.sandbox.is_connected]
    shared = [name for name in told.values() if list(told.values()).count(name) > 1]
    return {code: f"{code} · {told[code]}" if told.get(code) in shared else told.get(code) or code for code in branches}


def unknown(view: View) -> None:
    """Say that nothing is known of an article, and lead back to all."""
    title = text("stock_unknown", article=plain(view.article))
    if empty("search_off", title, text("stock_unknown_about"), text("btn_all_articles"), key="unknown_article"):
        st.query_params.pop("article", None)
        st.rerun()


def doubt(view: View) -> None:
    """Say since when levels are not proven, where that is too long ago."""
    if view.unproven is not None:
        said = text("stock_unproven_parked" if view.parked else "stock_unproven", moment=moment(view.unproven))
        small(f":orange[:material/history:] {said}")


def nothing_yet(app: Application) -> None:
    """Lead to the flow of stock, which has not written a level yet."""
    status = next(one for one in app.flows.statuses() if one.flow.name == "stock")
    run = status.active or status.waiting
    label = text("btn_stock_open" if run else "btn_stock_preview")
    if empty("inventory_2", text("stock_none"), text("stock_none_about"), label, key="first_stock"):
        if run is None:
            start_preview(app, "stock")
        else:
            st.switch_page("pages/preview.py", query_params={"flow": "stock", "plan": run.id})


# ---- what is looked at ----------------------------------------------------------------------------------------------


def filters(view: View) -> None:
    """Draw period, branch and group; each is kept in the address."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        choice("period", PERIODS, PERIOD, lambda days: text(f"stock_period_{days}"), ("page", "page2"))
        _pick("branch", {"": text("stock_all_branches"), **view.branches}, text("stock_branch"))
        if not view.article and view.groups:
            _pick("group", {"": text("stock_all_groups"), **view.groups}, text("stock_group"))


def _pick(name: str, options: Mapping[str, str], label: str) -> str:
    """Draw a choice of one among many; the address holds its code."""

    def keep() -> None:
        chosen = st.session_state[f"_{name}"]
        for other in ("page", "page2"):
            st.query_params.pop(other, None)
            st.session_state.pop(other, None)
        if chosen:
            st.query_params[name] = chosen
        else:
            st.query_params.pop(name, None)

    codes, asked = list(options), st.query_params.get(name, "")
    at = codes.index(asked) if asked in options else 0
    found = st.selectbox(
        label, codes, index=at, format_func=lambda code: options[code], key=f"_{name}", on_change=keep,
        label_visibility="collapsed", width=260,
    )  # fmt: skip
    return str(found or "")


def numbers(view: View) -> None:
    """Draw what the levels come to."""
    sums, a_week = view.sums, Decimal(str(round(view.sums.fell_a_day * WEEK, 1)))
    with st.grid(4, min_column_width=190):
        st.metric(text("stock_now"), _amount(sums.amount), border=True)
        st.metric(text("stock_a_week"), number(a_week), border=True)
        if view.article:
            lasts = max(0.0, sums.amount) / sums.fell_a_day if sums.fell_a_day else None
            day = None if lasts is None else out_on(lasts, view.now)
            st.metric(
                text("stock_lasts"), text("stock_no_date") if lasts is None else _days(lasts), border=True,
                delta=None if day is None else text("stock_until", day=table_day(day)), delta_color="off",
                delta_arrow="off",
            )  # fmt: skip
        else:
            st.metric(text("stock_soon", days=SOON_DAYS), number(sums.soon), border=True)
        st.metric(text("stock_gone"), number(sums.gone), border=True)


def _amount(value: float) -> str:
    return number(Decimal(str(round(value, 3))))


def _days(days: float) -> str:
    return counted("day", int(days))


# ---- charts ---------------------------------------------------------------------------------------------------------


def levels(app: Application, view: View) -> None:
    """Draw the levels over time: of one article in each branch, else of all together by branch or by group."""
    with _titled("stock_levels_title") as tools:
        split = "branch"
        if not view.article and view.groups:
            with tools:
                split = choice("by", ("branch", "group"), "branch", lambda name: text(f"stock_split_{name}"))
        with tools:
            _download("levels", lambda: _levels_csv(app, view, cast("Split", split)))
    names = {**view.branches} if split == "branch" else {**view.groups, "": text("stock_without_group")}
    frame = _fewer(_levels(app, view, cast("Split", split)), names)
    limit, unsure = _reorder(app, view), None
    if view.unproven is not None:
        unsure = _here(pd.DatetimeIndex([view.unproven]).tz_convert("UTC").tz_localize(None))[0]
    with st.container(border=True):
        steps(frame, names, view.ticks, text("stock_levels_title"), limit, unsure)
    note(_about("stock_levels_article" if view.article else "stock_levels_about"))


def _reorder(app: Application, view: View) -> Limit | None:
    """Return the line at which an article is to be ordered again, where the books have one."""
    if not view.article:
        return None
    name = f"reorder {view.article} {app.flows.settings('stock').model_dump()['reorder']}"
    found = asked(app, name, lambda: [app.reorder_level(view.article)])
    level = found[0] if found else None
    return None if level is None else Limit(float(level), text("stock_reorder_at", level=number(level)))


def _levels(app: Application, view: View, split: Split) -> pd.DataFrame:
    """Return the levels with a row for each moment and a column for each branch or group, up to now."""
    if view.article:
        told = app.logbook.stock_points(view.scope).rename(columns={"happened_at": "period", "branch": "series"})
    else:
        told = app.logbook.stock_over_time(view.scope, split)
    wide = told.pivot_table(index="period", columns="series", values="amount", aggfunc="last").astype(float)
    end = pd.Timestamp(view.now).tz_localize(None)
    if end not in wide.index:
        wide.loc[end] = float("nan")
    wide.index = _here(wide.index)
    return wide.ffill()


def _here(moments: pd.Index) -> pd.DatetimeIndex:
    """Return moments of the log as the clock of whoever looks shows them."""
    return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(str(zone())).tz_localize(None)


def _fewer(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return the largest lines, and the rest as one."""
    if len(frame.columns) <= MOST_LINES:
        return frame
    largest = frame.iloc[-1].sort_values(ascending=False).index[: MOST_LINES - 1]
    names["others"] = text("stock_others")
    return frame[list(largest)].assign(others=frame.drop(columns=list(largest)).sum(axis=1))


def _levels_csv(app: Application, view: View, split: Split) -> str:
    if view.article:
        return app.logbook.stock_points(view.scope).to_csv(index=False)
    return app.logbook.stock_over_time(view.scope, split).rename(columns={"series": split}).to_csv(index=False)


def movements(app: Application, view: View) -> None:
    """Draw what rose and fell: at the till between two runs, and by what the runs wrote."""
    moved = app.logbook.stock_moved(view.scope)
    with _titled("stock_moves_title") as tools, tools:
        _download("movements", lambda: moved.to_csv(index=False))
    if moved.empty:
        empty("swap_vert", text("stock_moves_none"), text("stock_moves_none_about"))
        return
    names = {"till": system_name(TILL), "books": system_name(BOOKS)}
    with st.container(border=True):
        shown_at = moved.assign(period=_here(pd.Index(moved["period"])))
        unit = pd.Timedelta(hours=1 if view.scope.unit == "hour" else 24)
        ups_and_downs(shown_at, names, view.ticks, text("stock_moves_title"), unit)
    note(_about("stock_moves_about"))


class _titled:  # noqa: N801 - used as a statement
    """The head of a section with room for what acts on it at its right."""

    def __init__(self, title: str, about: str = "", **facts: object) -> None:
        self._said = text(title), _about(about, **facts) if about else ""

    def __enter__(self) -> st.delta_generator.DeltaGenerator:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            with st.container(width="stretch", gap=None):
                section(*self._said)
            return st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center")

    def __exit__(self, *_: object) -> None:
        return None


def _about(key: str, **facts: object) -> str:
    return text(key, source=system_name(BOOKS), target=system_name(TILL), **facts)


def _download(name: str, data: Callable[[], str]) -> None:
    st.download_button(
        text("btn_csv"), data=data, file_name=f"stock-{name}.csv", icon=":material/download:", on_click="ignore",
        mime="text/csv", key=f"csv-{name}",
    )  # fmt: skip


# ---- what runs out --------------------------------------------------------------------------------------------------


def article_list(app: Application, view: View) -> None:
    """Draw articles with their level and how long it lasts; a click opens an article."""
    asked = st.query_params
    show = asked.get("show", "all" if view.article else "soon")
    show, sort = show if show in SHOWS else "soon", asked.get("sort", "days")

    def page(offset: int, limit: int) -> pd.DataFrame:
        return app.logbook.stock_outlook(
            view.scope, view.now, cast("Show", show), find, cast("Sort", sort), SOON_DAYS, offset, limit
        )

    with _titled("stock_list_title", "stock_list_about", days=view.days) as tools, tools:
        _download("articles", lambda: _outlook_csv(page))
    find = ""
    if not view.article:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            labels = {name: text(f"stock_show_{name}", days=SOON_DAYS) for name in SHOWS}
            show = choice("show", SHOWS, "soon", lambda name: labels[name], ("page",))
            sort = choice("sort", SORTS, "days", lambda name: f"{text(f'stock_sort_{name}')}", ("page",))
            find = search("find", text("find_stock"))
    lines = page(0, SIZE)
    total = int(lines["found"].iloc[0]) if len(lines) else 0
    if not total:
        _none_listed(show, find)
        return
    if offset := page_offset("page", total, SIZE):
        lines = page(offset, SIZE)
    clicked = browse(
        _outlook_frame(app, view, lines), _outlook_columns(), f"stock-{show}-{sort}-{offset}",
        text("stock_list_title"), {"out": table_day},
    )  # fmt: skip
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


def _outlook_frame(app: Application, view: View, lines: pd.DataFrame) -> pd.DataFrame:
    trails = app.logbook.stock_trails(sorted(set(lines["article"])), view.scope.since)
    places = zip(trails["article"], trails["branch"], trails["amounts"], strict=True)
    by_place = {
        (article, branch): [float(one) for one in amounts] for article, branch, amounts in places
        if len(amounts) >= SHORTEST_TRAIL
    }  # fmt: skip
    days = [None if pd.isna(one) else float(one) for one in lines["days_left"]]
    return pd.DataFrame(
        {
            "article": lines["article"].astype(str),
            "title": lines["title"].fillna("").astype(str),
            "branch": [view.branches.get(one, one) for one in lines["branch"]],
            "level": lines["amount"].astype(float),
            "pace": (lines["fell_a_day"] * WEEK).round(1),
            "days": pd.array([None if one is None else int(one) for one in days], dtype="Int64"),
            "out": [None if one is None else out_on(one, view.now) for one in days],
            "trail": [by_place.get((line.article, line.branch), []) for line in lines.itertuples()],
        }
    )


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


# ---- differences ----------------------------------------------------------------------------------------------------


def differences_of(app: Application, view: View) -> None:
    """Draw what the plan that waits would change, or offer a comparison, which writes nothing."""
    status = next(one for one in app.flows.statuses() if one.flow.name == "stock")
    run = status.waiting
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="stretch", gap=None):
            section(text("stock_differences"), _as_of(run, status.last))
        with st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center"):
            if run is not None:
                _download("differences", lambda: _differences_csv(app, run, view))
                if st.button(text("btn_stock_open"), icon=":material/difference:", key="open_stock"):
                    st.switch_page("pages/preview.py", query_params={"flow": "stock", "plan": run.id})
            pressed = not status.active and st.button(
                text("btn_compare_stock"), icon=":material/compare_arrows:", key="compare",
                help=text("compare_stock_about"),
            )  # fmt: skip
    if pressed:
        attempt(lambda: app.runs.preview("stock", person(), Mode.COMPLETE))
        st.rerun()
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
    found = [
        one for one in differences(app.plans.rows(run.id, "planned", view.article, offset, SIZE)) if _in(view, one)
    ]
    if not found:
        empty("balance", text("stock_differences_not_here"), text("stock_differences_not_here_about"))
    else:
        clicked = browse(_differences_frame(app, view, found), _differences_columns(), f"differences-{offset}",
                         text("stock_differences"), {"gap": change_text})  # fmt: skip
        if clicked is not None:
            query = {"flow": "stock", "plan": run.id, "show": "all", "record": str(found[clicked].seq)}
            st.switch_page("pages/preview.py", query_params=query)
    pages("page2", total, SIZE)
    if total > SIZE:
        note(counted("stock_article", total))


def _in(view: View, one: Difference) -> bool:
    return view.article in ("", one.article) and view.scope.branch in ("", one.branch)


def _differences_frame(app: Application, view: View, found: Sequence[Difference]) -> pd.DataFrame:
    lines = app.logbook.stock_written(sorted({one.article for one in found})).itertuples()
    written = {(line.article, line.branch): line for line in lines}
    return pd.DataFrame(
        {
            "article": [one.article for one in found],
            "title": [one.title for one in found],
            "branch": [view.branches.get(one.branch, one.branch) for one in found],
            "source": [float(one.source) for one in found],
            "target": [None if one.target is None else float(one.target) for one in found],
            "gap": [None if one.gap is None else float(one.gap) for one in found],
            "why": [_why(one, written.get((one.article, one.branch))) for one in found],
        }
    )


def _why(one: Difference, written: Any) -> str:
    """Return what moved since a level was written last, and where."""
    since = None if written is None else written.written_at.to_pydatetime().replace(tzinfo=UTC)
    why = reason(one, None if written is None else Decimal(str(written.amount)), since)
    if why.since is None:
        return text("stock_why_never")
    moved = ((TILL, why.target), (BOOKS, why.source))
    return " · ".join(
        text("stock_why", system=system_name(system), change=change_text(float(change)), moment=moment(why.since))
        for system, change in moved
        if change
    )


def _differences_columns() -> Columns:
    config = st.column_config
    return {
        "article": config.TextColumn(text("col_code"), width=112),
        "title": config.TextColumn(text("col_name"), width=260),
        "branch": config.TextColumn(text("col_stock_branch"), width=160),
        "source": config.NumberColumn(system_name(BOOKS), width=104),
        "target": config.NumberColumn(system_name(TILL), width=104),
        "gap": config.NumberColumn(text("col_difference"), width=104),
        "why": config.TextColumn(text("col_stock_why"), width="large"),
    }


def _differences_csv(app: Application, run: Run, view: View) -> str:
    def every() -> Iterator[Difference]:
        offset = 0
        while rows := app.plans.rows(run.id, "planned", view.article, offset, EXPORTED_AT_ONCE):
            offset += len(rows)
            yield from (one for one in differences(rows) if _in(view, one))

    lines = [
        (one.article, one.title, one.branch, str(one.source), "" if one.target is None else str(one.target))
        for one in every()
    ]
    return pd.DataFrame(lines, columns=["article", "title", "branch", BOOKS, TILL]).to_csv(index=False)
