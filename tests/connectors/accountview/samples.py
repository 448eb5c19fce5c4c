"""Records for the books, and how tests write and look for them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx

from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.http import Gateway
from integration.connectors.limits import RateLimits
from integration.core.connections import Token
from integration.core.records import CurrentRecord, Kind, Record, Value, WriteResult
from integration.sandbox.server import Sandbox
from tests.builders import a_create, accountview_settings
from tests.connectors.accountview.conversation import minding_conditions
from tests.connectors.canned import Canned
from tests.fakes import Links, MemoryTokenStore

TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@contextmanager
def connect_accountview(
    sandbox: Sandbox, keeper: MemoryTokenStore | None = None, **changed: object
) -> Iterator[AccountView]:
    """A connection to a sandbox, on the day of the samples; closed afterwards."""
    accountview = AccountView(accountview_settings(sandbox, **changed), keeper or MemoryTokenStore(), now=lambda: NOW)
    try:
        yield accountview
    finally:
        accountview.close()


def a_debtor(key: str = "501", **values: Value) -> Record:
    complete: dict[str, Value] = {
        "name": "Anna de Boer",
        "search_code": "deboer",
        "street": "Dorpsstraat 12",
        "postcode": "3511 ab",
        "city": "Utrecht",
        "country": "NL",
        "email": f"anna.{key}@voorbeeld.example",
        "account": "1300",
        "external_id": key,
    }
    return Record(Kind.DEBTOR, key, complete | values)


def an_address(debtor: str = "501", **values: Value) -> Record:
    complete: dict[str, Value] = {
        "debtor": debtor,
        "name": "Anna de Boer",
        "street": "Kade 3",
        "postcode": "3512 ab",
        "city": "Utrecht",
        "country": "NL",
    }
    return Record(Kind.ADDRESS, f"{debtor}/c0ffee", complete | values)


def a_line(place: int, **values: Value) -> Record:
    complete: dict[str, Value] = {"article": "9001", "quantity": Decimal(2), "price": Decimal("19.99")}
    return Record(Kind.LINE, str(place), complete | values)


def an_order(key: str = "118", lines: tuple[Record, ...] = (), **values: Value) -> Record:
    complete: dict[str, Value] = {
        "reference": f"MPLUS-{key}",
        "debtor_number": "20001",
        "date": TODAY,
        "email": "anna@voorbeeld.example",
        "remark": "Graag aan de achterdeur",
        "gross": True,
    }
    return Record(Kind.SALES_ORDER, key, complete | values, lines or (a_line(1), a_line(2, quantity=Decimal(1))))


def a_posting(key: str = "118", lines: tuple[Record, ...] = (), **values: Value) -> Record:
    complete: dict[str, Value] = {
        "reference": f"mp{key}",
        "debtor_number": "20001",
        "daybook": "700",
        "date": TODAY,
        "period": Decimal(11),
        "text": "Kassabon 118",
        "gross": False,
        "currency": "EUR",
        "credit_days": Decimal(14),
    }
    line = Record(
        Kind.LINE,
        "1",
        {
            "account": "8000",
            "text": "Fietsen",
            "amount": Decimal("33.04"),
            "vat_code": "1",
            "vat": Decimal("6.94"),
            "quantity": Decimal(2),
        },
    )
    return Record(Kind.POSTING, key, complete | values, lines or (line,))


def create_record(accountview: AccountView, desired: Record, links: Links, *, keep: bool = True) -> WriteResult:
    result = accountview.write(a_create(desired), None, links, f"create-{desired.key}")
    if keep:
        links.references[desired.kind, desired.key] = result.reference
    return result


def look_up_record(accountview: AccountView, desired: Record, links: Links) -> CurrentRecord:
    return accountview.lookup([desired], links)[desired.key]


def calls_since(sandbox: Sandbox, start: int) -> Counter[str]:
    return Counter(call.operation for call in sandbox.ledger.calls(since=start) if call.operation != "token")


def newest_call(sandbox: Sandbox) -> int:
    return max((call.number for call in sandbox.ledger.calls()), default=0)


def with_a_debtor(accountview: AccountView, links: Links, key: str) -> str:
    return create_record(accountview, a_debtor(key), links).reference


def nobody_but(key: str, **values: Value) -> Record:
    """A debtor that is known by nothing but the given values and its key."""
    return Record(Kind.DEBTOR, key, {"name": "Iemand", **values})


def accountview_answering(answering: Callable[[httpx.Request], httpx.Response]) -> AccountView:
    """An AccountView that answers as a test wants, on the day of the shop."""
    gateway = Gateway(
        system="AccountView",
        host_shown="av.example",
        limits=RateLimits(in_flight=1, per_second=10_000, attempts=1),
        secrets=list,
        transport=Canned(minding_conditions(answering)),
    )
    settings = AccountViewSettings.model_validate({"url": "https://av.example/api/v3", "company": "7f3c"})
    keeper = MemoryTokenStore(Token("access", "refresh", NOW + timedelta(hours=1)))
    return AccountView(settings, keeper, gateway=gateway, now=lambda: NOW)


INVOICES = {"trade_invoices": {"code": "K9F", "table": "K9_INV", "detail": "K9_INVL"}}
