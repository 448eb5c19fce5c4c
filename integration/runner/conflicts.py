"""Finds reasons in other records to keep a record out of a plan: a missing dependency, or an existing record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from integration.connectors.protocol import Connector
from integration.core.errors import AccessDeniedError, RejectedError
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record
from integration.core.rules import as_text
from integration.core.run import Run
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import look
from integration.store.links import Links

log = structlog.get_logger(__name__)


def issues_for_missing_dependencies(
    deps: Dependencies, run: Run, stage: Stage, desired: Sequence[Record]
) -> dict[str, Issue]:
    """Return an issue for each record that needs a record which is parked in this plan."""
    found: dict[str, Issue] = {}
    for name, kind in stage.needs.items():
        keys = {str(record.values[name]) for record in desired if record.values.get(name)}
        parked = deps.previews.parked(run.id, kind, sorted(keys))
        for record in desired:
            line = parked.get(str(record.values.get(name) or ""))
            if line is not None:
                facts = {"key": record.key, "field": name, "needed": line.title, "cause": line.cause}
                found.setdefault(record.key, Issue("needed_record_parked", record.key, name, facts))
    return found


def find_double_matches(
    deps: Dependencies, run: Run, flow: Flow, stage: Stage, held: Mapping[str, CurrentRecord]
) -> dict[str, Issue]:
    """Return an issue for each record that was matched with a target record that another record already owns."""
    matched = {key: now for key, now in held.items() if now.evidence not in ("", "link")}
    references = sorted({now.reference for now in matched.values()})
    if not references or stage.write_once:
        return {}
    linked = deps.links.by_reference(run.flow, stage.target, references)
    owners = {one.reference: one.key for one in linked.values()}
    owners = deps.previews.owners(run.id, stage.target, references) | owners
    found: dict[str, Issue] = {}
    for key, now in sorted(matched.items()):
        owner = owners.setdefault(now.reference, key)
        if owner != key:
            facts = {"key": key, "customer": key, "system": flow.target, "candidates": now.reference}
            found[key] = Issue("customer_ambiguous", key, facts=facts | {"other": owner})
    return found


def with_owning_document(
    links: Links, flow: str, stage: Stage, held: dict[str, CurrentRecord], known: Mapping[str, Link]
) -> dict[str, CurrentRecord]:
    """Return the target's documents, with `owner` set where a document without a link belongs to another of ours."""
    new = {key: now for key, now in held.items() if key not in known} if stage.write_once else {}
    if not new:
        return held
    linked = links.by_reference(flow, stage.target, [now.reference for now in new.values()])
    found = dict(held)
    for key, now in new.items():
        link = linked.get(now.reference)
        if link is not None and link.key != key and _is_of(link, now):
            found[key] = replace(now, owner=link.key)
    return found


def existing_as_other_kind(
    target: Connector, links: Links, flow: Flow, asked: Sequence[Record]
) -> dict[str, tuple[Record, CurrentRecord]]:
    """Return the given records that exist in the target as another kind, with the target's version, by key.

    `asked` holds alternatives of new records, each as another kind. If this installation does not have a kind or may
    not read it, nothing was written there on its behalf, so the kind is skipped.
    """
    found: dict[str, tuple[Record, CurrentRecord]] = {}
    for kind in dict.fromkeys(one.kind for one in asked):
        alike = [one for one in asked if one.kind is kind]
        try:
            held = look(target, alike, links.references(flow.name))
        except (AccessDeniedError, RejectedError) as error:
            log.info("not looked for as another kind", flow=flow.name, kind=kind, cause=error.code)
            continue
        found |= {one.key: (one, held[one.key]) for one in alike if one.key in held}
    return found


def _is_of(link: Link, held: CurrentRecord) -> bool:
    """Return True if a link belongs to this record.

    Orders and trade invoices may share a number, and may have no reference.
    """
    agreed = link.agreed.values.get("reference") if link.agreed else None
    return as_text(agreed).casefold() == as_text(held.record.values.get("reference")).casefold()


def find_duplicate_articles(links: Links, flow: str, kind: Kind, desired: Sequence[Record]) -> dict[str, Issue]:
    """Return an issue for each part whose number or EAN belongs to another record that is already linked."""
    parts = [part for record in desired for part in record.parts]
    numbers = links.by_reference(flow, kind, [part.key for part in parts])
    eans = {str(part.values["ean"]): part for part in parts if part.values.get("ean")}
    marks = links.by_mark(flow, kind, list(eans))
    found = {}
    for part in parts:
        owner = numbers.get(part.key)
        if owner is not None and owner.key != part.source:
            facts = {"key": part.source, "article": part.source, "other": owner.key, "number": part.key}
            found[part.source] = Issue("sku_duplicate", part.source, "number", facts)
    for ean, part in eans.items():
        owner = marks.get(ean)
        if owner is not None and owner.key != part.source:
            facts = {"key": part.source, "article": part.source, "other": owner.key, "value": ean}
            found[part.source] = Issue("ean_duplicate", part.source, "ean", facts)
    return found
