"""Looking for documents of another console: for a plan that makes some beside them, and before it is written."""

from integration.core.errors import PlanStaleError
from integration.core.foreign_documents import NO_STRANGERS, ForeignDocuments, reported_foreign
from integration.core.run import Run
from integration.runner.dependencies import Dependencies


def strangers_beside(deps: Dependencies, run: Run) -> ForeignDocuments:
    """Return the documents of another console beside which a plan makes some; nothing is asked where it makes none."""
    return deps.foreign_documents.of(run.flow) if deps.plans.makes_documents(run.id) else NO_STRANGERS


def expect_no_strangers(deps: Dependencies, run: Run) -> None:
    """Raise PlanStaleError `prefix_in_use` where there are any by now of which the plan does not tell."""
    if not deps.plans.makes_documents(run.id, chosen=True):
        return
    found = deps.foreign_documents.of(run.flow).without(reported_foreign(run.notes))
    if found.references:
        system = deps.logics.now(run.flow).flow.target
        raise PlanStaleError("prefix_in_use", system=system, flow=run.flow, **found.facts())
