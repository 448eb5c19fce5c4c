"""Compares records with the evidence of their links. If they contradict, a person is asked and nothing is written."""

import json
from collections.abc import Mapping
from dataclasses import replace

from integration.core.causes import CAUSES, RepairKind
from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.link_evidence import (
    NO_EVIDENCE,
    Evidence,
    Match,
    Side,
    contradicting_side,
    contradicts_match,
    evidence_of,
    identities_of,
    identity_cause,
    match_evidence,
    shown_identity,
)
from integration.core.links import Link
from integration.core.records import CurrentRecord, Record, Unreadable
from integration.runner.page import PlanPage
from integration.store.links import LinkReferences

NUMBERS = ("", "external_id")  # matches on a number alone, without other identifying values


class Identified:
    """Compares the records of a page with the evidence of their links, or of `unlinked` records by another flow."""

    def __init__(
        self, references: LinkReferences, flow: Flow, links: Mapping[str, Link], unlinked: Mapping[str, Evidence]
    ) -> None:
        self._references = references
        self._flow = flow
        self._links = links
        self._unlinked = unlinked

    def question(self, record: Record, current: CurrentRecord | None, titles: Mapping[str, str]) -> Issue | None:
        """Return an issue if a record and its target record may be different ones; otherwise None."""
        if current is not None and isinstance(current.record, Unreadable):
            return None
        current_evidence, link = evidence_of(record, current), self._links.get(record.key)
        title = titles.get(record.key, record.key)
        if link is not None:
            side = contradicting_side(record.kind, link.evidence, current_evidence)
            return None if side is None else identity_question(self._flow, link, current_evidence, side, title)
        if current is None or not current_evidence.source or current.evidence not in NUMBERS:
            return None
        is_distinct = current.reference in self._references.distinct(record.kind, record.key)
        unlinked_evidence = self._unlinked.get(record.key, NO_EVIDENCE)
        is_another = contradicting_side(record.kind, unlinked_evidence, current_evidence) is not None
        if is_distinct or is_another or contradicts_match(record.kind, current_evidence):
            return _unlinked_question(self._flow, record, current.reference, current_evidence, title)
        return None

    def renewed(self, record: Record, current: CurrentRecord | None, page: PlanPage) -> Evidence:
        """Return the current evidence of both records, and have the page store it with an existing link."""
        link, current_evidence = self._links.get(record.key), evidence_of(record, current)
        stored_evidence = link.evidence if link else NO_EVIDENCE
        evidence = stored_evidence.renewed(current_evidence)
        if link is not None and current is not None and evidence != stored_evidence:
            page.evidence[link.kind, link.key] = evidence
        return evidence


def identity_question(flow: Flow, link: Link, current_evidence: Evidence, side: Side, title: str) -> Issue:
    """Return the issue for a link whose record on one side is now a different one."""
    stored_evidence = link.evidence
    pairs = {
        Side.SOURCE: (stored_evidence.source, current_evidence.source),
        Side.TARGET: (stored_evidence.target, current_evidence.target),
    }
    was, now = shown_identity(*pairs[side])
    other = shown_identity({}, pairs[Side.TARGET if side is Side.SOURCE else Side.SOURCE][1])[1]
    where = flow.source if side is Side.SOURCE else flow.target
    return _question(link, current_evidence, title, {"system": where, "was": was, "now": now, "other": other})


def _unlinked_question(flow: Flow, record: Record, reference: str, current_evidence: Evidence, title: str) -> Issue:
    """Return the issue for two records that share a number and were never linked."""
    was, now = shown_identity(current_evidence.source, current_evidence.target)
    link = Link(record.kind, record.key, reference)
    return _question(link, current_evidence, title, {"system": flow.target, "was": was, "now": now, "other": was})


def _question(link: Link, current_evidence: Evidence, title: str, identity_facts: Mapping[str, str]) -> Issue:
    facts = {
        "key": title,
        "record": link.key,
        "kind": str(link.kind),
        "number": link.reference,
        **identity_facts,
        "evidence_json": json.dumps(current_evidence.to_json(), ensure_ascii=False),
        "mark": link.evidence.mark,
    }
    return Issue(identity_cause(link.kind), link.key, "identity", facts)


def with_choice_evidence(issue: Issue, desired: Record) -> Issue:
    """Return an issue for which a person chooses a target record, with the identifying values of the source record.

    The link to the chosen record stores them. Returns other issues unchanged.
    """
    cause, identities = CAUSES.get(issue.cause), identities_of(desired)
    if not identities or issue.key != desired.key or cause is None or cause.repair.by is not RepairKind.CHOICE:
        return issue
    evidence = json.dumps(Evidence(identities).to_json(), ensure_ascii=False)
    return replace(issue, facts={**issue.facts, "evidence_json": evidence})


def target_question(
    flow: Flow, link: Link | None, record: Record, current: CurrentRecord | None, title: str
) -> Issue | None:
    """Return the issue if the target record is not the one that was linked; otherwise None.

    Our own write in the meantime does not count as a different record: the target is compared with `record` as well.
    """
    if link is None or current is None or isinstance(current.record, Unreadable):
        return None
    current_evidence = Evidence(target=evidence_of(record, current).target)
    if match_evidence(record.kind, link.evidence, current_evidence)[Side.TARGET] is not Match.CONTRADICTS:
        return None
    ours = NO_EVIDENCE.after_write(record)
    if match_evidence(record.kind, ours, current_evidence)[Side.TARGET] is Match.AGREES:
        return None
    return identity_question(flow, link, current_evidence, Side.TARGET, title)
