"""The flow of customers as a value: debtors of the books become relations of the till."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from integration.core.causes import Repair, RepairKind
from integration.core.flow import Ownership
from integration.core.issues import IssueState
from integration.core.link_evidence import ARTICLE_CHANGED
from integration.core.records import Kind, Record
from integration.flows.customers.logic import EXTERNAL_ID, Customers
from integration.flows.customers.settings import FLOW, MAX_NOTHING, MIN_NOTHING, CustomerSettings
from integration.flows.forms import (
    Checkbox,
    Code,
    Codes,
    FieldGroup,
    IntegerField,
    Question,
    Rows,
    Section,
    Select,
    VisibleWhen,
    default_proposal,
)
from integration.flows.prices import OWNERS, PRICE_GROUPS, Terms
from integration.flows.settings import COUNTRY_CODES, books_list, till_list
from integration.flows.spec import MAPPINGS, FlowContext, FlowSpec, Requirements, Tables

PRODUCTS = "products"  # the flow with the till's article numbers and the VAT basis of prices in the books
PRICE_BASIS = (PRODUCTS, "price_basis")
VAT_METHODS = ("", "inclusive", "exclusive", "shifted", "none")

GROUPS = till_list("price_groups")
SENT = VisibleWhen("customer_prices", (True,))


def _no_agreement_field(name: str) -> IntegerField:
    return IntegerField(f"no_{name}", MIN_NOTHING, MAX_NOTHING)


SECTIONS = (
    Section(
        "settings_who",
        (
            Codes("accounts", books_list("collective_accounts"), "choose_all_debtors"),
            Codes("leave_out", none="choose_nobody"),
            Select("blocked", ("skip", "inactive")),
        ),
    ),
    Section(
        "settings_customers_written",
        (
            Checkbox("create"),
            Checkbox("resends"),
            Checkbox("retire_gone"),
            Select("empty", ("keep", "clear")),
            Select("other_external_id", ("park", "accept"), "taken"),
        ),
    ),
    Section(
        "settings_no_agreement",
        (
            FieldGroup((_no_agreement_field("price_group"), _no_agreement_field("discount"))),
            FieldGroup((_no_agreement_field("credit_limit"), _no_agreement_field("payment_days"))),
        ),
        ("no_agreement_about",),
    ),
    Section(
        "settings_new_customers",
        (
            FieldGroup((Select("default_vat_method", VAT_METHODS, "vat"), Code("default_price_group", GROUPS))),
            Rows(
                "by_country",
                "col_country",
                {"vat_method": VAT_METHODS, "vat_method_with_number": VAT_METHODS, "price_group": GROUPS},
                COUNTRY_CODES,
                words="vat",
            ),
        ),
        ("new_customers_about",),
    ),
    Section(
        "settings_customer_prices",
        (Checkbox("customer_prices"), Select("customer_prices_owner", OWNERS, "owner", only=SENT)),
        ("customer_agreements_about",),
    ),
)


QUESTIONS = (
    Question(
        "who",
        default_proposal("proposed_all_debtors", "accounts", "leave_out"),
        ("accounts", "leave_out"),
        lists=(books_list("collective_accounts"),),
    ),
    Question("new", default_proposal("proposed_vat_method", "default_vat_method"), ("default_vat_method",)),
)


def article_numbers(context: FlowContext, codes: Collection[str]) -> dict[str, str]:
    """Return the till numbers of linked articles; empty for those whose identity is an open question."""
    articles = context.links(PRODUCTS, Kind.ARTICLE, codes)
    unclear = {issue.facts["record"] for issue in context.issues(PRODUCTS, (ARTICLE_CHANGED,), IssueState.OPEN)}
    return {code: "" if link.owner in unclear else link.reference for code, link in articles.items()}


def _logic(
    settings: CustomerSettings, body: Mapping[str, Any], version: int, tables: Tables, context: FlowContext
) -> Customers:
    def agreed(key: str) -> Record | None:
        link = context.links(FLOW.name, Kind.RELATION, [key]).get(key)
        return link.agreed if link else None

    terms = Terms(
        settings.customer_prices,
        Ownership(settings.customer_prices_owner),
        tables=tables,
        numbers=partial(article_numbers, context),
        agreed=agreed,
    )
    return Customers(settings, body, version, tables, terms, lambda: context.setting(*PRICE_BASIS) == "incl")


CUSTOMERS = FlowSpec(
    flow=FLOW,
    settings=CustomerSettings,
    make=_logic,
    depends_on_settings=(PRICE_BASIS,),
    mapping=MAPPINGS / "customers.toml",
    parts=((Kind.RELATION, None),),
    match_fields=frozenset({EXTERNAL_ID}),
    tables=(PRICE_GROUPS,),
    repairs={
        "create_switched_off": Repair(tab="settings", name="create"),
        "customer_ambiguous": Repair(RepairKind.CHOICE, kind=Kind.RELATION),
        "customer_shared": Repair(RepairKind.CHOICE, kind=Kind.RELATION),
        "customer_taken": Repair(RepairKind.CHOICE, "settings", "other_external_id", Kind.RELATION),
    },
    mirrors={Kind.RELATION: ("orders", Kind.DEBTOR)},
    objects=("debtors", "prices"),
    needs=lambda _: Requirements((Kind.DEBTOR,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    filter_first="country",
    noun="customer",
    demo_order=3,  # after the orders, whose debtors are customers by then
)
