"""The settings of the flow of products, in the groups in which people think of them."""

from integration.core.records import Kind
from integration.flows.forms import Choose, Only, Pick, Rates, Section, SourceField, Switch, Together, Whole, Words

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
