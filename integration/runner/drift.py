"""Looking whether the target still holds what both systems agreed on: what somebody edited or deleted there since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from integration.connectors.protocol import Connector, Invoicing
from integration.core.drift import DriftCounts, DriftedRecord, own_edits
from integration.core.flow import Flow, Stage
from integration.core.links import Link
from integration.core.records import Held, Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import lookup_with_canary
from integration.store.links import LinkReferences

DRIFT_PAGE = 250  # records looked at together
CANARIES = 25  # records written last, one of which a look that sees has to find


@dataclass(frozen=True, slots=True)
class DriftPage:
    """One page of a look: which records it was, what differs, and behind which key the next page begins.

    `told` are the keys of those of which it is known how they stand; `after` is None behind the last page.
    """

    counts: DriftCounts
    told: tuple[str, ...]
    different: tuple[DriftedRecord, ...]
    after: str | None


def stages_of(flow: Flow, linked: Collection[Kind] = ()) -> list[Stage]:
    """Return the stages whose records the target is to hold as agreed, and can show: one for each kind it has.

    Of `linked` kinds that the flow does not write as it is set by now there are documents of before.
    """
    written = {stage.target for stage in flow.stages}
    before = [Stage(kind, flow.counted.source, kind, write_once=True) for kind in sorted(linked) if kind not in written]
    shown = {stage.target: stage for stage in reversed(flow.stages) if not stage.volatile and not stage.unverifiable}
    return [*(stage for stage in flow.stages if shown.get(stage.target) is stage), *before]


def look_at(deps: Dependencies, logic: FlowLogic, stage: Stage, after: str = "", size: int = DRIFT_PAGE) -> DriftPage:
    """Return one page of what the target holds of what both systems agreed on. Writes nothing to any system."""
    name, target = logic.flow.name, deps.connectors[logic.flow.target]
    known = deps.links.page(name, stage.target, after, size)
    agreed = [link.agreed for link in known if link.agreed]
    references = deps.links.references(name)
    held, sees = lookup_with_canary(target, agreed, references, ())
    if not sees and len(held) < len(known):
        sees = bool(held) or _shows(deps, logic, stage, target, references)
    sees = sees and not _may_be_invoiced(stage, target)
    page = _Page(logic, stage, sees=sees)
    for link in known:
        page.add(link, held.get(link.key))
    following = known[-1].key if len(known) == size else None
    return DriftPage(page.counts, tuple(page.told), tuple(page.different), following)


def _shows(deps: Dependencies, logic: FlowLogic, stage: Stage, target: Connector, references: LinkReferences) -> bool:
    """Tell whether what is not found is not there: others are found by the same question, or it has none at all."""
    newest = deps.links.newest(logic.flow.name, stage.target, CANARIES)
    canaries: Sequence[Record] = [link.agreed for link in newest if link.agreed]
    if canaries and target.lookup(canaries, references):
        return True
    return target.shows(stage.target)


def _may_be_invoiced(stage: Stage, target: Connector) -> bool:
    """Tell whether what is not found may have been invoiced, where that leaves no trace."""
    return stage.target is Kind.SALES_ORDER and isinstance(target, Invoicing) and not target.keeps_invoiced()


class _Page:
    """What the records of a page come to while they are looked at."""

    def __init__(self, logic: FlowLogic, stage: Stage, *, sees: bool) -> None:
        self.counts = DriftCounts()
        self.told: list[str] = []
        self.different: list[DriftedRecord] = []
        self._policy = logic.policy
        self._once = stage.write_once
        self._sees = sees

    def add(self, link: Link, held: Held | None) -> None:
        """Count one record."""
        agreed = link.agreed
        if agreed is None or (held is None and not self._sees) or (held and isinstance(held.record, Unreadable)):
            self._count("unknown")
            return
        self.told.append(link.key)
        if held is None:
            self._count("gone")
            self.different.append(DriftedRecord(link.key, record_title(agreed), link.reference))
            return
        edits, kept = own_edits(agreed, held.record, self._policy, once=self._once)
        if edits:
            self.different.append(DriftedRecord(link.key, record_title(agreed), held.reference, edits))
        self._count("different" if edits else "kept" if kept else "equal")

    def _count(self, name: str) -> None:
        self.counts = self.counts.plus(DriftCounts(looked=1, **{name: 1}))


def record_title(record: Record) -> str:
    """Return the name or number people know a record by."""
    told = (as_text(record.values.get(name)) for name in ("number", "name", "reference"))
    return next((one for one in told if one), record.key)
