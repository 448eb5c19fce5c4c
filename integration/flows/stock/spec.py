"""The flow of stock as one value: what the books have of an article becomes its level in each branch of the till."""

from collections.abc import Collection
from functools import partial

from integration.core.causes import By, Repair
from integration.core.errors import Reason
from integration.core.records import Field, FieldType, Kind
from integration.flows.forms import (
    Example,
    FieldsOf,
    Known,
    Lack,
    Only,
    PerKey,
    Pick,
    Proposal,
    Question,
    Section,
    SourceField,
    Words,
    usual,
)
from integration.flows.products.settings import FLOW as PRODUCTS
from integration.flows.settings import books, till
from integration.flows.spec import MAPPINGS, FlowSpec, Needs
from integration.flows.stock.logic import Stock
from integration.flows.stock.settings import AMOUNT, BRANCH, FLOW, FORMULA, FORMULAS, MANAGED, QUANTITY, StockSettings

# What a branch can get: what the formula gives, or a field of the article that is a number.
QUANTITIES = FieldsOf(Kind.ARTICLE, FieldType.NUMBER, {FORMULA: "branch_formula"})

SECTIONS = (
    Section(
        "settings_formula",
        (
            Pick("formula", (*FORMULAS, "expression")),
            Words("expression", 500, only=Only("formula", ("expression",))),
            Example(),
        ),
    ),
    Section("settings_branches", (PerKey("branches", till("branches"), QUANTITIES, "branch_not_sent"),)),
    Section(
        "settings_levels",
        (
            Pick("negative", ("send", "zero", "park")),
            Pick("fractional", ("send", "round_down", "park")),
            SourceField("reorder", Kind.ARTICLE),
        ),
    ),
    Section(
        "settings_articles",
        (Pick("managed", ("leave", "on", "off")), Pick("unlinked", ("code", "skip"))),
    ),
)


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


STOCK = FlowSpec(
    flow=FLOW,
    settings=StockSettings,
    make=lambda settings, body, version, tables, asked: Stock(
        settings, body, version, tables, partial(asked.linked, PRODUCTS.name, Kind.ARTICLE)
    ),
    mapping=MAPPINGS / "stock.toml",
    parts=((Kind.LEVEL, Kind.ARTICLE), (Kind.STOCK, None)),
    computed=(
        Field(QUANTITY, "Quantity of the branch", FieldType.NUMBER, Kind.ARTICLE),
        Field(BRANCH, "Number of the branch", FieldType.CODE, Kind.ARTICLE),
    ),
    writable=frozenset({AMOUNT, MANAGED}),
    repairs={
        "blocked": Repair(),
        "expression_failed": Repair(By.VALUE, "settings", "formula"),
        "sku_duplicate": Repair(),
    },
    objects=("articles", "warehouses"),
    needs=lambda _: Needs((Kind.ARTICLE,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "zero_percent"),
    filter_first="group",
    noun="article",
    suggested=True,
    turn=4,
)
