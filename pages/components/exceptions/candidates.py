"""The choice between several target records for one customer, shown side by side with their matching evidence."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.core.customer_matching import matching_evidence, shared_evidence
from integration.core.issues import CauseGroup, OpenIssue
from integration.core.records import Record
from integration.services.runs.candidates import Candidate
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.layout import ask_live, note
from pages.components.shared.wording import Markdown, field_name, plain, quantity_text, table_day, text, value_text

MAX_CANDIDATES = 5
TECHNICAL = frozenset({"marker"})  # useless for the choice
MAX_CHOICES = 10  # records of a group that are linked in one form


def choose_customers(
    app: Application, group: CauseGroup, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Ask for each record of the group which candidate it is. `repair` is called with the function that links them."""
    open_issues = app.exceptions.issues_of(group.group_key, limit=MAX_CHOICES)
    chosen: dict[int, tuple[OpenIssue, Candidate]] = {}
    for open_issue in open_issues:
        name = f"candidates {group.flow} {open_issue.id} {open_issue.issue.facts.get('candidates', '')}"
        candidates = ask_live(app, name, partial(app.exceptions.candidates, group.flow, open_issue))
        if not candidates:
            continue
        customers = ask_live(app, f"meant {name}", partial(app.exceptions.customers_of, open_issue))
        customer = plain(open_issue.issue.facts.get("customer") or open_issue.title)
        st.markdown(text("candidate_question", customer=f"**{customer}**"))
        _side_by_side(candidates, customers[0] if customers else None)
        reference = controls.radio(
            text("candidate_choose"),
            [candidate.reference for candidate in candidates if candidate.record],
            index=None,
            format_func=lambda reference, of=candidates: _candidate_label(of, reference),  # type: ignore[misc]
            key=f"candidate-{open_issue.id}",
            horizontal=True,
        )
        if reference:
            chosen[open_issue.id] = (
                open_issue,
                next(candidate for candidate in candidates if candidate.reference == reference),
            )
    if app.customer_merges.names_pairs(group.flow) and st.button(
        text("btn_to_merges"), icon=":material/merge:", type="tertiary", key="to_merges"
    ):
        flow = app.customer_merges.flow_name()
        st.switch_page("pages/mappings.py", query_params={"flow": flow, "part": "merges"})
    label = quantity_text(f"btn_repair_{'customer' if noun != 'order' else 'order'}", len(chosen) or len(open_issues))
    if controls.button(label, type="primary", icon=":material/link:", key="choose_customer", disabled=not chosen):
        repair(lambda: _link_candidates(app, list(chosen.values())))


def _link_candidates(app: Application, chosen: Sequence[tuple[OpenIssue, Candidate]]) -> None:
    for open_issue, candidate in chosen:
        app.exceptions.choose(open_issue, candidate, person())


def _side_by_side(candidates: Sequence[Candidate], ours: Record | None) -> None:
    """Draw the customer and its candidates side by side, with the matching evidence and the other differences."""
    shown_candidates = candidates[:MAX_CANDIDATES]
    kind = next((candidate.record.kind for candidate in shown_candidates if candidate.record), "")
    speaks = [
        shared_evidence(ours, candidate.record) if ours and candidate.record else () for candidate in shown_candidates
    ]
    our_evidence, their_evidence = (
        matching_evidence(ours) if ours else {},
        [matching_evidence(candidate.record) if candidate.record else {} for candidate in shown_candidates],
    )
    lines: list[dict[Markdown, Markdown]] = []
    field, headings = text("col_field"), [_candidate_heading(candidate) for candidate in shown_candidates]
    if ours is not None:
        for name in our_evidence:
            cells = [
                _evidence(of.get(name, ""), fits=name in fits) for of, fits in zip(their_evidence, speaks, strict=True)
            ]
            row = {
                field: text("candidate_number") if name == "number" else plain(field_name(name)),
                text("candidate_ours"): plain(our_evidence[name]),
            }
            lines.append(row | dict(zip(headings, cells, strict=True)))
    if any(candidate.last_used or candidate.is_use_unclear for candidate in shown_candidates):
        days = [_last_used(candidate) for candidate in shown_candidates]
        own = {text("candidate_ours"): ""} if ours is not None else {}
        lines.append({field: text("candidate_last_used")} | own | dict(zip(headings, map(plain, days), strict=True)))
    flats = [candidate.record.flat() if candidate.record else {} for candidate in shown_candidates]
    for name in dict.fromkeys(name for flat in flats for name in flat if name not in {*our_evidence, *TECHNICAL}):
        values = [value_text(flat.get(name)) for flat in flats]
        if len(set(values)) > 1:
            own = {text("candidate_ours"): ""} if ours is not None else {}
            cells = [plain(value) for value in values]
            lines.append({field: plain(field_name(f"{kind}.{name}"))} | own | dict(zip(headings, cells, strict=True)))
    st.table(lines, border="horizontal", hide_index=True)
    note(f"{text('candidate_fits')} {text('candidate_same')}" if ours is not None else text("candidate_same"))


def _candidate_label(candidates: Sequence[Candidate], reference: str) -> Markdown:
    """Return a candidate by its number and name."""
    record = next((candidate.record for candidate in candidates if candidate.reference == reference), None)
    name = matching_evidence(record).get("name", "") if record else ""
    return plain(f"{reference} · {name}" if name else reference)


def _evidence(value: str, *, fits: bool) -> Markdown:
    return f":green[:material/check:] {plain(value)}" if fits else plain(value)


def _last_used(candidate: Candidate) -> str:
    if candidate.is_use_unclear:
        return text("candidate_use_unclear")
    return table_day(candidate.last_used) if candidate.last_used else text("candidate_not_used")


def _candidate_heading(candidate: Candidate) -> Markdown:
    reference = plain(candidate.reference)
    if candidate.record is None:
        return f"{reference} · {text('candidate_gone')}"
    taken_note = text("candidate_taken", record=plain(candidate.taken_by)) if candidate.taken_by else ""
    return f"{reference} · {taken_note}" if taken_note else reference
