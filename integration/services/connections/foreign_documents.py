"""Finds foreign documents: documents in the books with our prefix that this console did not write.

The search reads the newest documents of every place where the flow may have documents, whatever its current settings.
Documents that a person accepted, by committing a plan that listed them, are not reported again.
"""

from collections.abc import Collection, Iterator, Sequence

from integration.connectors.protocol import Configurable, Connector, Document
from integration.core.connections import Finding
from integration.core.errors import AccessDeniedError, IntegrationError, RejectedError
from integration.core.foreign_documents import NO_STRANGERS, ForeignDocuments, normalized_reference
from integration.core.records import Kind
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, FlowSettings, OwnDocumentMarks
from integration.flows.spec import FlowSpec
from integration.services.mappings.mappings import Logics
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.settings import StoredSettings


class ForeignDocumentSearch:
    """Tells foreign documents from those that a flow wrote or may have written."""

    def __init__(
        self,
        ledger: Ledger,
        links: Links,
        stored_settings: StoredSettings,
        access: ConnectorFactory,
        logics: Logics,
        flows: Specs,
    ) -> None:
        self._links = links
        self._ledger = ledger
        self._stored = stored_settings
        self._access = access
        self._logics = logics
        self._flows = flows

    def foreign_documents_of(self, flow: str) -> ForeignDocuments:
        """Return the foreign documents under the current prefix of a flow, as `among` does."""
        spec = self._flows[flow]
        if spec.own_document_marks is None:
            return NO_STRANGERS
        return self.among(self._access.connector(BOOKS.system), spec, self._logics.settings(flow))

    def among(self, connector: Connector, spec: FlowSpec, settings: FlowSettings) -> ForeignDocuments:
        """Return the foreign documents that nobody has accepted. Raises IntegrationError if the books are unreachable.

        Of each place only documents newer than our oldest among the newest count. Documents of an earlier console are
        therefore reported until this console has booked something there. Kinds of document that may not be read, or
        that these books do not have, are skipped: the flow that needs them reports that.
        """
        signs = spec.own_document_marks
        if signs is None or not isinstance(connector, Configurable):
            return NO_STRANGERS
        prefix = str(getattr(self._logics.settings(signs.flow) if signs.flow else settings, signs.setting))
        shown: list[str] = []
        strange: dict[str, str] = {}
        for kind in dict.fromkeys(
            one.target for one in spec.with_settings(settings).stages if one.write_once and not one.unverifiable
        ):
            places = list(_places(connector, kind))
            shown += [one.reference for place in places for one in place]
            strange |= {normalized_reference(one): one for one in self._of(spec.name, signs, prefix, kind, places)}
        found = ForeignDocuments(tuple(strange.values()), prefix, signs.free(shown))
        return found.excluding(self._accepted(spec.name))

    def findings(self, connector: Connector, spec: FlowSpec, settings: FlowSettings) -> list[Finding]:
        """Return a finding if there are foreign documents.

        Returns none if the books are unreachable: another check reports that.
        """
        try:
            found = self.among(connector, spec, settings)
        except IntegrationError:
            return []
        if not found.references:
            return []
        error = RejectedError("prefix_in_use", system=BOOKS.system, flow=spec.name, **found.facts())
        return [Finding("", ok=False, cause=error.code, facts=dict(error.facts))]

    def accept(self, flow: str, references: Collection[str], by: str) -> None:
        """Store that a person knows these foreign documents and continues to use the prefix."""
        self._stored.put(self._record(flow), {"accepted": sorted({*self._accepted(flow), *references})}, by)

    def _accepted(self, flow: str) -> Collection[str]:
        return frozenset((self._stored.get(self._record(flow)) or {}).get("accepted", ()))

    def _record(self, flow: str) -> str:
        return self._access.name(f"strangers:{flow}")

    def _of(
        self, flow: str, signs: OwnDocumentMarks, prefix: str, kind: Kind, places: Sequence[Sequence[Document]]
    ) -> Iterator[str]:
        bearing = [place for place in places if any(signs.bears(prefix, kind, one.reference) for one in place)]
        ours = self._ours(flow, kind, [one for place in bearing for one in place]) if bearing else frozenset()
        for place in bearing:
            since = [at for at, one in enumerate(place) if one in ours]
            newer = place[: since[-1]] if since else place
            yield from (one.reference for one in newer if one not in ours and signs.bears(prefix, kind, one.reference))

    def _ours(self, flow: str, kind: Kind, documents: Sequence[Document]) -> Collection[Document]:
        """Return the documents that are linked, by reference and number, or that were sent under their reference."""
        linked = self._links.documents(flow, kind, {normalized_reference(one.reference) for one in documents})
        sent = {
            normalized_reference(row.change.wanted.values.get("reference"))
            for row in self._ledger.unproven_creates(flow, kind)
            if row.change
        }
        return {
            one
            for one in documents
            if (known := normalized_reference(one.reference)) in sent
            or any(not one.number or number in (one.number, "") for number in linked.get(known, ()))
        }


def _places(connector: Configurable, kind: Kind) -> Iterator[Sequence[Document]]:
    try:
        yield from connector.newest_documents(kind)
    except (AccessDeniedError, RejectedError):
        return
