"""Looking for documents of another console: for a plan that makes some beside them, and before it is written."""

from integration.core.errors import PlanStaleError
from integration.core.run import Run
from integration.core.strangers import NO_STRANGERS, Strangers, told_of
from integration.runner.parts import Parts


def strangers_beside(parts: Parts, run: Run) -> Strangers:
    """Return the documents of another console beside which a plan makes some; nothing is asked where it makes none."""
    return parts.strangers(run.flow) if parts.plans.makes_documents(run.id) else NO_STRANGERS


def expect_no_strangers(parts: Parts, run: Run) -> None:
    """Raise PlanStaleError `prefix_in_use` where there are any by now of which the plan does not tell."""
    if not parts.plans.makes_documents(run.id, chosen=True):
        return
    found = parts.strangers(run.flow).without(told_of(run.notes))
    if found.references:
        system = parts.logic(run.flow).flow.target
        raise PlanStaleError("prefix_in_use", system=system, flow=run.flow, **found.facts())
