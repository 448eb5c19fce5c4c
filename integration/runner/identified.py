"""Compares records with the evidence of their links. If they contradict, a person is asked and nothing is written."""

import json
from collections.abc import Mapping

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
    """Compares the records of a page with the evidence of their links."""

    def __init__(self, references: LinkReferences, flow: Flow, links: Mapping[str, Link]) -> None:
        self._references = references
        self._flow = flow
        self._links = links

    def question(self, wanted: Record, held: CurrentRecord | None, titles: Mapping[str, str]) -> Issue | None:
        """Return an issue if a record and its target record may be different ones; otherwise None."""
        if held is not None and isinstance(held.record, Unreadable):
            return None
        seen, link = evidence_of(wanted, held), self._links.get(wanted.key)
        title = titles.get(wanted.key, wanted.key)
        if link is not None:
            side = contradicting_side(wanted.kind, link.evidence, seen)
            return None if side is None else identity_question(self._flow, link, seen, side, title)
        if held is None or not seen.source or held.evidence not in NUMBERS:
            return None
        is_distinct = held.reference in self._references.distinct(wanted.kind, wanted.key)
        if is_distinct or contradicts_match(wanted.kind, seen):
            return _unlinked_question(self._flow, wanted, held.reference, seen, title)
        return None

    def renewed(self, wanted: Record, held: CurrentRecord | None, page: PlanPage) -> Evidence:
        """Return the current evidence of both records, and have the page store it with an existing link."""
        link, seen = self._links.get(wanted.key), evidence_of(wanted, held)
        known = link.evidence if link else NO_EVIDENCE
        evidence = known.renewed(seen)
        if link is not None and held is not None and evidence != known:
            page.evidence[link.kind, link.key] = evidence
        return evidence


def identity_question(flow: Flow, link: Link, seen: Evidence, side: Side, title: str) -> Issue:
    """Return the issue for a link whose record on one side is now a different one."""
    known = link.evidence
    pairs = {Side.SOURCE: (known.source, seen.source), Side.TARGET: (known.target, seen.target)}
    was, now = shown_identity(*pairs[side])
    other = shown_identity({}, pairs[Side.TARGET if side is Side.SOURCE else Side.SOURCE][1])[1]
    where = flow.source if side is Side.SOURCE else flow.target
    return _question(link, seen, title, {"system": where, "was": was, "now": now, "other": other})


def _unlinked_question(flow: Flow, wanted: Record, reference: str, seen: Evidence, title: str) -> Issue:
    """Return the issue for two records that share a number and were never linked."""
    was, now = shown_identity(seen.source, seen.target)
    link = Link(wanted.kind, wanted.key, reference)
    return _question(link, seen, title, {"system": flow.target, "was": was, "now": now, "other": was})


def _question(link: Link, seen: Evidence, title: str, shown: Mapping[str, str]) -> Issue:
    facts = {
        "key": title,
        "record": link.key,
        "kind": str(link.kind),
        "number": link.reference,
        **shown,
        "evidence_json": json.dumps(seen.to_json(), ensure_ascii=False),
        "mark": link.evidence.mark,
    }
    return Issue(identity_cause(link.kind), link.key, "identity", facts)


def target_question(
    flow: Flow, link: Link | None, wanted: Record, held: CurrentRecord | None, title: str
) -> Issue | None:
    """Return the issue if the target record is not the one that was linked; otherwise None.

    Our own write in the meantime does not count as a different record: the target is compared with `wanted` as well.
    """
    if link is None or held is None or isinstance(held.record, Unreadable):
        return None
    seen = Evidence(target=evidence_of(wanted, held).target)
    if match_evidence(wanted.kind, link.evidence, seen)[Side.TARGET] is not Match.CONTRADICTS:
        return None
    ours = NO_EVIDENCE.after_write(wanted)
    if match_evidence(wanted.kind, ours, seen)[Side.TARGET] is Match.AGREES:
        return None
    return identity_question(flow, link, seen, Side.TARGET, title)
