"""Drift check: finds records that were edited or deleted in the target after both systems agreed on them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from integration.connectors.protocol import Connector, Invoicing
from integration.core.drift import DriftCounts, DriftedRecord, own_edits
from integration.core.flow import Flow, Stage
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import lookup_with_canary
from integration.store.links import LinkReferences

DRIFT_PAGE = 250  # records checked together
CANARIES = 25  # latest written records; a trusted lookup must find one of them


@dataclass(frozen=True, slots=True)
class DriftPage:
    """One page of a drift check: its counts, its differences, and the key after which the next page begins.

    The state of records that are not in `compared_keys` is unknown. `after` is None on the last page.
    """

    counts: DriftCounts
    compared_keys: tuple[str, ...]
    different: tuple[DriftedRecord, ...]
    after: str | None


def stages_of(flow: Flow, linked: Collection[Kind] = ()) -> list[Stage]:
    """Return the stages whose records can be checked for drift: one for each kind.

    `linked` kinds that the flow no longer writes are added, because their documents may still exist.
    """
    written_kinds = {stage.target for stage in flow.stages}
    before = [
        Stage(kind, flow.counted_stage.source, kind, write_once=True)
        for kind in sorted(linked)
        if kind not in written_kinds
    ]
    checked_stages = {
        stage.target: stage for stage in reversed(flow.stages) if not stage.volatile and not stage.unverifiable
    }
    return [*(stage for stage in flow.stages if checked_stages.get(stage.target) is stage), *before]


def compare_page(
    deps: Dependencies, logic: FlowLogic, stage: Stage, after: str = "", size: int = DRIFT_PAGE
) -> DriftPage:
    """Return one page of the drift check. Writes nothing to either system."""
    name, target = logic.flow.name, deps.connectors[logic.flow.target]
    links = deps.links.page(name, stage.target, after, size)
    agreed = [link.agreed for link in links if link.agreed]
    references = deps.links.references(name)
    current_records, is_reliable = lookup_with_canary(target, agreed, references, ())
    if not is_reliable and len(current_records) < len(links):
        is_reliable = bool(current_records) or _is_lookup_reliable(deps, logic, stage, target, references)
    is_reliable = is_reliable and not _may_be_invoiced(stage, target)
    page = _PageCounter(logic, stage, is_reliable=is_reliable)
    for link in links:
        page.add(link, current_records.get(link.key))
    following = links[-1].key if len(links) == size else None
    return DriftPage(page.counts, tuple(page.compared_keys), tuple(page.different), following)


def _is_lookup_reliable(
    deps: Dependencies, logic: FlowLogic, stage: Stage, target: Connector, references: LinkReferences
) -> bool:
    """Return True if a record that the lookup does not find does not exist.

    This holds if the same query finds another record, or if the target can show this kind and there are no other
    records.
    """
    newest = deps.links.newest_links(logic.flow.name, stage.target, CANARIES)
    canaries: Sequence[Record] = [link.agreed for link in newest if link.agreed]
    if canaries and target.lookup(canaries, references):
        return True
    return target.shows(stage.target)


def _may_be_invoiced(stage: Stage, target: Connector) -> bool:
    """Return True if a missing record may have been invoiced in a system that does not keep invoiced orders."""
    return stage.target is Kind.SALES_ORDER and isinstance(target, Invoicing) and not target.keeps_invoiced()


class _PageCounter:
    """Collects the results of one page of a drift check."""

    def __init__(self, logic: FlowLogic, stage: Stage, *, is_reliable: bool) -> None:
        self.counts = DriftCounts()
        self.compared_keys: list[str] = []
        self.different: list[DriftedRecord] = []
        self._policy = logic.policy
        self._write_once = stage.write_once
        self._is_reliable = is_reliable

    def add(self, link: Link, current: CurrentRecord | None) -> None:
        """Count one record."""
        agreed = link.agreed
        if (
            agreed is None
            or (current is None and not self._is_reliable)
            or (current and isinstance(current.record, Unreadable))
        ):
            self._count("unknown")
            return
        self.compared_keys.append(link.key)
        if current is None:
            self._count("missing")
            self.different.append(DriftedRecord(link.key, record_title(agreed), link.reference))
            return
        edits, kept_count = own_edits(agreed, current.record, self._policy, once=self._write_once)
        if edits:
            self.different.append(DriftedRecord(link.key, record_title(agreed), current.reference, edits))
        self._count("different" if edits else "edited" if kept_count else "equal")

    def _count(self, name: str) -> None:
        self.counts = self.counts.plus(DriftCounts(compared=1, **{name: 1}))


def record_title(record: Record) -> str:
    """Return the name or number by which people know a record."""
    texts = (as_text(record.values.get(name)) for name in ("number", "name", "reference"))
    return next((text for text in texts if text), record.key)
