"""What the flow of stock is, and what it can be told."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage, Unique
from integration.core.issues import PASSING
from integration.core.records import Kind
from integration.core.rules import Formula, RuleError
from integration.flows.functions.toolbox import Tools
from integration.flows.settings import BOOKS, TILL, FlowSettings

FLOW = Flow(
    "stock",
    source=BOOKS,
    target=TILL,
    stages=(Stage(Kind.ARTICLE, Kind.STOCK, grouped_by="group", unique=(Unique.NUMBER,)),),
    by_changes=False,  # nothing says that a movement of stock changes the article's stamp
    passing=PASSING,
)

AMOUNT, MANAGED = "level.amount", "stock.managed"
QUANTITY, BRANCH = "quantity", "branch"  # what the rule for a level reads beside the fields of the article
FORMULA = "formula"

# Each formula as the expression it is. What the installation does not keep as reserved counts as nothing.
FORMULAS: Mapping[str, str] = {
    "available_minus_reserved": "stock - first(stock_reserved, 0)",
    "available": "stock",
    "free": "stock_free",
    "technical": "stock_technical",
}

Branch = Annotated[str, StringConstraints(pattern=r"^\d+$")]


class StockSettings(FlowSettings):
    """How stock flows. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "stock"

    formula: Literal["available_minus_reserved", "available", "free", "technical", "expression"] = (
        "available_minus_reserved"
    )
    expression: str = ""  # for the formula `expression`, over the fields of the article
    branches: dict[Branch, str] = Field(default_factory=dict)  # the till's -> `formula` (or empty), or a field
    managed: Literal["leave", "on", "off"] = "leave"  # whether the till keeps stock of the articles sent
    negative: Literal["send", "zero", "park"] = "zero"
    fractional: Literal["send", "round_down", "park"] = "send"
    reorder: str = ""  # the field of the article that says at which level to order again; only for the charts
    unlinked: Literal["skip", "code"] = "code"  # the till's number of an article that the flow of products has not sent

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the fields of the formula, of the branches and of the reorder level."""
        own = self.formula == "expression"
        for name in sorted(formula_of(self, Tools())[1].names):
            yield "expression" if own else "formula", name, own
        for source in dict.fromkeys(self.branches.values()):
            if source not in ("", FORMULA):
                yield "stock_branches", source, True  # as it is called on screen
        if self.reorder:
            yield "reorder", self.reorder, True

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""
        if self.formula == "expression" and not self.expression:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="expression", expected="expected_formula"
            )


def formula_of(settings: StockSettings, tools: Tools) -> tuple[str, Formula]:
    """Return the formula that is set, as text and ready to use. Raises ConfigurationError for one that cannot be."""
    text = FORMULAS.get(settings.formula, settings.expression)
    try:
        return text, tools.expression(text)
    except RuleError as error:
        why = error.reason
        raise ConfigurationError(
            "flow_setting_invalid", flow="stock", setting="expression", expected=why.code, **why.facts
        ) from None
