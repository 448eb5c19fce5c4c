"""Finds reasons in other records to keep a record out of a plan: a missing dependency, or an existing record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from integration.connectors.protocol import Connector
from integration.core.errors import AccessDeniedError, RejectedError
from integration.core.flow import Flow, Stage
from integration.core.grouping import find_cycles, group_by_key
from integration.core.issues import Issue
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record
from integration.core.rules import as_text
from integration.core.run import Run
from integration.core.states import Step
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import lookup_records
from integration.store.links import Links

log = structlog.get_logger(__name__)


def issues_for_parked_dependencies(
    deps: Dependencies, run: Run, stage: Stage, desired: Sequence[Record]
) -> dict[str, Issue]:
    """Return an issue for each record that refers to a single record which is parked in this plan.

    A list of records, such as the groups of a product, is checked when it is written; see `missing_dependencies`.
    """
    issues: dict[str, Issue] = {}
    for name, kind in stage.needs.items():
        keys = {key for record in desired if isinstance(key := record.values.get(name), str) and key}
        parked = deps.previews.lines_at(Step.PARKED, run.id, kind, sorted(keys))
        for record in desired:
            line = parked.get(str(record.values.get(name) or ""))
            if line is not None:
                facts = {"key": record.key, "field": name, "needed": line.title, "cause": line.cause}
                issues.setdefault(record.key, Issue("needed_record_parked", record.key, name, facts))
    return issues


def missing_dependencies(
    deps: Dependencies, run: Run, flow: Flow, stage: Stage, desired: Sequence[Record]
) -> dict[tuple[Kind, str], Issue]:
    """Return an issue for each needed record that the target does not have and that this plan does not create.

    A record of the same stage may be on a later page, so it counts as created if it was read and may be written.
    """
    keys_by_kind = group_by_key(
        sorted({kind_and_key for record in desired for kind_and_key in stage.needed_records(record)})
    )
    references = deps.links.references(flow.name)
    issues: dict[tuple[Kind, str], Issue] = {}
    for kind, keys in keys_by_kind.items():
        references.ask(kind, keys)
        missing = {key for key in keys if not references.reference(kind, key)}
        if not missing:
            continue
        parked = deps.previews.lines_at(Step.PARKED, run.id, kind, sorted(missing))
        missing -= deps.previews.lines_at(Step.PLANNED, run.id, kind, sorted(missing)).keys()
        if kind is stage.target:
            missing -= deps.previews.keys_taking_part(run.id, stage.name, sorted(missing)) - parked.keys()
        for key in missing:
            if (line := parked.get(key)) is not None:
                facts = {"field": str(kind), "needed": line.title, "cause": line.cause}
                issues[kind, key] = Issue("needed_record_parked", key, str(kind), facts)
            else:
                facts = {"field": str(kind), "key": key, "system": flow.target}
                issues[kind, key] = Issue("needed_record_missing", key, str(kind), facts)
    return issues


def find_records_in_cycles(
    deps: Dependencies, run: Run, flow: Flow, stage: Stage, desired: Sequence[Record], titles: Mapping[str, str]
) -> dict[str, Issue]:
    """Return an issue for each record that contains itself, such as a group whose parent is a group inside it.

    The parents of records that this run does not change are those of their links.
    """
    name = next((name for name, kind in stage.needs.items() if kind is stage.target), "")
    parents = {record.key: as_text(record.values.get(name)) for record in desired} if name else {}
    while unknown := sorted({*parents.values()} - parents.keys() - {""}):
        linked = {key: link.agreed for key, link in deps.links.get(flow.name, stage.target, unknown).items()}
        records = linked | deps.previews.mapped_records(run.id, stage.name, unknown)
        parents |= {key: as_text(record.values.get(name)) if (record := records.get(key)) else "" for key in unknown}
    return {
        key: Issue("group_cycle", key, f"{stage.target}.{name}", {"key": titles[key], "groups": ", ".join(cycle)})
        for key, cycle in find_cycles(parents).items()
        if key in titles
    }


def find_double_matches(
    deps: Dependencies, run: Run, flow: Flow, stage: Stage, current_records: Mapping[str, CurrentRecord]
) -> dict[str, Issue]:
    """Return an issue for each record that was matched with a target record that another record already owns."""
    matched = {key: now for key, now in current_records.items() if now.evidence not in ("", "link")}
    references = sorted({now.reference for now in matched.values()})
    if not references or stage.write_once:
        return {}
    linked = deps.links.by_reference(run.flow, stage.target, references)
    owners = {link.reference: link.key for link in linked.values()}
    owners = deps.previews.owners(run.id, stage.target, references) | owners
    issues: dict[str, Issue] = {}
    for key, now in sorted(matched.items()):
        owner = owners.setdefault(now.reference, key)
        if owner != key:
            facts = {"key": key, "customer": key, "system": flow.target, "candidates": now.reference}
            issues[key] = Issue("customer_ambiguous", key, facts=facts | {"other": owner})
    return issues


def with_owning_document(
    links: Links, flow: str, stage: Stage, current_records: dict[str, CurrentRecord], known_links: Mapping[str, Link]
) -> dict[str, CurrentRecord]:
    """Return the target's documents, with `owner` set where a document without a link belongs to another of ours."""
    new = {key: now for key, now in current_records.items() if key not in known_links} if stage.write_once else {}
    if not new:
        return current_records
    linked = links.by_reference(flow, stage.target, [now.reference for now in new.values()])
    documents = dict(current_records)
    for key, now in new.items():
        link = linked.get(now.reference)
        if link is not None and link.key != key and _is_same_document(link, now):
            documents[key] = replace(now, owner=link.key)
    return documents


def existing_as_other_kind(
    target: Connector, links: Links, flow: Flow, alternatives: Sequence[Record]
) -> dict[str, tuple[Record, CurrentRecord]]:
    """Return the given records that exist in the target as another kind, with the target's version, by key.

    `alternatives` are new records, each as another kind of document. If this installation does not have a kind or may
    not read it, nothing was written there on its behalf, so the kind is skipped.
    """
    existing: dict[str, tuple[Record, CurrentRecord]] = {}
    for kind in dict.fromkeys(record.kind for record in alternatives):
        alike = [record for record in alternatives if record.kind is kind]
        try:
            current_records = lookup_records(target, alike, links.references(flow.name))
        except (AccessDeniedError, RejectedError) as error:
            log.info("not looked up as another kind", flow=flow.name, kind=kind, cause=error.code)
            continue
        existing |= {
            record.key: (record, current_records[record.key]) for record in alike if record.key in current_records
        }
    return existing


def _is_same_document(link: Link, current: CurrentRecord) -> bool:
    """Return True if a link belongs to this record.

    Orders and trade invoices may share a number, and may have no reference.
    """
    agreed = link.agreed.values.get("reference") if link.agreed else None
    return as_text(agreed).casefold() == as_text(current.record.values.get("reference")).casefold()


def find_duplicate_articles(links: Links, flow: str, kind: Kind, desired: Sequence[Record]) -> dict[str, Issue]:
    """Return an issue for each part whose number or EAN belongs to another record that is already linked."""
    parts = [part for record in desired for part in record.parts]
    numbers = links.by_reference(flow, kind, [part.key for part in parts])
    eans = {str(part.values["ean"]): part for part in parts if part.values.get("ean")}
    marks = links.by_mark(flow, kind, list(eans))
    issues = {}
    for part in parts:
        owner = numbers.get(part.key)
        if owner is not None and owner.key != part.source:
            facts = {"key": part.source, "article": part.source, "other": owner.key, "number": part.key}
            issues[part.source] = Issue("sku_duplicate", part.source, "number", facts)
    for ean, part in eans.items():
        owner = marks.get(ean)
        if owner is not None and owner.key != part.source:
            facts = {"key": part.source, "article": part.source, "other": owner.key, "value": ean}
            issues[part.source] = Issue("ean_duplicate", part.source, "ean", facts)
    return issues
