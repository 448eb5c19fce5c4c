"""The settings of the flow of customers, in the groups in which people think of them."""

from integration.flows.forms import Codes, Pick, Rows, Section, Switch, Together, Words
from integration.flows.systems import books

VAT_METHODS = ("", "inclusive", "exclusive", "shifted", "none")

SECTIONS = (
    Section(
        "settings_who",
        (
            Codes("accounts", books("collective_accounts"), "choose_all_debtors"),
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
)
