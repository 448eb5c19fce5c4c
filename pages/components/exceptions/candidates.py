"""The choice between several target records for one customer, shown side by side with their matching evidence."""

from collections.abc import Callable, Sequence

import streamlit as st

from integration.application.application import Application
from integration.core.customer_matching import matching_evidence, shared_evidence
from integration.core.issues import CauseGroup, OpenIssue
from integration.core.records import Record
from integration.services.runs.candidates import Candidate
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.layout import ask_live, note
from pages.components.shared.wording import Markdown, counted, field_name, plain, table_day, text, value_text

MOST_CANDIDATES = 5
TECHNICAL = frozenset({"marker"})  # useless for the choice
MOST_CHOICES = 10  # records of a group that are linked in one form


def choose_customers(
    app: Application, group: CauseGroup, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Ask for each record of the group which candidate it is. `repair` is called with the function that links them."""
    found = app.exceptions.issues_of(group.group_key, limit=MOST_CHOICES)
    chosen: dict[int, tuple[OpenIssue, Candidate]] = {}
    for one in found:
        name = f"candidates {group.flow} {one.id} {one.issue.facts.get('candidates', '')}"
        candidates = ask_live(app, name, lambda one=one: app.exceptions.candidates(group.flow, one))  # type: ignore[misc]
        if not candidates:
            continue
        meant: list[Record] | None = ask_live(app, f"meant {name}", lambda one=one: app.exceptions.customers_of(one))  # type: ignore[misc]
        customer = plain(one.issue.facts.get("customer") or one.title)
        st.markdown(text("candidate_question", customer=f"**{customer}**"))
        _side_by_side(candidates, meant[0] if meant else None)
        reference = controls.radio(
            text("candidate_choose"),
            [each.reference for each in candidates if each.record],
            index=None,
            format_func=lambda reference, of=candidates: _named(of, reference),  # type: ignore[misc]
            key=f"candidate-{one.id}",
            horizontal=True,
        )
        if reference:
            chosen[one.id] = (one, next(each for each in candidates if each.reference == reference))
    label = counted(f"btn_repair_{'customer' if noun != 'order' else 'order'}", len(chosen) or len(found))
    if controls.button(label, type="primary", icon=":material/link:", key="choose_customer", disabled=not chosen):
        repair(lambda: _link(app, list(chosen.values())))


def _link(app: Application, chosen: Sequence[tuple[OpenIssue, Candidate]]) -> None:
    for one, candidate in chosen:
        app.exceptions.choose(one, candidate, person())


def _side_by_side(candidates: Sequence[Candidate], ours: Record | None) -> None:
    """Draw the customer and its candidates side by side, with the matching evidence and the other differences."""
    shown = candidates[:MOST_CANDIDATES]
    kind = next((each.record.kind for each in shown if each.record), "")
    speaks = [shared_evidence(ours, each.record) if ours and each.record else () for each in shown]
    mine, theirs = (
        matching_evidence(ours) if ours else {},
        [matching_evidence(each.record) if each.record else {} for each in shown],
    )
    lines: list[dict[Markdown, Markdown]] = []
    field, called = text("col_field"), [_called(each) for each in shown]
    if ours is not None:
        for name in mine:
            cells = [_evidence(of.get(name, ""), fits=name in fits) for of, fits in zip(theirs, speaks, strict=True)]
            row = {
                field: text("candidate_number") if name == "number" else plain(field_name(name)),
                text("candidate_ours"): plain(mine[name]),
            }
            lines.append(row | dict(zip(called, cells, strict=True)))
    if any(each.last_used or each.is_use_unclear for each in shown):
        days = [_last_used(each) for each in shown]
        own = {text("candidate_ours"): ""} if ours is not None else {}
        lines.append({field: text("candidate_last_used")} | own | dict(zip(called, map(plain, days), strict=True)))
    flats = [each.record.flat() if each.record else {} for each in shown]
    for name in dict.fromkeys(name for flat in flats for name in flat if name not in {*mine, *TECHNICAL}):
        values = [value_text(flat.get(name)) for flat in flats]
        if len(set(values)) > 1:
            own = {text("candidate_ours"): ""} if ours is not None else {}
            cells = [plain(value) for value in values]
            lines.append({field: plain(field_name(f"{kind}.{name}"))} | own | dict(zip(called, cells, strict=True)))
    st.table(lines, border="horizontal", hide_index=True)
    note(f"{text('candidate_fits')} {text('candidate_same')}" if ours is not None else text("candidate_same"))


def _named(candidates: Sequence[Candidate], reference: str) -> Markdown:
    """Return a candidate by its number and name."""
    record = next((each.record for each in candidates if each.reference == reference), None)
    name = matching_evidence(record).get("name", "") if record else ""
    return plain(f"{reference} · {name}" if name else reference)


def _evidence(value: str, *, fits: bool) -> Markdown:
    return f":green[:material/check:] {plain(value)}" if fits else plain(value)


def _last_used(candidate: Candidate) -> str:
    if candidate.is_use_unclear:
        return text("candidate_use_unclear")
    return table_day(candidate.last_used) if candidate.last_used else text("candidate_not_used")


def _called(candidate: Candidate) -> Markdown:
    reference = plain(candidate.reference)
    if candidate.record is None:
        return f"{reference} · {text('candidate_gone')}"
    taken = text("candidate_taken", record=plain(candidate.taken_by)) if candidate.taken_by else ""
    return f"{reference} · {taken}" if taken else reference
