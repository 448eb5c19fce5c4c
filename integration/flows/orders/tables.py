"""Value tables of documents: accounts of turnover groups and payment methods, countries, and payment terms."""

from integration.flows.orders.buyers import COUNTRIES
from integration.flows.orders.codes import GROUP_ACCOUNTS
from integration.flows.orders.payments import METHOD_ACCOUNTS
from integration.flows.orders.terms import PAYMENT_TERMS
from integration.flows.settings import (
    COUNTRY_CODES,
    COUNTRY_NAMES,
    Choice,
    KeyPart,
    ValueTable,
    books_list,
    till_list,
)

METHODS, SALES_GROUPS, VAT_CODES_OF_TILL = (
    till_list("payment_methods"),
    till_list("revenue_groups"),
    till_list("vat_codes"),
)
DAYS_TO_PAY = ("7", "8", "10", "14", "15", "21", "28", "30", "45", "60", "90")

GROUPS_TABLE = ValueTable(
    GROUP_ACCOUNTS,
    SALES_GROUPS,
    books_list("revenue_accounts"),
    looks_up=True,
    dimensions=(
        KeyPart("group", (Choice(SALES_GROUPS),), needed=True),
        KeyPart("vat_code", (Choice(VAT_CODES_OF_TILL),)),
    ),
    separator="/",
)
METHODS_TABLE = ValueTable(
    METHOD_ACCOUNTS,
    METHODS,
    books_list("ledgers"),
    looks_up=True,
    causes=("method_account_missing",),
    named=("method",),
)
COUNTRIES_TABLE = ValueTable(
    COUNTRIES,
    theirs=COUNTRY_CODES,
    looks_up=True,
    named=("value",),
    dimensions=(KeyPart("till_country", (Choice(COUNTRY_NAMES),), needed=True),),
)
TERMS_TABLE = ValueTable(
    PAYMENT_TERMS,
    METHODS,
    books_list("payment_conditions"),
    looks_up=True,
    causes=("payment_method_unmapped",),
    named=("value", "method"),
    dimensions=(KeyPart("payment", (Choice(METHODS),), options=DAYS_TO_PAY, needed=True),),
)
