"""The settings of the flow of documents, in the groups in which people think of them."""

from integration.flows.forms import (
    Code,
    Codes,
    Day,
    Money,
    Only,
    PerKey,
    Pick,
    Rows,
    Section,
    Several,
    Switch,
    Together,
    Whole,
    Words,
)
from integration.flows.systems import books, till

STATES = ("nothing", "partial", "complete")
ORDER_TYPES = ("SALES-ORDER", "EXTERNAL-SALES-ORDER", "REPEAT-SALES-ORDER", "TABLE-ORDER", "CAFETERIA-ORDER")
INVOICE_TYPES = ("INVOICE", "DIRECT-INVOICE", "CREDIT-INVOICE", "REPEATING-INVOICE")
RECEIPT_TYPES = ("RECEIPT", "CREDIT-RECEIPT")

_ORDERS = Only("documents", ("order",))
_AS_ORDERS, _AS_POSTINGS = Only("becomes", ("order", "invoice")), Only("becomes", ("posting",))
_WITH_DEBTOR = Only("default_debtor", ("fallback", "forced"))

SECTIONS = (
    Section(
        "settings_documents",
        (
            Together(
                (
                    Pick("documents", ("order", "invoice", "receipt")),
                    Pick("becomes", ("order", "invoice", "posting"), needs={"invoice": "trade_invoices"}),
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
            Together((Codes("categories", till("order_categories")), Codes("branches", till("branches")))),
            Together((Day("date_from"), Whole("most", 1, 100_000))),
        ),
    ),
    Section(
        "settings_customer",
        (
            Pick("default_debtor", ("off", "fallback", "forced")),
            Words("debtor_number", 12, only=_WITH_DEBTOR),
            PerKey("default_debtors_by_branch", till("branches"), None, "debtor_as_above", only=_WITH_DEBTOR),
            Rows("default_debtors_by_country", "col_country", {"debtor": None}, capitals=True, only=_WITH_DEBTOR),
            Switch("create_debtors"),
            Code("collective_account", books("collective_accounts")),
            Pick("addresses", ("off", "when_different", "always")),
        ),
    ),
    Section(
        "settings_booking",
        (
            Words("reference_prefix", 12),
            Code("daybook", books("daybooks"), only=_AS_POSTINGS),
            Words("collective_article", 15, only=_AS_ORDERS),
            Code("deposit_account", books("ledgers"), only=_AS_POSTINGS),
            Rows(
                "deposit_accounts",
                "col_turnover_group",
                {"account": books("ledgers")},
                till("turnover_groups"),
                only=_AS_POSTINGS,
            ),
            Codes("deposit_groups", till("turnover_groups"), "choose_none", only=_AS_POSTINGS),
        ),
    ),
    Section(
        "settings_amounts",
        (
            Pick("price_basis", ("till", "incl", "excl"), "basis"),
            Together((Pick("rounding", ("line", "document")), Whole("price_places", 2, 4))),
            Money("rounding_limit"),
            Words("rounding_article", 15, only=_AS_ORDERS),
            Code("rounding_account", books("ledgers"), only=_AS_POSTINGS),
            Codes("rounding_methods", till("payment_methods"), "choose_none"),
        ),
    ),
    Section(
        "settings_completion",
        (
            Code("default_employee", till("employees")),
            Together((Code("default_branch", till("branches")), Words("default_workplace", 10))),
            Together((Words("default_country", 2, capitals=True), Words("default_currency", 3, capitals=True))),
        ),
        ("completion_about",),
    ),
)
