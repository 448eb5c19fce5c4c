"""Source records behind the issues of parked records."""

from collections.abc import Sequence

from integration.core.flow import Flow
from integration.core.issues import OpenIssue
from integration.store.links import Links
from integration.store.plans import PlanStore


def source_keys(links: Links, plans: PlanStore, flow: Flow, issues: Sequence[OpenIssue]) -> dict[int, tuple[str, ...]]:
    """Return the keys of the source records behind each issue, by issue id.

    For a product these are all its articles; for a debtor or an address, the documents from which it is derived.
    """
    derived = [stage.target for stage in flow.stages if stage.derived or stage.write_once]
    named_keys = {
        open_issue.id: (open_issue.issue.facts.get("documents") or open_issue.issue.key).split(",")
        for open_issue in issues
    }
    kind = [stage.target for stage in flow.stages if stage.is_counted][-1]
    owners = links.get(flow.name, kind, [key for keys in named_keys.values() for key in keys])

    def behind(key: str) -> tuple[str, ...]:
        agreed = owners[key].agreed if key in owners else None
        if agreed:
            return agreed.sources
        return (plans.sources(flow.name, derived, key) if derived else ()) or (key,)

    return {
        issue_id: tuple(dict.fromkeys(source for key in keys for source in behind(key)))
        for issue_id, keys in named_keys.items()
    }
