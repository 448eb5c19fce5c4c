"""From a cause to where it is repaired: a setting of the flow, or a field to correct in the source."""

# ruff: noqa: TID251 - pages speak to the browser

from collections.abc import Mapping

import streamlit as st

from integration.core.errors import IntegrationError
from integration.flows.spec import FlowSpec
from integration.services import Application
from integration.services.exceptions import address_of, cause_of
from pages.components.shared.application import person
from pages.components.shared.layout import attempt, note
from pages.components.shared.wording import counted, flow_term, plain, system_name, text

PLACES: Mapping[str, tuple[str, str]] = {
    "sku_not_numeric": ("settings", "sku_rule"),
    "sku_leading_zero": ("settings", "sku_rule"),
    "sku_duplicate": ("settings", "sku_rule"),
    "article_number_changed": ("settings", "sku_rule"),
    "article_in_other_product": ("settings", "parent_field"),
    "currency_without_rate": ("settings", "rates"),
    "blocked": ("settings", "blocked"),
    "create_switched_off": ("settings", "content"),
    "groups_not_sent": ("settings", "groups"),
    "stock_negative": ("settings", "negative"),
    "stock_fractional": ("settings", "fractional"),
    "stock_not_managed": ("settings", "managed"),
    "not_at_the_till": ("settings", "unlinked"),
    "branch_missing": ("settings", "branches"),
    "left_out_by_number": ("settings", "leave_out"),
    "not_a_debtor": ("settings", "accounts"),
    "customer_taken": ("settings", "other_external_id"),
    "customer_missing": ("settings", "default_debtor"),
    "debtor_creation_off": ("settings", "create_debtors"),
    "article_missing": ("settings", "collective_article"),
    "deposit_account_missing": ("settings", "deposit_account"),
    "ledger_account_unusable": ("settings", "daybook"),
    "totals_differ": ("settings", "rounding_limit"),
    "employee_unknown": ("settings", "default_employee"),
    "filtered_out": ("filters", "filters"),
    "vat_code_unmapped": ("tables", "vat_codes"),
    "payment_method_unmapped": ("tables", "payment_methods"),
    "revenue_account_unmapped": ("tables", "revenue_accounts"),
    "value_unmapped": ("tables", ""),
    "brake_changes": ("brakes", "brakes"),
    "brake_price": ("brakes", "brakes"),
    "brake_retirements": ("brakes", "brakes"),
    "brake_stock_zero": ("brakes", "brakes"),
    "brake_new_debtors": ("brakes", "brakes"),
    "ean_check_digit": ("fields", ""),
    "variant_duplicate": ("fields", ""),
    "field_conflict": ("fields", ""),
    "field_unknown": ("fields", ""),
    "field_too_long": ("fields", ""),
    "email_too_long": ("fields", ""),
    "required_field_empty": ("fields", ""),
    "expression_failed": ("fields", ""),
    "read_back_differs": ("fields", ""),
    "product_update_not_allowed": ("fields", ""),
}
"""Which tab of a flow repairs a cause, and the field there; where it is empty, the field the cause names."""

IN_SOURCE = frozenset(
    {
        "ean_check_digit", "ean_duplicate", "vat_code_missing", "price_missing", "required_field_empty",
        "field_too_long", "characters_not_supported", "variant_duplicate", "expression_failed", "email_too_long",
        "vat_number_invalid",
    }
)  # fmt: skip
"""Causes that are repaired by correcting a field of the source."""


def place_of(spec: FlowSpec, cause: str, field: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    """Return the address of the tab that repairs a cause, or None when it is repaired elsewhere."""
    if cause == "flow_setting_invalid":
        of, _, setting = facts.get("setting", "").partition(" ")
        return {"flow": spec.name, "tab": "settings", "field": setting} if of == spec.name else None
    place = spec.repaired[cause] if cause in spec.repaired else PLACES.get(cause)
    if place is None:
        return None
    tab, name = place
    address = {"flow": spec.name, "tab": tab}
    if tab == "tables":
        return {**address, "table": name or facts.get("table", "")}
    return {**address, "field": name or field.rpartition("/")[2]}


def place_label(address: Mapping[str, str]) -> str:
    """Return the label of the button that leads to the repair."""
    return text(f"btn_to_{address['tab']}")


def in_source(app: Application, flow: str, cause: str, field: str, key: str = "") -> str:
    """Return which field of which record to correct in the source; empty text when that is no repair."""
    if cause not in IN_SOURCE:
        return ""
    target = field.rpartition("/")[2]
    try:
        found = app.flows.source_field(flow, target if "." in target else f"article.{target}")
    except IntegrationError:
        return ""
    if found is None:
        return ""
    named = f"{found.caption} ({found.wire})" if found.wire else found.caption
    system = system_name(app.flows[flow].source)
    if not key:
        return text("correct_field", system=system, field=plain(named))
    record = f"{flow_term('one', flow)} {key}"
    return text("correct_field_of", system=system, field=plain(named), record=plain(record))


def repairs(app: Application, flow: str, cause: str, field: str, facts: Mapping[str, str], key: str) -> None:
    """Draw what repairs one line: the place where its setting is, the field to correct, and another try."""
    if correct := in_source(app, flow, cause, field, facts.get("article") or key):
        note(f"**{correct}**")
    with st.container(horizontal=True, gap="xsmall"):
        address = place_of(app.flows.spec(flow), cause, field, facts)
        if address and st.button(place_label(address), icon=":material/build:", key="repair"):
            st.switch_page("pages/flows.py", query_params=address)
        if st.button(text("btn_to_exceptions"), icon=":material/rule:", key="to_exceptions"):
            asked = address_of(cause_of(flow, cause, field, facts))
            st.switch_page("pages/exceptions.py", query_params={"cause": asked})
        try_again_button(app, flow, cause, "line", field)


def try_again_button(app: Application, flow: str, cause: str, key: str, field: str | None = None) -> None:
    """Offer a preview of only what is parked for a cause."""
    keys = app.exceptions.keys(flow, cause, field)
    if keys and st.button(
        counted("btn_try_again", len(keys)), icon=":material/refresh:", key=f"again-{key}", help=text("try_again_about")
    ):
        try_again(app, flow, cause, field)


def try_again(app: Application, flow: str, cause: str, field: str | None = None) -> None:
    """Start a preview of only what is parked for a cause, and show it."""
    started: list[str] = []
    if attempt(lambda: started.append(app.runs.try_again(flow, cause, person(), field))):
        st.switch_page("pages/preview.py", query_params={"flow": flow, "plan": started[0]})
    st.rerun()
