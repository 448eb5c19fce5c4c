"""From a cause to where it is repaired: a setting of the flow, or a field to correct in the source."""

from collections.abc import Mapping

import streamlit as st

from integration.core.causes import By
from integration.core.errors import IntegrationError
from integration.flows.spec import FlowSpec
from integration.services import Application
from integration.services.exceptions import address_of, cause_of
from pages.components.shared.application import person
from pages.components.shared.layout import attempt, note
from pages.components.shared.wording import counted, flow_term, plain, system_name, text


def place_of(spec: FlowSpec, cause: str, field: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    """Return the address of the tab that repairs a cause, or None when it is repaired elsewhere."""
    repair = spec.repair_of(cause)
    if not repair.tab or (cause == "flow_setting_invalid" and facts.get("flow") != spec.name):
        return None
    named = {"tables": "table", "settings": "setting"}.get(repair.tab)
    name = repair.name or (facts.get(named, "") if named else field.rpartition("/")[2])
    return {"flow": spec.name, "tab": repair.tab, "table" if repair.tab == "tables" else "field": name}


def place_label(address: Mapping[str, str]) -> str:
    """Return the label of the button that leads to the repair."""
    return text(f"btn_to_{address['tab']}")


def in_source(app: Application, flow: str, cause: str, field: str, key: str = "") -> str:
    """Return which field of which record to correct in the source; empty text when that is no repair."""
    if app.flows.spec(flow).repair_of(cause).by is not By.VALUE:
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
