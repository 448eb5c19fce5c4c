"""A cause on screen: what it is called, in one sentence that is true of all its records, and where it is repaired."""

from collections.abc import Mapping

import streamlit as st

from integration.core.causes import By, cause
from integration.core.errors import IntegrationError
from integration.core.issues import CauseGroup
from integration.core.records import Field
from integration.flows.spec import FlowSpec
from integration.services import Application
from integration.services.exceptions import address_of, cause_of
from integration.words import has_term, told_by
from pages.components.shared.application import person
from pages.components.shared.flows import show_plan
from pages.components.shared.layout import note
from pages.components.shared.wording import counted, field_term, flow_term, plain, say, system_name, text

# Facts that are the same in every record of a flow.
CONSTANT = frozenset({"system", "flow", "target_system", "source_system"})


def headline(app: Application, group: CauseGroup) -> str:
    """Return what is wrong, escaped: of one record all that is known, of several what they share."""
    facts = {"system": app.flows[group.flow].target, **group.facts}
    what = plain(say(group.cause, facts).what)
    if group.count == 1:
        return what
    if has_term(key := f"headline_{group.cause}"):
        return plain(text(key, **_written(facts, group.field)))
    shared = {*cause(group.cause).telling, *CONSTANT, *(["field"] if group.field else [])}
    return what if told_by(group.cause) <= shared else text("cause_example", what=what)


def _written(facts: dict[str, str], field: str) -> dict[str, str]:
    """Return facts as a headline has them: systems and fields by their names, and no key of one record."""
    named = facts.get("field") or field
    shared = {name: fact for name, fact in facts.items() if name != "key"}
    return {
        **shared,
        "system": system_name(facts["system"]),
        **({"field": field_term(named.rpartition("/")[2])} if named else {}),
    }


def repair_address(spec: FlowSpec, cause: str, field: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    """Return the address of the tab that repairs a cause, or None when it is repaired elsewhere."""
    repair = spec.repair_of(cause)
    if not repair.tab or (cause == "flow_setting_invalid" and facts.get("flow") != spec.name):
        return None
    named = {"tables": "table", "settings": "setting"}.get(repair.tab)
    name = repair.name or (facts.get(named, "") if named else field.rpartition("/")[2])
    return {"flow": spec.name, "tab": repair.tab, "table" if repair.tab == "tables" else "field": name}


def repair_label(address: Mapping[str, str]) -> str:
    """Return the label of the button that leads to the repair."""
    return text(f"btn_to_{address['tab']}")


def field_to_correct(app: Application, flow: str, cause: str, field: str) -> Field | None:
    """Return the field of the source whose value repairs a cause, or None when no single field does."""
    if app.flows.spec(flow).repair_of(cause).by is not By.VALUE:
        return None
    target = field.rpartition("/")[2]
    try:
        return app.flows.source_field(flow, target if "." in target else f"article.{target}")
    except IntegrationError:
        return None


def in_source(app: Application, flow: str, cause: str, field: str, key: str = "") -> str:
    """Return which field of which record to correct in the source; empty text when that is no repair."""
    found = field_to_correct(app, flow, cause, field)
    if found is None:
        return ""
    named = plain(f"{found.caption} ({found.wire})" if found.wire else found.caption)
    system = system_name(app.flows[flow].source)
    if not key:
        return text("correct_field", system=system, field=named)
    return text("correct_field_of", system=system, field=named, record=plain(f"{flow_term('one', flow)} {key}"))


def repairs(app: Application, flow: str, cause: str, field: str, facts: Mapping[str, str], key: str) -> None:
    """Draw what repairs one line: the place where its setting is, the field to correct, and another try."""
    if correct := in_source(app, flow, cause, field, facts.get("article") or key):
        note(f"**{correct}**")
    with st.container(horizontal=True, gap="xsmall"):
        address = repair_address(app.flows.spec(flow), cause, field, facts)
        if address and st.button(repair_label(address), icon=":material/build:", key="repair"):
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
    show_plan(flow, lambda: app.runs.try_again(flow, cause, person(), field))
