"""Documents in the books that begin as ours do, and that this console has not written: another one writes there too."""

from collections.abc import Callable, Collection, Sequence

from integration.connectors.protocol import Configurable, Document
from integration.core.connections import Finding
from integration.core.errors import IntegrationError, RejectedError
from integration.core.flow import Flow
from integration.core.records import Kind
from integration.flows.settings import BOOKS, FlowSettings
from integration.flows.spec import FlowSpec
from integration.store.stores import Stores

Own = Callable[[str, Kind, Sequence[Document]], Collection[Document]]
"""Returns which documents in the books a flow has written, or may have."""


def own_of(stores: Stores) -> Own:
    """Return what tells, by links and by what is in doubt, which documents are of this console."""

    def own(flow: str, kind: Kind, shown: Sequence[Document]) -> Collection[Document]:
        linked = stores.links.by_reference(flow, kind, [one.number for one in shown])
        doubts = [
            row.change.wanted.values.get("reference") for row in stores.ledger.every_doubt(flow, kind) if row.change
        ]
        return {one for one in shown if one.number in linked or one.reference in doubts}

    return own


def strangers(connector: Configurable, spec: FlowSpec, settings: FlowSettings, own: Own) -> list[Finding]:
    """Return that the books have documents under our prefix that are not ours, with a prefix that none begins with.

    Of the newest documents, those made since the oldest of ours among them: what a console of before has left here is
    told until this one has booked something.
    """
    if spec.signs is None:
        return []
    flow, prefix = spec.with_settings(settings), str(getattr(settings, spec.signs.setting))
    shown: list[Document] = []
    strange: list[Document] = []
    try:
        for kind in _documents(flow):
            newest = connector.newest(kind)
            ours = own(flow.name, kind, newest)
            since = [at for at, one in enumerate(newest) if one in ours]
            told = newest[: since[-1]] if since else newest
            strange += [one for one in told if one not in ours and spec.signs.bears(prefix, kind, one.reference)]
            shown += newest
    except IntegrationError:  # what cannot be read is told by the look at the kind itself
        return []
    if not strange:
        return []
    error = RejectedError(
        "prefix_in_use",
        system=BOOKS,
        flow=flow.name,
        prefix=prefix,
        reference=strange[0].reference,
        count=len(strange),
        free=spec.signs.free([one.reference for one in shown]),
    )
    return [Finding("", ok=False, cause=error.code, facts=dict(error.facts))]


def _documents(flow: Flow) -> list[Kind]:
    kinds = (one.target for one in flow.stages if one.once and not (one.off or one.unproven))
    return list(dict.fromkeys(kinds))
