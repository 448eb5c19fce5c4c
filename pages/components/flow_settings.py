"""The settings of the flow of products: number, variants, price, and what is sent."""

# ruff: noqa: TID251 - pages speak to the browser, in tables

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

import pandas as pd
import streamlit as st

from integration.bootstrap import Application
from integration.core.records import Field, Kind
from pages.components.draft import Draft, asked, editor, select, toggle
from pages.components.layout import note
from pages.components.wording import field_name, text

NO_FIELD = ""


def source_fields(app: Application, flow: str, kind: Kind) -> list[Field] | None:
    """Return the fields of the source as its dictionary has them, or None with the reason on screen."""
    source = app.flows[flow].source
    return asked(app, f"{source} {kind}", lambda: app.fields(source, kind))


def field_label(fields: Sequence[Field], name: str) -> str:
    """Return how a field of the source is offered: its caption with its own name, or that it is not there."""
    found = next((one for one in fields if one.name == name), None)
    if found is not None:
        return f"{found.caption} ({found.wire or found.name})"
    return text("field_absent", field=field_name(name)) if name else text("field_none")


def settings_tab(app: Application, draft: Draft) -> None:
    """Draw every setting that is a question of its own."""
    fields = source_fields(app, draft.flow, Kind.ARTICLE)
    if fields is None:
        return

    def label(name: str) -> str:
        return field_label(fields, name)

    names = [one.name for one in fields]
    with st.grid(2, min_column_width=330):
        with st.container(border=True, gap="small", height="stretch"):
            _number(draft, names, label)
        with st.container(border=True, gap="small", height="stretch"):
            _price(draft)
        with st.container(border=True, gap="small", height="stretch"):
            _sent(draft)
        with st.container(border=True, gap="small", height="stretch"):
            _variants(draft, names, label)
            note(text("images_not_sent"))


def heading(title: str, *names: str) -> None:
    """Draw the head of a card; the one a repair leads to is marked."""
    asked_for = st.query_params.get("field", "")
    pointer = f" :blue-badge[:material/build: {text('to_repair')}]" if asked_for and asked_for in names else ""
    st.subheader(f"{title}{pointer}", anchor=False)


def _number(draft: Draft, names: Sequence[str], label: Callable[[str], str]) -> None:
    heading(text("settings_number"), "sku_rule", "sku_field")
    rules = ["code", "field", "allotted"]
    rule = st.radio(
        text("setting_sku_rule"), rules, index=rules.index(draft.value("sku_rule")), key=draft.key("sku_rule"),
        format_func=lambda one: f"{text(f'sku_{one}')} :small[:gray[{text(f'sku_{one}_about')}]]",
        label_visibility="collapsed",
    )  # fmt: skip
    draft.put("sku_rule", rule)
    if rule == "field":
        select(draft, "sku_field", names, label)
        if not draft.value("sku_field"):
            draft.wrong["sku_field"] = text("sku_field_missing")
            draft.beside("sku_field")
    note(text("sku_external"))


def _variants(draft: Draft, names: Sequence[str], label: Callable[[str], str]) -> None:
    heading(text("settings_variants"), "parent_field")
    select(draft, "parent_field", [NO_FIELD, *names], label)
    note(text("parent_about"))


def _price(draft: Draft) -> None:
    heading(text("settings_price"), "price_basis", "price_sent", "zero_price", "rates", "default_currency")
    with st.container(horizontal=True, gap="small"):
        select(draft, "price_basis", ["excl", "incl"], lambda one: text(f"price_{one}"))
        select(draft, "price_sent", ["incl", "excl"], lambda one: text(f"price_{one}"))
    with st.container(horizontal=True, gap="small"):
        select(draft, "zero_price", ["send", "park"], lambda one: text(f"zero_{one}"))
        currency = st.text_input(
            text("setting_default_currency"), draft.value("default_currency"), key=draft.key("default_currency"),
            max_chars=3, autocomplete="off",
        )  # fmt: skip
        draft.put("default_currency", (currency or "").strip().upper())
    st.markdown(f":small[**{text('setting_rates')}**]")
    _rates(draft)


def _rates(draft: Draft) -> None:
    rates = draft.value("rates")
    frame = pd.DataFrame(
        {"currency": list(rates), "rate": [format(Decimal(rate), "f") for rate in rates.values()]}, dtype="string"
    )
    config = st.column_config
    edited = editor(
        draft.key("rates"), frame, num_rows="dynamic", width=340, alt=text("setting_rates"),
        columns={
            "currency": config.TextColumn(text("col_currency"), max_chars=3, width=110, required=True),
            "rate": config.TextColumn(text("col_rate", currency=draft.value("default_currency")), width=190,
                                      required=True),
        },
    )  # fmt: skip
    found: dict[str, Decimal] = {}
    for row in edited.fillna("").to_dict("records"):
        name, given = str(row["currency"]).strip().upper(), str(row["rate"]).strip().replace(",", ".")
        if not name and not given:
            continue
        rate = _rate(given)
        if rate is None or not re.fullmatch("[A-Z]{3}", name):
            draft.wrong["rates"] = text("rate_wrong", currency=name or "–", rate=given or "–")
            continue
        found[name] = rate
    draft.put("rates", found)
    draft.beside("rates")
    note(text("rates_about", currency=draft.value("default_currency")))


def _rate(given: str) -> Decimal | None:
    try:
        rate = Decimal(given)
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and rate > 0 else None


def _sent(draft: Draft) -> None:
    heading(text("settings_sent"), "content", "offer", "groups", "blocked", "retire")
    for part in ("content", "offer"):
        with st.container(gap="xsmall"):
            st.markdown(f":small[**{text(f'part_{part}')}** :gray[{text(f'part_{part}_about')}]]")
            with st.container(horizontal=True, gap="medium"):
                toggle(draft, f"{part}.create")
                toggle(draft, f"{part}.update")
    toggle(draft, "groups")
    toggle(draft, "retire", text("retire_about"))
    select(draft, "blocked", ["skip", "inactive"], lambda one: text(f"blocked_{one}"))
