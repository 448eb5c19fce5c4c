"""Looks for documents of another console, for a plan that creates documents and before that plan is written."""

from integration.core.errors import PlanStaleError
from integration.core.foreign_documents import NO_FOREIGN_DOCUMENTS, ForeignDocuments, reported_foreign
from integration.core.run import Run
from integration.runner.dependencies import Dependencies


def find_foreign_documents(deps: Dependencies, run: Run) -> ForeignDocuments:
    """Return documents of another console if the plan creates documents; otherwise the books are not queried."""
    return (
        deps.foreign_documents.foreign_documents_of(run.flow)
        if deps.plans.makes_documents(run.id)
        else NO_FOREIGN_DOCUMENTS
    )


def require_no_foreign_documents(deps: Dependencies, run: Run) -> None:
    """Raise PlanStaleError `prefix_in_use` if there are foreign documents that the plan does not report."""
    if not deps.plans.makes_documents(run.id, chosen=True):
        return
    unreported = deps.foreign_documents.foreign_documents_of(run.flow).excluding(reported_foreign(run.notes))
    if unreported.references:
        system = deps.logics.current_logic(run.flow).flow.target
        raise PlanStaleError("prefix_in_use", system=system, flow=run.flow, **unreported.facts())
