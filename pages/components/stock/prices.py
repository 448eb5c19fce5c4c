"""The price of an article for a customer: every rule that could set it, and the price that the till answers."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import streamlit as st

from integration.application.application import Application
from integration.core.prices import PriceStep
from integration.flows.settings import BOOKS, TILL
from integration.services.prices import KnownRecord, PriceComparison
from pages.components.shared.layout import answer_or_error, inline, note, section, select_input
from pages.components.shared.tables import table
from pages.components.shared.wording import Markdown, field_date, money_text, number, plain, system_name, text

MAX_QUANTITY = 100_000


def prices_section(app: Application) -> None:
    """Draw the prices, if customer prices are sent to the till."""
    if not app.prices.are_sent():
        return
    section(
        text("prices_title"), text("prices_about", source=system_name(BOOKS.system), target=system_name(TILL.system))
    )
    customers, articles = app.prices.customers(), app.prices.articles()
    branches = app.lists.captions(TILL.system, "branches")
    if not (articles and branches):
        note(text("prices_none"))
        return
    people = {"": None, **{customer.key: customer for customer in customers}}
    goods = {article.key: article for article in articles}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        whom = {key: _title(customer) for key, customer in people.items()}
        who = select_input("price_customer", whom, text("prices_customer"), width="stretch", is_labelled=True)
        article_names = {key: _title(article) for key, article in goods.items()}
        article_key = select_input(
            "price_article", article_names, text("prices_article"), width="stretch", is_labelled=True
        )
        quantity = st.number_input(
            text("prices_quantity"), 1, MAX_QUANTITY, key="price_quantity", bind="query-params", width=120
        )
        branch = select_input("price_branch", branches, text("stock_branch"), width="stretch", is_labelled=True)
        day = _sale_day(app)
    comparison = answer_or_error(
        lambda: app.prices.explain_price(people[who], goods[article_key], Decimal(quantity), branch, day)
    )
    if comparison is None:
        note(text("prices_none"))
        return
    _draw_prices(comparison)
    _steps(comparison, branches)


def _sale_day(app: Application) -> date | None:
    """Draw the choice of the day of the sale if offers are sent, and return it."""
    today = app.prices.offer_day()
    if today is None:
        return None
    chosen = st.date_input(text("prices_day"), today, format=field_date(), key="price_day", width=150)
    return chosen if isinstance(chosen, date) else today


def _title(known_record: KnownRecord | None) -> str:
    return f"{known_record.key} · {known_record.title}" if known_record else text("prices_nobody")


def _draw_prices(comparison: PriceComparison) -> None:
    """Draw the prices of both systems side by side, and whether they are equal."""
    vat = text("prices_with_vat" if comparison.paid.incl else "prices_without_vat")
    with st.grid(2, min_column_width=190):
        st.metric(system_name(BOOKS.system), _price_written(comparison.paid.total), border=True)
        st.metric(system_name(TILL.system), _price_written(comparison.charged), border=True)
    note(f"{_price_verdict(comparison)} · {vat}")


def _price_verdict(comparison: PriceComparison) -> Markdown:
    if comparison.proven is None:
        return inline("off", text("prices_not_proven"))
    return inline("proven", text("prices_proven")) if comparison.proven else inline("failed", text("prices_differ"))


def _steps(comparison: PriceComparison, branches: Mapping[str, str]) -> None:
    """Draw every rule that could set the price, the most specific last; that one wins."""
    rows: Sequence[Mapping[str, str]] = [
        {
            text("prices_col_by"): _origin_text(step, branches),
            text("prices_col_source"): _source(step, comparison),
            text("prices_col_from"): number(step.minimum) if step.minimum else "",
            text("prices_col_says"): f"{number(step.candidate_value)} %"
            if step.is_percent
            else _price_written(step.candidate_value),
            text("prices_col_piece"): _price_written(step.price),
            text("prices_col_wins"): "✓" if step.wins else "",
        }
        for step in comparison.paid.steps
    ]
    table(rows, text("prices_title"))


def _origin_text(step: PriceStep, branches: Mapping[str, str]) -> str:
    name = branches.get(step.number, step.number) if step.by == "branch" else step.number
    return text(f"prices_by_{step.by}", number=name)


def _source(step: PriceStep, comparison: PriceComparison) -> str:
    """Return the record of the books that sets a price: an article, a row of a price list, or the debtor."""
    customer = comparison.customer.key if comparison.customer else ""
    code = comparison.sources.get(f"{step.by}:{step.number}", "")
    return text(f"prices_from_{step.by}", article=comparison.article.key, customer=customer, code=code)


def _price_written(amount: Decimal | None) -> Markdown:
    return plain("–" if amount is None else money_text(float(amount)))
