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
    links: Links, issues: Issues, flow: str, open_issues: Sequence[OpenIssue], option: str, by: str
) -> Sequence[OpenIssue]:
    """Resolve the conflicts among these issues in favour of one side, and return the other issues.

    A decision applies to the three values that the person saw. If the agreed value has changed since, nothing is
    stored, and the next preview asks again.
    """
    if option not in (SOURCE, TARGET):
        return open_issues
    conflicts = {
        coupled_issue.id: coupled_issue
        for open_issue in open_issues
        if open_issue.issue.cause == CONFLICT
        for coupled_issue in _coupled_conflicts(issues, flow, open_issue)
    }
    resolutions = [
        (resolve(open_issue.issue, option), _resolution_event(flow, open_issue, option, by))
        for open_issue in conflicts.values()
    ]
    links.apply_resolutions(flow, [(resolution, event) for resolution, event in resolutions if resolution is not None])
    return [open_issue for open_issue in open_issues if open_issue.issue.cause != CONFLICT]


def answer_identity_questions(
    links: Links, flow: str, open_issues: Sequence[OpenIssue], option: str, by: str
) -> Sequence[OpenIssue]:
    """Store the answers whether two records are the same, and return the other issues.

    An answer applies to what the person saw. If the evidence of the link has changed since, nothing is stored, and the
    next preview asks again.
    """
    for open_issue in open_issues:
        if open_issue.issue.cause not in IDENTITY_CAUSES:
            continue
        facts = open_issue.issue.facts
        evidence = evidence_from_json(json.loads(facts["evidence_json"]))
        link = Link(Kind.stored(facts["kind"]), facts["record"], facts["number"], evidence=evidence)
        event_facts = {"by": by, "takes": option, "reference": link.reference}
        event = Event(
            event="identity_decided", flow=flow, kind=link.kind, key=link.key, title=open_issue.title, facts=event_facts
        )
        if option == SAME_RECORD:
            links.confirm_identity(flow, link, facts["mark"], event)
        else:
            links.separate(flow, link, facts["mark"], by, event)
    return [open_issue for open_issue in open_issues if open_issue.issue.cause not in IDENTITY_CAUSES]


def _coupled_conflicts(issues: Issues, flow: str, conflict: OpenIssue) -> list[OpenIssue]:
    """Return a conflict with those of the same record that form a unit with it, such as parts of an address."""
    if not any(is_coupled_with(conflict.issue.field, name) for name in ADDRESS):
        return [conflict]
    record_issues = issues.of_key(flow, conflict.issue.key)
    conflicts = [other for other in record_issues if other.state is IssueState.OPEN and other.issue.cause == CONFLICT]
    return [conflict, *(other for other in conflicts if is_coupled_with(conflict.issue.field, other.issue.field))]


def _resolution_event(flow: str, conflict: OpenIssue, option: str, by: str) -> Event:
    facts = {"by": by, "takes": option, "field": conflict.issue.field, "path": conflict.issue.facts.get("path", "")}
    return Event(
        event="conflict_settled",
        flow=flow,
        kind=conflict.issue.facts.get("kind", ""),
        key=conflict.issue.key,
        title=conflict.title,
        facts=facts,
    )
