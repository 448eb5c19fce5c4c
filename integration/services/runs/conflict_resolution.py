"""Resolves conflicts: stores a person's decision which system's value wins, and whether two records are the same."""

import json
from collections.abc import Sequence

from integration.core.conflicts import ADDRESS, CONFLICT, SOURCE, TARGET, is_coupled_with, resolve
from integration.core.issues import IssueState, OpenIssue
from integration.core.link_evidence import IDENTITY_CAUSES, SAME_RECORD, evidence_from_json
from integration.core.links import Link
from integration.core.records import Kind
from integration.store.events import Event
from integration.store.issues import Issues
from integration.store.links import Links


def resolve_conflicts(
    links: Links, issues: Issues, flow: str, found: Sequence[OpenIssue], option: str, by: str
) -> Sequence[OpenIssue]:
    """Resolve the conflicts among these issues in favour of one side, and return the other issues.

    A decision applies to the three values that the person saw. If the agreed value has changed since, nothing is
    stored, and the next preview asks again.
    """
    if option not in (SOURCE, TARGET):
        return found
    whole = {each.id: each for one in found if one.issue.cause == CONFLICT for each in _one_with(issues, flow, one)}
    chosen = [(resolve(one.issue, option), _told(flow, one, option, by)) for one in whole.values()]
    links.apply_resolutions(flow, [(one, event) for one, event in chosen if one is not None])
    return [one for one in found if one.issue.cause != CONFLICT]


def answer_identity_questions(
    links: Links, flow: str, found: Sequence[OpenIssue], option: str, by: str
) -> Sequence[OpenIssue]:
    """Store the answers whether two records are the same, and return the other issues.

    An answer applies to what the person saw. If the evidence of the link has changed since, nothing is stored, and the
    next preview asks again.
    """
    for one in found:
        if one.issue.cause not in IDENTITY_CAUSES:
            continue
        facts = one.issue.facts
        evidence = evidence_from_json(json.loads(facts["evidence_json"]))
        shown = Link(Kind.stored(facts["kind"]), facts["record"], facts["number"], evidence=evidence)
        told = {"by": by, "takes": option, "reference": shown.reference}
        event = Event(event="identity_decided", flow=flow, kind=shown.kind, key=shown.key, title=one.title, facts=told)
        if option == SAME_RECORD:
            links.confirm_identity(flow, shown, facts["mark"], event)
        else:
            links.separate(flow, shown, facts["mark"], by, event)
    return [one for one in found if one.issue.cause not in IDENTITY_CAUSES]


def _one_with(issues: Issues, flow: str, one: OpenIssue) -> list[OpenIssue]:
    """Return a conflict with those of the same record that form a unit with it, such as parts of an address."""
    if not any(is_coupled_with(one.issue.field, name) for name in ADDRESS):
        return [one]
    known = issues.of_key(flow, one.issue.key)
    open_ones = [each for each in known if each.state is IssueState.OPEN and each.issue.cause == CONFLICT]
    return [one, *(each for each in open_ones if is_coupled_with(one.issue.field, each.issue.field))]


def _told(flow: str, one: OpenIssue, option: str, by: str) -> Event:
    facts = {"by": by, "takes": option, "field": one.issue.field, "path": one.issue.facts.get("path", "")}
    return Event(
        event="conflict_settled", flow=flow, kind=one.issue.facts.get("kind", ""), key=one.issue.key, title=one.title,
        facts=facts,
    )  # fmt: skip
