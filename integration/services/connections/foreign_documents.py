"""Finds foreign documents: documents in the books with our prefix that this console did not write.

The search reads the newest documents of every place where the flow may have documents, whatever its current settings,
and of the daybook into which it writes pages.
Documents that a person accepted, by committing a plan that listed them, are not reported again.
"""

from collections.abc import Collection, Iterator, Sequence

from integration.connectors.protocol import Configurable, Connector, Document
from integration.core.connections import Finding
from integration.core.errors import AccessDeniedError, IntegrationError, RejectedError
from integration.core.foreign_documents import NO_FOREIGN_DOCUMENTS, ForeignDocuments, normalized_reference
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
        self._stored_settings = stored_settings
        self._access = access
        self._logics = logics
        self._flows = flows

    def foreign_documents_of(self, flow: str) -> ForeignDocuments:
        """Return the foreign documents under the current prefix of a flow, as `among` does."""
        spec = self._flows[flow]
        if spec.own_document_marks is None:
            return NO_FOREIGN_DOCUMENTS
        return self.among(self._access.connector(BOOKS.system), spec, self._logics.settings(flow))

    def among(self, connector: Connector, spec: FlowSpec, settings: FlowSettings) -> ForeignDocuments:
        """Return the foreign documents that nobody has accepted. Raises IntegrationError if the books are unreachable.

        Of the newest documents of each place, only those newer than our oldest one among them are reported; if none is
        ours, all are. Documents of an earlier console are therefore reported until this console has booked something
        there. Kinds of document that may not be read, or that these books do not have, are skipped: the flow that needs
        them reports that.
        """
        signs = spec.own_document_marks
        if signs is None or not isinstance(connector, Configurable):
            return NO_FOREIGN_DOCUMENTS
        prefix = str(getattr(self._logics.settings(signs.flow) if signs.flow else settings, signs.setting))
        references: list[str] = []
        by_reference: dict[str, str] = {}
        for kind in dict.fromkeys(
            stage.target for stage in spec.with_settings(settings).stages if stage.write_once and not stage.unverifiable
        ):
            places = list(_newest_documents(connector, kind, str(getattr(settings, signs.daybook, ""))))
            references += [document.reference for place in places for document in place]
            by_reference |= {
                normalized_reference(reference): reference
                for reference in self._foreign_references(spec.name, signs, prefix, kind, places)
            }
        foreign = ForeignDocuments(tuple(by_reference.values()), prefix, signs.find_free_prefix(references))
        return foreign.excluding(self._accepted_references(spec.name))

    def findings(self, connector: Connector, spec: FlowSpec, settings: FlowSettings) -> list[Finding]:
        """Return a finding if there are foreign documents.

        Returns none if the books are unreachable: another check reports that.
        """
        try:
            foreign = self.among(connector, spec, settings)
        except IntegrationError:
            return []
        if not foreign.references:
            return []
        error = RejectedError("prefix_in_use", system=BOOKS.system, flow=spec.name, **foreign.facts())
        return [Finding("", ok=False, cause=error.code, facts=dict(error.facts))]

    def accept(self, flow: str, references: Collection[str], by: str) -> None:
        """Store that a person knows these foreign documents and continues to use the prefix."""
        self._stored_settings.put(
            self._record(flow), {"accepted": sorted({*self._accepted_references(flow), *references})}, by
        )

    def _accepted_references(self, flow: str) -> Collection[str]:
        return frozenset((self._stored_settings.get(self._record(flow)) or {}).get("accepted", ()))

    def _record(self, flow: str) -> str:
        return self._access.name(f"foreign_documents:{flow}")

    def _foreign_references(
        self, flow: str, signs: OwnDocumentMarks, prefix: str, kind: Kind, places: Sequence[Sequence[Document]]
    ) -> Iterator[str]:
        marked_places = [
            place for place in places if any(signs.has_prefix(prefix, kind, document.reference) for document in place)
        ]
        ours = (
            self._own_documents(flow, kind, [document for place in marked_places for document in place])
            if marked_places
            else frozenset()
        )
        for place in marked_places:
            since = [at for at, document in enumerate(place) if document in ours]
            newest = place[: since[-1]] if since else place
            yield from (
                document.reference
                for document in newest
                if document not in ours and signs.has_prefix(prefix, kind, document.reference)
            )

    def _own_documents(self, flow: str, kind: Kind, documents: Sequence[Document]) -> Collection[Document]:
        """Return the documents that are linked, by reference and number, or that were sent under their reference."""
        linked = self._links.documents(flow, kind, {normalized_reference(document.reference) for document in documents})
        sent_references = {
            normalized_reference(row.change.desired.values.get("reference"))
            for row in self._ledger.unproven_creates(flow, kind)
            if row.change
        }
        return {
            document
            for document in documents
            if (reference := normalized_reference(document.reference)) in sent_references
            or any(not document.number or number in (document.number, "") for number in linked.get(reference, ()))
        }


def _newest_documents(connector: Configurable, kind: Kind, daybook: str) -> Iterator[Sequence[Document]]:
    try:
        yield from connector.newest_documents(kind, daybook)
    except (AccessDeniedError, RejectedError):
        return
