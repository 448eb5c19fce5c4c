"""Stock: levels and movements over time, articles that run out, and differences between the systems. Writes nothing."""

import streamlit as st

from pages.components.shared.application import application
from pages.components.shared.layout import answer_or_error, clear_address, failures, head
from pages.components.shared.wording import sandbox_badges, text
from pages.components.stock.forecast import article_list, differences_of, levels, movements, purchases
from pages.components.stock.prices import prices_section
from pages.components.stock.view import (
    draw_nothing_yet,
    filters,
    numbers,
    reservations_notice,
    unknown_article,
    unproven_since,
    view_of_address,
)

app = application()


def stock() -> None:
    """Draw the levels in the log, or the link to the flow that writes the first ones."""
    view = view_of_address(app)
    if view is None:
        head(text("nav_stock"), text("stock_about_none"), sandbox_badges(app.sandbox.is_connected))
        failures()
        draw_nothing_yet(app)
        reservations_notice(app)
        prices_section(app)
        return
    with head(view.title, view.about, sandbox_badges(app.sandbox.is_connected)):
        if view.article and st.button(
            text("btn_all_articles"), icon=":material/arrow_back:", type="tertiary", key="all_articles"
        ):
            clear_address("article")
            st.rerun()
    failures()
    filters(view)
    if view.article and not view.has_known_level:
        unknown_article(view)
        return
    numbers(view)
    unproven_since(view)
    purchases(app, view)
    reservations_notice(app)
    with st.grid(2, min_column_width=400) as grid:
        with grid.cell():
            levels(app, view)
        with grid.cell():
            movements(app, view)
    article_list(app, view)
    differences_of(app, view)
    prices_section(app)


answer_or_error(stock)
