"""One AccountView that answers as a test wants, without a server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx

from integration.connectors.accountview.client import Query
from integration.connectors.accountview.codec import Body, Cell
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.empty_answers import NOBODY
from integration.connectors.accountview.settings import (
    AccountViewSettings,
    BusinessObject,
    Objects,
)
from integration.connectors.http import Gateway
from integration.connectors.limits import RateLimits
from integration.core.connections import Token
from tests.connectors.canned import Canned
from tests.fakes import MemoryTokenStore

URL = "https://av.example/api/v3"
NOW = datetime(2025, 3, 15, 12, 0, tzinfo=UTC)
CLIENT_SECRET = "planted-client-secret"
REFRESH = "planted-refresh-token"
ACCESS = "planted-access-token"
Answering = Callable[[httpx.Request], httpx.Response]


TABLES = {of.code: of.table for _, of in Objects() if isinstance(of, BusinessObject)} | {"K9V": "K9_STOCK"}


def minding_conditions(answering: Answering) -> Answering:
    """Books that answer as a test wants, and have an empty list for the condition that nothing meets.

    Their dictionary is sorted; of everything they have one page, unless they say that they turn pages themselves.
    """

    def answer_request(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        if query.get("FilterValue1") == NOBODY:
            return httpx.Response(200, json={TABLES[query["BusinessObject"]]: []})
        answer = answering(request)
        if getattr(answering, "turns", False) or answer.status_code != httpx.codes.OK:
            return answer
        if query.get("PageNumber", "1") != "1":
            return httpx.Response(200, json={TABLES[query["BusinessObject"]]: []})
        if query.get("BusinessObject") == "FLD":
            rows = sorted(answer.json().get("DCT_FLD", ()), key=lambda row: str(row["FIELD_NAME"]))
            return httpx.Response(200, json={"DCT_FLD": rows})
        return answer

    return answer_request


def a_token(access: str = ACCESS, life: timedelta = timedelta(hours=1)) -> Token:
    return Token(access, REFRESH, NOW + life)


def an_accountview(
    answering: Answering,
    keeper: MemoryTokenStore | None = None,
    attempts: int = 1,
    *,
    minds: bool = True,
    **settings: object,
) -> AccountView:
    """One with settings of its own; without `minds` every question goes to `answering`."""
    values = {"url": URL, "client_id": "key", "client_secret": CLIENT_SECRET, "company": "7f3c", **settings}
    gateway = Gateway(
        system="AccountView",
        host_shown="av.example",
        limits=RateLimits(in_flight=1, per_second=10_000, attempts=attempts),
        secrets=[CLIENT_SECRET, ACCESS],
        transport=Canned(minding_conditions(answering) if minds else answering),
    )
    keeper = MemoryTokenStore(a_token()) if keeper is None else keeper
    return AccountView(AccountViewSettings.model_validate(values), keeper, gateway=gateway, now=lambda: NOW)


def query_parameters(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}


def answer_of(status: int = 200, **tables: object) -> Answering:
    return lambda _: httpx.Response(status, json=tables)


ARTICLES = Query(of=Objects().articles, sort=("ART_CODE",), size=10)
A_BODY = Body({"SUB_NR": Cell("C", "1")})


def read(accountview: AccountView) -> object:
    return accountview.client.page(ARTICLES)


def write(accountview: AccountView) -> object:
    return accountview.client.create(Objects().debtors, A_BODY, NOW.date())


Connect = Callable[..., AccountView]
