"""A shop of the sandbox with the accounts and value tables that documents and days need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.consoles import WHO, Console, open_application
from tests.flows.orders import oracle
from tests.people import make_actor

TABLES: Mapping[str, Mapping[str, str]] = {
    "revenue_accounts": oracle.REVENUE,
    "turnover_accounts_sales": {
        "10": "8000",
        "20": "8010",
        "30": "8020",
        "40": "8030",
        "50": "8040",
        "60": "8050",
        "70": "8100",
    },
    "balance_accounts": oracle.BALANCES,
    "vat_codes_sales": oracle.CODES,
    "method_accounts": {**oracle.METHODS, "INVOICE": "1300", "CREDITCARD": "1010", "VOUCHER": "1565"},
}


@contextmanager
def bookkeeping_shop(data: Path) -> Iterator[Console]:
    """Open a console of that shop on a folder."""
    with open_application(data, sandbox=True) as application:
        application.setup.choose({"days": 5}, make_actor(WHO))
        application.setup.accept(make_actor(WHO))
        application.flows.change(
            "days", {"down_payments_account": "1575", "collective_debtor": "20002"}, make_actor(WHO)
        )
        for name, rows in TABLES.items():
            application.rules.set_table(name, dict(rows), WHO)
        yield Console(application)
