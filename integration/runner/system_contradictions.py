"""Counts records of a preview that contradict their links. Many of them suggest that a wrong system is connected."""

from collections import Counter

from integration.core.flow import Flow
from integration.core.plan_lines import LineFilter
from integration.core.run import Run
from integration.runner.dependencies import Dependencies

IDENTITY_CAUSES = ("customer_identity_changed", "article_identity_changed")
MISSING = "target_record_missing"
SAMPLE = 50  # lines of one cause that are read to see which system they contradict


def report_contradictions(deps: Dependencies, run: Run, flow: Flow, read: int) -> None:
    """Report the system that most of the contradicting records of a preview name.

    A record that the target lost contradicts the target. `read` is how many records the preview read.
    """
    missing = deps.plans.count(run.id, "park", among=LineFilter(cause=MISSING))
    systems = Counter({flow.target: missing} if missing else {})
    for cause in IDENTITY_CAUSES:
        number = deps.plans.count(run.id, "park", among=LineFilter(cause=cause))
        rows = deps.plans.rows(run.id, "park", limit=SAMPLE, among=LineFilter(cause=cause)) if number else []
        if rows:
            (system, _), *_ = Counter(row.facts.get("system", flow.target) for row in rows).most_common(1)
            systems[system] += number
    for system, number in systems.items():
        deps.identities.suspect(system, number, read)
