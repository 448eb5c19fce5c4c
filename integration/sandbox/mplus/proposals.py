"""Proposals: read, saved and cancelled. Orders and invoices are made from them at the till."""

from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.documents import COUNTERS, DocumentSet, SandboxDocument, single
from integration.sandbox.mplus.relations import Relations
from integration.sandbox.mplus.sums import INCLUSIVE, OrderTotals

OPEN = "PROPOSAL-STATE-OUTSTANDING"


class Proposals:
    """Operations that read and save proposals."""

    def __init__(
        self,
        context: TillContext,
        reference: Reference,
        relations: Relations,
        totals: OrderTotals,
        document_set: DocumentSet,
    ) -> None:
        self._context = context
        self._reference = reference
        self._relations = relations
        self._totals = totals
        self._document_set = document_set

    def operations(self) -> dict[str, Handler]:
        return {
            "getProposals": lambda request: WireFields(
                [("proposalList", self._document_set.listed(request.child("request")))]
            ),
            "getProposal": lambda request: single("GET-PROPOSAL", self._document_set, request.text("proposalId")),
            "saveProposal": lambda request: self._save(request.child("proposal")),
        }

    def _save(self, proposal: WireFields) -> WireFields:
        return self._update(proposal) if proposal.text("proposalId") else self._create(proposal)

    def _create(self, proposal: WireFields) -> WireFields:
        if proposal.text("extProposalId") and proposal.text("extProposalId") in self._document_set.by_ext:
            return self._save_answer("EXT-PROPOSAL-ID-ALREADY-EXISTS", None, "The external id is already in use")
        relation, branch = proposal.number("relationNumber"), proposal.number("entryBranchNumber", 1) or 1
        if relation and relation not in self._relations.relations:
            return self._save_answer("FAILED", None, f"Relation {relation} does not exist")
        if branch not in self._reference.branches:
            return self._save_answer("FAILED", None, f"Branch {branch} does not exist")
        if not proposal.child("lineList").children("line"):
            return self._save_answer("FAILED", None, "A proposal needs at least one line")
        return self._save_answer("OK", self._document_set.put(self._new_proposal(proposal, relation, branch)), "")

    def _new_proposal(self, sent_proposal: WireFields, relation: int, branch: int) -> WireFields:
        """Return the sent proposal with the values that the till adds."""
        today = self._context.today
        usual: dict[str, object] = {
            "proposalType": "PROPOSAL-TYPE-PROPOSAL",
            "entryTimestamp": self._context.now,
            "financialDate": today,
            "vatMethod": INCLUSIVE,
            **self._relations.addressed(relation),
        }
        own: dict[str, object] = {
            "proposalId": self._context.new_id("proposal"),
            "entryBranchNumber": branch,
            "financialBranchNumber": sent_proposal.number("financialBranchNumber") or branch,
            "proposalNumber": {"year": today.year, "number": self._context.count("proposal number")},
            "state": OPEN,
        }
        build, merged = self._context.build, self._context.contract.merged
        intended = WireFields(
            pair for pair in sent_proposal.without_names("syncMarker", *COUNTERS) if pair[1] not in ("", "0", [])
        )
        proposal = merged("Proposal", build("Proposal", usual), intended)
        return self._totals.with_totals(merged("Proposal", proposal, build("Proposal", own)), "Proposal")

    def _update(self, proposal: WireFields) -> WireFields:
        document = self._document_set.get(proposal.text("proposalId"))
        if document is None:
            return self._save_answer("NOT-FOUND", None, "The proposal does not exist")
        old = self._document_set.fields(document)
        if proposal.number("changeCounter") and proposal.number("changeCounter") != old.number("changeCounter"):
            return self._save_answer("PROPOSAL-HAS-CHANGED", document, "The proposal has changed since it was read")
        if old.text("state") != OPEN:
            return self._save_answer("FAILED", document, "The proposal is no longer open")
        merged = self._context.contract.merged("Proposal", old, proposal.without_names("syncMarker", *COUNTERS))
        return self._save_answer("OK", self._document_set.put(self._totals.with_totals(merged, "Proposal")), "")

    def _save_answer(self, result: str, document: SandboxDocument | None, message: str) -> WireFields:
        year, number = document.index.number if document else (0, 0)
        values: dict[str, object] = {
            "result": f"SAVE-PROPOSAL-RESULT-{result}",
            "info": {
                "proposalId": document.id if document else "",
                "proposalString": f"{year}-{number}" if document else "",
                "proposalNumber": {"year": year, "number": number} if document else None,
            },
            "errorMessage": message,
        }
        return self._context.build("SaveProposalResponse", values)
