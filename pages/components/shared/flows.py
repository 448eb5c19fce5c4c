"""Flows on screen: their cards, starting a preview, and causes with the places where they are repaired."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from integration.application.application import Application
from integration.core.causes import cause
from integration.core.flow import Flow
from integration.core.issues import CauseGroup
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.services.connections.connections import Connections
from integration.services.runs.exceptions import AmountAtStake, cause_of, group_address, group_amount, repair_address
from integration.services.runs.flows import FlowStatus
from integration.services.runs.runs import Runs
from integration.words import fact_names, has_term
from pages.components.shared.application import may, may_open, person
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import attempt, badge, empty, icon_button, inline, note, result_of, small
from pages.components.shared.rows import named_facts
from pages.components.shared.wording import (
    Markdown,
    cause_headline,
    euros,
    fact_text,
    field_term,
    flow_name,
    flow_term,
    flow_text,
    moment,
    number,
    plain,
    quantity_text,
    say,
    source_to_target,
    system_name,
    term,
    text,
)

FEW_CARDS = 4  # cards that fit in one row; more are shown in rows of three
CARD = 236


def flow_cards(app: Application, statuses: Sequence[FlowStatus]) -> None:
    """Draw a card for every flow with its state, its current number, and the moment of its last proof."""
    previews = may(Runs.preview)
    with st.grid(3 if len(statuses) > FEW_CARDS else FEW_CARDS, min_column_width=CARD):
        for status in statuses:
            with st.container(border=True, gap="xsmall", height="stretch"):
                _card(app, status, previews=previews)


def _card(app: Application, status: FlowStatus, *, previews: bool) -> None:
    flow = status.flow
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{flow_name(flow.name)}**", width="content")
        badge(_flow_state(app, status))
    note(source_to_target(flow.source, flow.target))
    if status.active or status.waiting or status.last_completed_run:
        label, value = _figure(app, status)
        links = status.last_completed_run and not (status.active or status.waiting)
        st.metric(label, value, help=meaning("link") if links else None)
    next_run = term("next_run", moment=moment(status.next_run)) if status.next_run else ""
    by_hand = "" if status.on else term("only_by_hand")
    never = text("proof_none") if status.last_completed_run else text("not_run_yet")
    proof = text("last_proof", moment=moment(status.last_proof)) if status.last_proof else never
    if status.last_completed_run and status.last_completed_run.ended_at and status.last_completed_run.had_no_effect:
        proof = f":orange[{text('last_none_proven', moment=moment(status.last_completed_run.ended_at))}]"
    note(" · ".join(part for part in (proof, next_run, by_hand) if part))
    if status.parked:
        small(inline("parked", quantity_text("parked_short", status.parked)), meaning("parked"))
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", height="stretch"):
        _card_buttons(app, status, previews=previews)


def _card_buttons(app: Application, status: FlowStatus, *, previews: bool) -> None:
    """Draw the button for the next step of a flow, and the button to its settings."""
    flow = status.flow.name
    run = status.active or status.waiting
    if run is not None:
        if st.button(
            text("btn_open_preview" if status.waiting else "btn_open_run"), key=f"open-{flow}", type="primary"
        ):
            page = "pages/preview.py" if run.state is not RunState.COMMITTING else "pages/runs.py"
            st.switch_page(page, query_params={"flow": flow, "plan": run.id, "run": run.id})
    elif previews and st.button(
        text("btn_new_preview", flow=flow_term("flow", flow)), icon=":material/difference:", key=f"preview-{flow}"
    ):
        start_preview(app, flow)
    if icon_button("tune", text("btn_to_settings"), f"set-{flow}"):
        st.switch_page("pages/flows.py", query_params={"flow": flow})


def _flow_state(app: Application, status: FlowStatus) -> str:
    if status.active:
        return "held" if app.runs.wait_start(status.active) else "running"
    if status.waiting:
        return "waiting"
    return "on" if status.on else "off"


def _figure(app: Application, status: FlowStatus) -> tuple[Markdown, Markdown]:
    if status.active:
        return text(f"figure_{status.active.phase or 'extract'}"), number(status.active.progress_done)
    if status.waiting:
        changes = app.plans.count(status.waiting.id, "planned")
        return quantity_text("figure_waiting", changes), number(changes)
    flow = app.flows.configured_flow(status.flow.name)
    return flow_text("figure_linked", flow.name), number(app.links.count(flow.name, *flow.linked_kinds))


def start_preview(app: Application, flow: str, mode: Mode = Mode.CHANGES) -> None:
    """Start a preview of a flow and show it. If a run is already active, that run is shown."""
    show_plan(flow, lambda: app.runs.preview(PreviewRequest(flow, person(), mode)))


def show_plan(flow: str, start: Callable[[], str]) -> None:
    """Start a run that makes a plan and show the plan. A refusal is shown on the page that is open."""
    plan = result_of(start)
    if plan is not None:
        st.switch_page("pages/preview.py", query_params={"flow": flow, "plan": plan})
    st.rerun()


def preview_causes(app: Application, groups: Sequence[CauseGroup]) -> None:
    """Start one preview of all records parked for these causes of a flow, and show it. A refusal is shown."""
    bulk_result = app.bulk.try_again(groups, person())
    if bulk_result.runs:
        st.switch_page("pages/preview.py", query_params={"flow": groups[0].flow, "plan": bulk_result.runs[0]})
    for failure in bulk_result.refused:
        if failure.code:
            st.session_state["failure"] = (failure.code, dict(failure.facts))


def flow_of_address(app: Application) -> Flow:
    """Return the flow named in the address, otherwise the first flow."""
    return app.flows.get(st.query_params.get("flow", "")) or next(iter(app.flows.values()))


def is_connected(app: Application) -> bool:
    """Return True if both systems are connected, which a preview needs."""
    return all(status.connected for status in app.connections.statuses())


def needs_connections(app: Application, about: str) -> None:
    """Stop the page if a system is not connected, and link to the set-up."""
    if is_connected(app):
        return
    _setup_link(text("flows_unconnected"), about)
    st.stop()


def _setup_link(title: Markdown, about: Markdown) -> None:
    if empty("cable", title, about, text("btn_set_up") if may_open("setup") else "", key="to_set_up"):
        st.switch_page("pages/setup.py")


def offer_preview(app: Application, icon: str, title: Markdown, about: Markdown, action: Markdown, flow: str) -> None:
    """Draw an empty state with a button that starts a preview, or links to the set-up without connections."""
    if not is_connected(app):
        _setup_link(text("unconnected_title"), text("unconnected_about"))
    elif empty(icon, title, about, action if may(Runs.preview) else "", key="first"):
        start_preview(app, flow)


def invitation(app: Application) -> None:
    """Draw the start screen of a new installation: connect both systems, or try the built-in ones."""
    st.markdown(text("welcome_text"))
    with st.grid(2, min_column_width=330):
        with st.container(border=True, gap="small", height="stretch"):
            st.header(f":material/cable: {text('welcome_title')}", anchor=False)
            note(text("welcome_steps"))
            with st.container(height="stretch", vertical_alignment="bottom"):
                if may_open("setup") and st.button(
                    text("btn_set_up"), icon=":material/arrow_forward:", type="primary", key="set_up"
                ):
                    st.switch_page("pages/setup.py")
        with st.container(border=True, gap="small", height="stretch"):
            st.header(f":material/science: {text('welcome_try')}", anchor=False)
            note(text("welcome_sandbox"))
            with st.container(height="stretch", vertical_alignment="bottom"):
                sandbox_button(app)


def sandbox_button(app: Application, then: str = "overview") -> None:
    """Draw the button that connects both built-in systems, then opens the page `then`."""
    if may(Connections.use_sandbox) and st.button(
        text("btn_try_builtin"), icon=":material/science:", key="sandbox", help=meaning("sandbox")
    ):
        with st.spinner(text("sandbox_starting")):
            attempt(lambda: app.connections.use_sandbox(person()))
        st.switch_page(f"pages/{then}.py")


def more_exceptions(number_of: int, flow: str = "") -> None:
    """Draw the link to the exceptions that are not shown here."""
    label = text("and_more", number=number(number_of))
    if st.button(label, icon=":material/arrow_forward:", type="tertiary", key="more_exceptions"):
        st.switch_page("pages/exceptions.py", query_params={"flow": flow} if flow else {})


# ---- causes ---------------------------------------------------------------------------------------------------------


# Facts that every record of a flow shares.
CONSTANT = frozenset({"system", "flow", "target_system", "source_system"})
WRITTEN = frozenset({"amount", "books", "date", "identity", "till", "vat", "wants"})  # facts that a detail writes out
MAX_NAMED = 2  # articles named in the detail of a cause; an order can lack dozens, and its record names them all


def group_headline(app: Application, group: CauseGroup) -> Markdown:
    """Return the headline of the cause of a group, escaped."""
    return plain(cause_headline(group.cause, {"system": app.flows[group.flow].target, **group.facts}))


def group_detail(app: Application, group: CauseGroup) -> Markdown:
    """Return the detail of a group that its headline does not give, escaped; may be empty.

    For one record this is the full sentence, for several the shared facts or else an example.
    """
    fact_texts = named_facts(app, group.facts, _title(app, group), limit=MAX_NAMED)
    facts = {"system": app.flows[group.flow].target, **fact_texts}
    cause_text = say(group.cause, facts).problem
    if cause_text.removesuffix(".") == cause_headline(group.cause, facts):
        return ""
    cause_sentence = plain(cause_text)
    if group.count == 1:
        return cause_sentence
    if has_term(key := f"detail_{group.cause}"):
        return plain(text(key, **_named_detail(facts, group.field)))
    shared = {*cause(group.cause).grouping_facts, *CONSTANT, *(["field"] if group.field else [])}
    return cause_sentence if fact_names(group.cause) <= shared else text("cause_example", what=cause_sentence)


def _title(app: Application, group: CauseGroup) -> str:
    """Return the title of the only record of a group, or an empty text if the group has several."""
    if group.count != 1:
        return ""
    return next((open_issue.title for open_issue in app.exceptions.issues_of(group.group_key, limit=1)), "")


def at_stake(group: CauseGroup) -> Markdown:
    """Return the amount at stake in a group: the amount not booked, or the difference in booked documents."""
    amount = group_amount(group)
    return amount_at_stake_text(group.flow, amount) if amount else ""


def amount_at_stake_text(flow: str, amount: AmountAtStake) -> Markdown:
    """Return the text of an amount at stake for a line."""
    name = "cause_off" if amount.is_difference else "cause_sold"
    return flow_text(name, "" if amount.is_named else flow, amount=euros(amount.amount))


def _named_detail(facts: dict[str, str], field: str) -> dict[str, str]:
    """Return the facts of a detail, with systems and fields by name and without the key of a record."""
    field_path = facts.get("field") or field
    shared = {name: fact_text(name, fact) if name in WRITTEN else fact for name, fact in facts.items() if name != "key"}
    return {
        **shared,
        "system": system_name(facts["system"]),
        **({"field": field_term(field_path.rpartition("/")[2])} if field_path else {}),
    }


def back_to_cause() -> None:
    """Draw the link back to the cause that led to this page."""
    cause = st.query_params.get("cause", "")
    if cause and st.button(text("btn_back_to_cause"), icon=":material/arrow_back:", key="back_to_cause"):
        st.switch_page("pages/exceptions.py", query_params={"cause": cause})


def in_source(app: Application, flow: str, cause: str, field: str, key: str = "") -> Markdown:
    """Return which field to correct in the source, and in which record; empty if no correction there helps."""
    source_field = app.exceptions.field_to_correct(flow, cause, field)
    if source_field is None:
        return ""
    field_caption = plain(
        f"{source_field.caption} ({source_field.wire})" if source_field.wire else source_field.caption
    )
    system = system_name(app.flows[flow].source)
    if not key:
        return text("correct_field", system=system, field=field_caption)
    return text("correct_field_of", system=system, field=field_caption, record=plain(f"{flow_term('one', flow)} {key}"))


def repairs(app: Application, flow: str, cause: str, field: str, facts: Mapping[str, str], key: str) -> None:
    """Draw the repairs of one plan line: the link to its setting, the field to correct, and the retry."""
    if correct := in_source(app, flow, cause, field, facts.get("article") or key):
        note(f"**{correct}**")
    cause_address = group_address(cause_of(flow, cause, field, facts))
    with st.container(horizontal=True, gap="xsmall"):
        address = repair_address(app.flows.spec(flow), cause, field, facts)
        if address and st.button(text(f"btn_to_{address['tab']}"), icon=":material/build:", key="repair"):
            st.switch_page("pages/flows.py", query_params={**address, "cause": cause_address})
        if st.button(text("btn_to_exceptions"), icon=":material/rule:", key="to_exceptions"):
            st.switch_page("pages/exceptions.py", query_params={"cause": cause_address})
        try_again_button(app, flow, cause, "line", field)


def try_again_button(app: Application, flow: str, cause: str, key: str, field: str | None = None) -> None:
    """Draw the button that starts a preview of only the records parked for a cause."""
    label = try_again_label(app, flow, cause, field)
    if label and st.button(label, icon=":material/refresh:", key=f"again-{key}", help=text("try_again_about")):
        try_again(app, flow, cause, field)


def try_again_label(app: Application, flow: str, cause: str, field: str | None = None) -> Markdown:
    """Return the label of that button with the number of records; empty if this person cannot retry any."""
    keys = app.exceptions.keys(flow, cause, field) if may(Runs.try_again) else ()
    return quantity_text("btn_try_again", len(keys)) if keys else ""


def try_again(app: Application, flow: str, cause: str, field: str | None = None) -> None:
    """Start a preview of only the records parked for a cause, and show it."""
    show_plan(flow, lambda: app.runs.try_again(flow, cause, person(), field))
