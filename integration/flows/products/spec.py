"""The flow of products as a value: articles and article groups of the books become products of the till."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from integration.core.causes import Repair
from integration.core.errors import Reason
from integration.core.flow import Ownership
from integration.core.prices import OfferPrecedence
from integration.core.records import Kind, Record, is_till_number
from integration.flows.forms import (
    Checkbox,
    FieldGroup,
    IntegerField,
    MissingSetting,
    Proposal,
    Question,
    RadioChoice,
    Rates,
    Section,
    Select,
    SetupContext,
    SourceField,
    TextField,
    VisibleWhen,
    default_proposal,
    vat_question,
)
from integration.flows.prices import BRANCHES, OFFERS, OWNERS, PRICE_GROUPS, Terms
from integration.flows.products import turnover
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.offer import PRICE
from integration.flows.products.pictures import CONTENT, ProductPictures
from integration.flows.products.settings import FLOW, ProductSettings, configured_flow
from integration.flows.settings import BOOKS, TILL, ValueTable, books_list, till_list
from integration.flows.spec import MAPPINGS, FlowContext, FlowSpec, Tables

SENT = VisibleWhen("customer_prices", (True,))
OFFERS_SENT = VisibleWhen("temporary_prices", (True,))

SECTIONS = (
    Section(
        "settings_number",
        (
            RadioChoice("sku_rule", ("code", "field", "allotted"), "sku"),
            SourceField(
                "sku_field", Kind.ARTICLE, missing="sku_field_missing", only=VisibleWhen("sku_rule", ("field",))
            ),
        ),
        ("sku_external",),
    ),
    Section(
        "settings_price",
        (
            FieldGroup(
                (Select("price_basis", ("excl", "incl"), "price"), Select("price_sent", ("incl", "excl"), "price"))
            ),
            FieldGroup(
                (Select("zero_price", ("send", "park"), "zero"), TextField("default_currency", 3, capitals=True))
            ),
            IntegerField("decimals", 0, 2),
            Rates("rates"),
        ),
    ),
    Section(
        "settings_sent",
        (
            FieldGroup((Checkbox("content.create"), Checkbox("content.update")), "part_content"),
            FieldGroup((Checkbox("offer.create"), Checkbox("offer.update")), "part_offer"),
            Checkbox("groups"),
            Checkbox("retire"),
            Select("blocked", ("off_sale", "skip", "inactive")),
            Select("turnover_group_owner", ("on_create", "keep_equal"), "owner"),
        ),
    ),
    Section(
        "settings_customer_prices",
        (Checkbox("customer_prices"), Select("customer_prices_owner", OWNERS, "owner", only=SENT)),
        ("customer_prices_about",),
    ),
    Section(
        "settings_temporary_prices",
        (
            Checkbox("temporary_prices"),
            Select("temporary_prices_owner", OWNERS, "owner", only=OFFERS_SENT),
            Select("offers_win_over", tuple(OfferPrecedence), "wins_over", only=OFFERS_SENT),
        ),
        ("temporary_prices_about",),
    ),
    Section("settings_variants", (SourceField("parent_field", Kind.ARTICLE),), ("parent_about",)),
    Section("settings_pictures", (SourceField("picture_field", Kind.ARTICLE),), ("pictures_about",)),
)


EXAMPLES = 3  # maximum number of codes in a sentence
CODES = books_list("article_codes")


def _invalid_numbers(context: SetupContext) -> list[str]:
    """Return the known article codes that are not valid article numbers of the till."""
    return [code for code in context.codes_of_list(CODES) if not is_till_number(code)]


def _numbering(context: SetupContext) -> Proposal:
    total, unfit = len(context.codes_of_list(CODES)), len(_invalid_numbers(context))
    facts = {"number": str(total - unfit), "total": str(total)}
    if not total:
        return Proposal({"sku_rule": "code", "sku_field": ""}, Reason("proposed_sku_usual"))
    rule = "code" if unfit * 2 <= total else "allotted"
    return Proposal({"sku_rule": rule, "sku_field": ""}, Reason(f"proposed_sku_{rule}", facts))


def _missing_numbers(context: SetupContext) -> MissingSetting | None:
    unfit = _invalid_numbers(context) if context.settings["sku_rule"] == "code" else []
    if not unfit:
        return None
    facts = {"number": str(len(unfit)), "total": str(len(context.codes_of_list(CODES)))}
    return MissingSetting(Reason("lack_numbers", {**facts, "codes": ", ".join(unfit[:EXAMPLES])}), stops=False)


VAT_TABLE = ValueTable(
    "vat_codes", books_list("vat_codes"), till_list("vat_codes"), looks_up=True, causes=("vat_code_unmapped",)
)

QUESTIONS = (
    Question("number", _numbering, ("sku_rule", "sku_field"), lists=(CODES,), find_missing=_missing_numbers),
    Question("price", default_proposal("proposed_price", "price_basis", "price_sent"), ("price_basis", "price_sent")),
    vat_question(VAT_TABLE),
    turnover.QUESTION,
)


def _logic(
    settings: ProductSettings, body: Mapping[str, Any], version: int, tables: Tables, context: FlowContext
) -> ProductsLogic:
    article = FLOW.name, Kind.ARTICLE

    def agreed(key: str) -> Record | None:
        link = context.links(FLOW.name, Kind.PRODUCT, [key]).get(key)
        return link.agreed if link else None

    def pictured(keys: Sequence[str]) -> dict[str, Record]:
        links = context.links(FLOW.name, Kind.PICTURE, keys)
        return {key: link.agreed for key, link in links.items() if link.agreed and link.agreed.values.get(CONTENT)}

    terms = Terms(
        settings.customer_prices,
        Ownership(settings.customer_prices_owner),
        settings.temporary_prices,
        Ownership(settings.temporary_prices_owner),
        tables,
        agreed=agreed,
    )
    return ProductsLogic(
        settings, body, version, tables, context.rates(BOOKS.system), partial(context.allot, *article),
        partial(context.linked, *article), partial(context.allotted, *article), terms,
        ProductPictures(settings.picture_field, context.pictures, pictured),
        partial(context.current_records, FLOW.name, TILL.system),
    )  # fmt: skip


PRODUCTS = FlowSpec(
    flow=FLOW,
    settings=ProductSettings,
    make=_logic,
    flow_for_settings=configured_flow,
    mapping=MAPPINGS / "products.toml",
    vat_rate_systems=(BOOKS,),
    parts=((Kind.PRODUCT, None), (Kind.ARTICLE, Kind.ARTICLE), (Kind.GROUP, None)),
    target_fields={PRICE: ("article.price_incl", "article.price_excl")},
    tables=(VAT_TABLE, turnover.TABLE, PRICE_GROUPS, BRANCHES, OFFERS),
    repairs={"branch_missing": Repair(tab="tables", name=BRANCHES.name)},
    objects=("articles", "groups", "vat", "prices"),
    sections=SECTIONS,
    questions=QUESTIONS,
    filter_first="group",
    noun="article",
    suggested=True,
    demo_order=1,
)
