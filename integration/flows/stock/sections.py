"""The settings of the flow of stock, in the groups in which people think of them."""

from integration.core.records import FieldType, Kind
from integration.flows.forms import Example, FieldsOf, Only, PerKey, Pick, Section, SourceField, Words
from integration.flows.stock.settings import FORMULA, FORMULAS
from integration.flows.systems import till

QUANTITIES = FieldsOf(Kind.ARTICLE, FieldType.NUMBER, {FORMULA: "branch_formula"})
"""What a branch can get: what the formula gives, or a field of the article that is a number."""

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
