"""The scope of the stock page as given in the address, with its totals, names and filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.flows.settings import BOOKS, TILL
from integration.services.runs.flows import FlowStatus
from integration.services.stock import SOON_DAYS, StockScope, StockSums, Total, Unproven, run_out_date
from pages.components.setup.missing_settings import missing_setting_sentence
from pages.components.shared.application import may_open
from pages.components.shared.downloads import downloads
from pages.components.shared.flows import offer_preview
from pages.components.shared.layout import choice, clear_address, empty, note, select_input, small
from pages.components.shared.wording import (
    Markdown,
    moment,
    number,
    plain,
    quantity_text,
    system_name,
    table_day,
    term,
    text,
)

PERIODS = ("7", "30", "90", "365")
PERIOD = "30"
NO_UNIT = "-"  # a missing unit, in an address


def both_systems(key: str, **facts: Markdown | int) -> Markdown:
    """Return a text that names both systems."""
    return text(key, source=system_name(BOOKS.system), target=system_name(TILL.system), **facts)


def download(name: str, make_frame: Callable[[], pd.DataFrame]) -> None:
    """Draw the download of a list."""
    downloads(f"stock-{name}", make_frame, key=name)


@dataclass(frozen=True, slots=True)
class View:
    """The scope of the stock page, its totals, and the names of its branches and groups."""

    now: datetime
    days: int
    scope: StockScope
    sums: StockSums
    branches: Mapping[str, str]
    groups: Mapping[str, str]
    name: str
    status: FlowStatus  # status of the flow that writes stock
    unproven: Unproven | None = None

    @property
    def article(self) -> str:
        """Code of the selected article; empty for all articles."""
        return self.scope.article

    @property
    def has_known_level(self) -> bool:
        """True if any level in the scope is known."""
        return bool(self.sums.levels)

    @property
    def title(self) -> Markdown:
        article_title = f"{self.article} · {self.name}" if self.name else self.article
        return plain(article_title) if self.article else text("nav_stock")

    @property
    def about(self) -> Markdown:
        """Subtitle of the page: number of articles and branches, source, and moment of the levels."""
        if not self.has_known_level:
            return text("stock_about_none")
        sums, system = self.sums, system_name(TILL.system)
        articles, branches = quantity_text("stock_article", sums.articles), quantity_text("in_branch", sums.branches)
        phrases = [text("stock_about", system=system, articles=articles, branches=branches)]
        if sums.written_at:
            phrases.append(term("stock_written", moment=moment(sums.written_at)))
        if sums.unwritten_count:
            phrases.append(quantity_text("stock_unwritten", sums.unwritten_count, moment=moment(sums.found_at)))
        return " · ".join(phrases)

    @property
    def total(self) -> Total:
        """Total of the scope in the selected unit."""
        unit_totals = (
            unit_total for unit_total in self.sums.totals if self.scope.summed_unit in (None, unit_total.unit)
        )
        return next(unit_totals, Total())

    def in_its_unit(self, amount: Decimal) -> Markdown:
        """Return a quantity with the selected unit."""
        return in_unit(amount, self.total.unit)

    @property
    def ticks(self) -> str:
        return text(f"axis_{self.scope.unit}")


def view_of_address(app: Application) -> View | None:
    """Return the view for the address, or None if no level is known at all."""
    now, parameters = datetime.now(UTC), st.query_params
    branches, groups = app.stock.branches(), app.stock.groups()
    if not branches:
        return None
    days = parameters.get("period", PERIOD)
    days = days if days in PERIODS else PERIOD
    branch, group, article = (parameters.get(name, "") for name in ("branch", "group", "article"))
    scope = app.stock.scope(
        int(days), now, article, branch if branch in branches else "", group if group in groups else ""
    )
    name = app.stock.title(scope, now) if article else ""
    sums, names = app.stock.sums(scope, now), _branch_names(app, branches)
    units = [unit_total.unit for unit_total in sums.totals]
    if len(units) > 1:
        unit_parameter = parameters.get("unit", "")
        scope = replace(
            scope,
            summed_unit=units[0] if unit_parameter not in (*units, NO_UNIT) else unit_parameter.removeprefix(NO_UNIT),
        )
    status = app.flows.status(app.stock.flow)
    return View(
        now,
        int(days),
        scope,
        sums,
        names,
        groups,
        name,
        status,
        app.stock.unproven(article, status.unproven_since, now),
    )


def in_unit(amount: Decimal, unit: str) -> Markdown:
    """Return a quantity with its unit, if the unit is known."""
    return f"{number(amount)} {plain(unit)}" if unit else number(amount)


def unit_name(unit: str) -> Markdown:
    """Return the name of a unit, or a text for a missing unit."""
    return plain(unit) if unit else text("stock_no_unit")


def _branch_names(app: Application, branches: Sequence[str]) -> dict[str, str]:
    """Return the branch names of the till, or their numbers if it does not answer. Cached in the session."""
    cached_names: dict[bool, Mapping[str, str]] = st.session_state.setdefault("stock_branches", {})
    if app.sandbox.is_connected not in cached_names:
        try:
            cached_names[app.sandbox.is_connected] = app.lists.choices(TILL.system, "branches")
        except IntegrationError:
            cached_names[app.sandbox.is_connected] = {}
    names_by_code = cached_names[app.sandbox.is_connected]
    shared = [name for name in names_by_code.values() if list(names_by_code.values()).count(name) > 1]
    return {
        code: f"{code} · {names_by_code[code]}"
        if names_by_code.get(code) in shared
        else names_by_code.get(code) or code
        for code in branches
    }


def unknown_article(view: View) -> None:
    """Show that nothing is known of an article, and link to all articles."""
    title = text("stock_unknown", article=plain(view.article))
    if empty("search_off", title, text("stock_unknown_about"), text("btn_all_articles"), key="unknown_article"):
        clear_address("article")
        st.rerun()


def unproven_since(view: View) -> None:
    """Show since when levels are unproven, if that is too long."""
    if view.unproven is not None:
        sentence = text(
            "stock_unproven_parked" if view.unproven.parked else "stock_unproven", moment=moment(view.unproven.since)
        )
        small(f":orange[:material/history:] {sentence}")


def reservations_notice(app: Application) -> None:
    """Show that levels ignore reservations until the setting is answered, and link to its question."""
    lacks = app.setup.missing_setting(app.stock.flow, "reservations")
    if lacks is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            small(f":orange[:material/info:] {missing_setting_sentence(lacks.reason)}")
            if may_open("setup") and st.button(text("btn_answer"), key="reservations", type="tertiary"):
                where = {"step": "questions", "question": f"{app.stock.flow}.reservations"}
                st.switch_page("pages/setup.py", query_params=where)


def draw_nothing_yet(app: Application) -> None:
    """Draw the link to the stock flow, which has not written a level yet."""
    status = next(candidate for candidate in app.flows.statuses() if candidate.flow.name == app.stock.flow)
    run = status.active or status.waiting
    title, about = text("stock_none"), text("stock_none_about")
    if run is None:
        offer_preview(app, "inventory_2", title, about, text("btn_stock_preview"), app.stock.flow)
    elif empty("inventory_2", title, about, text("btn_stock_open"), key="first"):
        st.switch_page("pages/preview.py", query_params={"flow": app.stock.flow, "plan": run.id})


def filters(view: View) -> None:
    """Draw the filters for period, branch, group and unit, which are stored in the address."""
    pages = ("page", "page2")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        choice("period", PERIODS, PERIOD, lambda days: text(f"stock_period_{days}"), pages)
        branches = {"": text("stock_all_branches"), **view.branches}
        select_input("branch", branches, text("stock_branch"), no_longer=pages)
        if not view.article and view.groups:
            select_input("group", {"": text("stock_all_groups"), **view.groups}, text("stock_group"), no_longer=pages)
        if view.scope.summed_unit is not None:
            units = {unit_total.unit or NO_UNIT: unit_name(unit_total.unit) for unit_total in view.sums.totals}
            select_input("unit", units, text("stock_unit"), 160)


def numbers(view: View) -> None:
    """Draw the totals of the scope."""
    sums, total, lasts = view.sums, view.total, view.total.days_left
    with st.grid(4, min_column_width=190):
        st.metric(text("stock_now"), view.in_its_unit(total.amount), border=True)
        st.metric(text("stock_a_week"), view.in_its_unit(total.fell_a_week), border=True)
        if view.article:
            day = None if lasts is None else run_out_date(lasts, view.now)
            st.metric(
                text("stock_lasts"),
                text("stock_no_date") if lasts is None else quantity_text("day", int(lasts)),
                border=True,
                delta=None if day is None else text("stock_until", day=table_day(day)),
                delta_color="off",
                delta_arrow="off",
            )
        else:
            st.metric(text("stock_soon", days=SOON_DAYS), number(sums.running_out_count), border=True)
        st.metric(text("stock_sold_out"), number(sums.sold_out_count), border=True)
    if len(sums.totals) > 1:
        unit_totals = (
            in_unit(unit_total.amount, unit_total.unit or term("stock_no_unit")) for unit_total in sums.totals
        )
        note(text("stock_by_unit", totals=" · ".join(unit_totals)))
