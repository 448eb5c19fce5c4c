"""Value tables of documents: accounts of turnover groups and payment methods, countries, and payment terms."""

from integration.flows.orders.buyers import COUNTRIES
from integration.flows.orders.payments import METHOD_ACCOUNTS
from integration.flows.orders.terms import PAYMENT_TERMS
from integration.flows.proposals import account_of_till
from integration.flows.settings import (
    COUNTRY_CODES,
    COUNTRY_NAMES,
    Choice,
    KeyPart,
    ValueTable,
    books_list,
    till_list,
)

METHODS = till_list("payment_methods")
DAYS_TO_PAY = ("7", "8", "10", "14", "15", "21", "28", "30", "45", "60", "90")

METHODS_TABLE = ValueTable(
    METHOD_ACCOUNTS,
    METHODS,
    books_list("ledgers"),
    looks_up=True,
    causes=("method_account_missing",),
    code_facts=("method",),
    propose=account_of_till(till_list("payment_accounts"), books_list("ledgers"), "method"),
)
COUNTRIES_TABLE = ValueTable(
    COUNTRIES,
    theirs=COUNTRY_CODES,
    looks_up=True,
    code_facts=("value",),
    dimensions=(KeyPart("till_country", (Choice(COUNTRY_NAMES),), is_required=True),),
)
TERMS_TABLE = ValueTable(
    PAYMENT_TERMS,
    METHODS,
    books_list("payment_conditions"),
    looks_up=True,
    causes=("payment_method_unmapped",),
    code_facts=("value", "method"),
    dimensions=(KeyPart("payment", (Choice(METHODS),), options=DAYS_TO_PAY, is_required=True),),
)
