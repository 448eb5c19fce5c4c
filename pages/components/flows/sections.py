"""What each flow is asked: its settings, in the groups in which people think of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.records import FieldType, Kind
from integration.flows.stock.logic import FORMULA, FORMULAS
from pages.components.flows.becomes import Becoming
from pages.components.flows.formulas import Example, Rates
from pages.components.flows.source_fields import SourceField, field_label, source_fields
from pages.components.shared.inputs import (
    Asking,
    Choose,
    Code,
    Codes,
    Day,
    Live,
    Money,
    Only,
    PerKey,
    Pick,
    Rows,
    Several,
    Shape,
    Switch,
    Together,
    Whole,
    Words,
)  # fmt: skip
from pages.components.shared.wording import text


@dataclass(frozen=True, slots=True)
class Section:
    """A card of settings: what heads it, what it asks, and what is good to know."""

    title: str
    shapes: tuple[Shape, ...]
    notes: tuple[str, ...] = ()


def _books(name: str) -> Live:
    return Live("accountview", name)


def _till(name: str) -> Live:
    return Live("mplus", name)


def _quantities(asking: Asking) -> dict[str, str]:
    """Return what a branch can get: what the formula gives, or a field of the article that is a number."""
    fields = source_fields(asking.app, asking.flow, Kind.ARTICLE) or []
    numbers = {one.name: field_label(fields, one.name) for one in fields if one.type is FieldType.NUMBER}
    return {FORMULA: text("branch_formula"), **numbers}


def _anything(asking: Asking) -> dict[str, str]:
    del asking
    return {}


TAKEN = ("park", "accept")
VAT_METHODS = ("", "inclusive", "exclusive", "shifted", "none")
STATES = ("nothing", "partial", "complete")
ORDER_TYPES = ("SALES-ORDER", "EXTERNAL-SALES-ORDER", "REPEAT-SALES-ORDER", "TABLE-ORDER", "CAFETERIA-ORDER")
INVOICE_TYPES = ("INVOICE", "DIRECT-INVOICE", "CREDIT-INVOICE", "REPEATING-INVOICE")
RECEIPT_TYPES = ("RECEIPT", "CREDIT-RECEIPT")

_ORDERS = Only("documents", ("order",))
_AS_ORDERS, _AS_POSTINGS = Only("becomes", ("order", "invoice")), Only("becomes", ("posting",))
_WITH_DEBTOR = Only("default_debtor", ("fallback", "forced"))

SECTIONS: Mapping[str, tuple[Section, ...]] = {
    "products": (
        Section(
            "settings_number",
            (
                Choose("sku_rule", ("code", "field", "allotted"), "sku"),
                SourceField("sku_field", Kind.ARTICLE, missing="sku_field_missing", only=Only("sku_rule", ("field",))),
            ),
            ("sku_external",),
        ),
        Section(
            "settings_price",
            (
                Together(
                    (Pick("price_basis", ("excl", "incl"), "price"), Pick("price_sent", ("incl", "excl"), "price"))
                ),
                Together((Pick("zero_price", ("send", "park"), "zero"), Words("default_currency", 3, capitals=True))),
                Whole("decimals", 0, 2),
                Rates("rates"),
            ),
        ),
        Section(
            "settings_sent",
            (
                Together((Switch("content.create"), Switch("content.update")), "part_content"),
                Together((Switch("offer.create"), Switch("offer.update")), "part_offer"),
                Switch("groups"),
                Switch("retire"),
                Pick("blocked", ("skip", "inactive")),
            ),
        ),
        Section("settings_variants", (SourceField("parent_field", Kind.ARTICLE),), ("parent_about", "images_not_sent")),
    ),
    "stock": (
        Section(
            "settings_formula",
            (
                Pick("formula", (*FORMULAS, "expression")),
                Words("expression", 500, only=Only("formula", ("expression",))),
                Example("formula"),
            ),
        ),
        Section("settings_branches", (PerKey("branches", _till("branches"), _quantities, "branch_not_sent"),)),
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
    ),
    "customers": (
        Section(
            "settings_who",
            (
                Codes("accounts", _books("collective_accounts"), "choose_all_debtors"),
                Codes("leave_out", none="choose_nobody"),
                Pick("blocked", ("skip", "inactive")),
            ),
        ),
        Section(
            "settings_customers_written",
            (
                Switch("create"),
                Pick("empty", ("keep", "clear")),
                Pick("other_external_id", ("park", "accept"), "taken"),
            ),
        ),
        Section(
            "settings_new_customers",
            (
                Together((Pick("default_vat_method", VAT_METHODS, "vat"), Words("default_price_group", 10))),
                Rows(
                    "by_country",
                    "col_country",
                    {"vat_method": VAT_METHODS, "vat_method_with_number": VAT_METHODS, "price_group": None},
                    capitals=True,
                    words="vat",
                ),
            ),
            ("new_customers_about",),
        ),
    ),
    "orders": (
        Section(
            "settings_documents",
            (
                Together(
                    (
                        Pick("documents", ("order", "invoice", "receipt")),
                        Becoming("becomes", ("order", "invoice", "posting")),
                    )
                ),
                Several("types", ORDER_TYPES, "type", only=_ORDERS),
                Several("types", INVOICE_TYPES, "type", only=Only("documents", ("invoice",))),
                Several("types", RECEIPT_TYPES, "type", only=Only("documents", ("receipt",))),
                Together(
                    (
                        Several("delivery", STATES, "state_of"),
                        Several("cancel", STATES, "state_of"),
                        Several("complete", STATES, "state_of"),
                    ),
                    only=_ORDERS,
                ),
                Pick("paid", ("all", "only", "not")),
                Together((Codes("categories", _till("order_categories")), Codes("branches", _till("branches")))),
                Together((Day("date_from"), Whole("most", 1, 100_000))),
            ),
        ),
        Section(
            "settings_customer",
            (
                Pick("default_debtor", ("off", "fallback", "forced")),
                Words("debtor_number", 12, only=_WITH_DEBTOR),
                PerKey("default_debtors_by_branch", _till("branches"), _anything, "debtor_as_above", only=_WITH_DEBTOR),
                Rows("default_debtors_by_country", "col_country", {"debtor": None}, capitals=True, only=_WITH_DEBTOR),
                Switch("create_debtors"),
                Code("collective_account", _books("collective_accounts")),
                Pick("addresses", ("off", "when_different", "always")),
            ),
        ),
        Section(
            "settings_booking",
            (
                Words("reference_prefix", 12),
                Code("daybook", _books("daybooks"), only=_AS_POSTINGS),
                Words("collective_article", 15, only=_AS_ORDERS),
                Code("deposit_account", _books("ledgers"), only=_AS_POSTINGS),
                Rows(
                    "deposit_accounts",
                    "col_turnover_group",
                    {"account": _books("ledgers")},
                    _till("turnover_groups"),
                    only=_AS_POSTINGS,
                ),
                Codes("deposit_groups", _till("turnover_groups"), "choose_none", only=_AS_POSTINGS),
            ),
        ),
        Section(
            "settings_amounts",
            (
                Pick("price_basis", ("till", "incl", "excl"), "basis"),
                Together((Pick("rounding", ("line", "document")), Whole("price_places", 2, 4))),
                Money("rounding_limit"),
                Words("rounding_article", 15, only=_AS_ORDERS),
                Code("rounding_account", _books("ledgers"), only=_AS_POSTINGS),
                Codes("rounding_methods", _till("payment_methods"), "choose_none"),
            ),
        ),
        Section(
            "settings_completion",
            (
                Code("default_employee", _till("employees")),
                Together((Code("default_branch", _till("branches")), Words("default_workplace", 10))),
                Together((Words("default_country", 2, capitals=True), Words("default_currency", 3, capitals=True))),
            ),
            ("completion_about",),
        ),
    ),
}
"""The cards of each flow in their order. Filters, brakes and the schedule have tabs of their own."""
