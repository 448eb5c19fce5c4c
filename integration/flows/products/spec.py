"""The flow of products as one value: articles and article groups of the books become products of the till."""

from functools import partial

from integration.core.errors import Reason
from integration.core.records import Kind, is_till_number
from integration.flows.forms import (
    Choose,
    Known,
    Lack,
    Only,
    Pick,
    Proposal,
    Question,
    Rates,
    Section,
    SourceField,
    Switch,
    Together,
    Whole,
    Words,
    usual,
    vat_question,
)
from integration.flows.products.logic import PRICE, Products
from integration.flows.products.settings import FLOW, ProductSettings
from integration.flows.settings import BOOKS, TILL, ValueTable, books, till
from integration.flows.spec import MAPPINGS, FlowSpec

SECTIONS = (
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
            Together((Pick("price_basis", ("excl", "incl"), "price"), Pick("price_sent", ("incl", "excl"), "price"))),
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
)


EXAMPLES = 3  # codes that a sentence names
CODES = books("article_codes")


def _unfit(known: Known) -> list[str]:
    """Return the article codes seen that cannot be an article number of the till as they are."""
    return [code for code in known.of(CODES) if not is_till_number(code)]


def _numbering(known: Known) -> Proposal:
    seen, unfit = len(known.of(CODES)), len(_unfit(known))
    facts = {"number": str(seen - unfit), "total": str(seen)}
    if not seen:
        return Proposal({"sku_rule": "code", "sku_field": ""}, Reason("proposed_sku_usual"))
    rule = "code" if unfit * 2 <= seen else "allotted"
    return Proposal({"sku_rule": rule, "sku_field": ""}, Reason(f"proposed_sku_{rule}", facts))


def _numberless(known: Known) -> Lack | None:
    unfit = _unfit(known) if known.settings["sku_rule"] == "code" else []
    if not unfit:
        return None
    facts = {"number": str(len(unfit)), "total": str(len(known.of(CODES)))}
    return Lack(Reason("lack_numbers", {**facts, "codes": ", ".join(unfit[:EXAMPLES])}), stops=False)


QUESTIONS = (
    Question("number", _numbering, ("sku_rule", "sku_field"), lists=(CODES,), lacks=_numberless),
    Question("price", usual("proposed_price", "price_basis", "price_sent"), ("price_basis", "price_sent")),
    vat_question("vat_codes", BOOKS, TILL),
)


PRODUCTS = FlowSpec(
    flow=FLOW,
    settings=ProductSettings,
    make=lambda settings, body, version, tables, asked: Products(
        settings, body, version, tables, asked.rates(BOOKS), partial(asked.allot, FLOW.name, Kind.ARTICLE)
    ),
    mapping=MAPPINGS / "products.toml",
    rated=(BOOKS,),
    parts=((Kind.PRODUCT, None), (Kind.ARTICLE, Kind.ARTICLE), (Kind.GROUP, None)),
    sent_as={PRICE: ("article.price_incl", "article.price_excl")},
    tables=(
        ValueTable("vat_codes", books("vat_codes"), till("vat_codes"), looks_up=True, causes=("vat_code_unmapped",)),
    ),
    objects=("articles", "groups", "vat"),
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "price_percent", "retirements"),
    filter_first="group",
    noun="article",
    suggested=True,
    turn=1,
)
