"""What the flow of stock is asked in the set-up."""

from collections.abc import Collection

from integration.core.errors import Reason
from integration.flows.questions import Known, Lack, Proposal, Question, usual
from integration.flows.systems import books, till

BRANCHES, WAREHOUSES = till("branches"), books("warehouses")


def branch_sources(branches: Collection[str], warehouses: Collection[str]) -> dict[str, str]:
    """Return where the stock of each branch comes from; nothing where that is not plain.

    The only branch gets what the formula gives; else each branch the warehouse of its number, where all have one.
    """
    if len(branches) == 1:  # of several nobody knows which one the stock of the books is for
        return {next(iter(branches)): "formula"}
    if branches and set(branches) == set(warehouses):
        return {code: f"warehouse:{code}" for code in branches}
    return {}


def _plain(known: Known) -> dict[str, dict[str, str]]:
    sources = branch_sources(known.of(BRANCHES), known.of(WAREHOUSES))
    return {"branches": sources} if sources else {}


def _branches(known: Known) -> Proposal | None:
    sources = _plain(known)
    why = "proposed_only_branch" if len(known.of(BRANCHES)) == 1 else "proposed_same_warehouse"
    return Proposal(sources, Reason(why)) if sources else None


def _branchless(known: Known) -> Lack | None:
    if known.settings["branches"] or known.settings["managed"] == "off":
        return None
    return Lack(Reason("lack_branches"), stops=True)


QUESTIONS = (
    Question("branches", _branches, ("branches",), lists=(BRANCHES, WAREHOUSES), lacks=_branchless, plain=_plain),
    Question("formula", usual("proposed_formula", "formula", "expression"), ("formula", "expression")),
    Question("managed", usual("proposed_managed", "managed"), ("managed",)),
)
