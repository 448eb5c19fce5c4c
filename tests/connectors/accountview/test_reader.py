"""The number of values that one call asks for."""

from urllib.parse import parse_qsl, urlsplit

import httpx

from integration.connectors.accountview.connector import AccountView
from integration.sandbox.server import Sandbox
from tests.connectors.accountview.samples import accountview_answering, newest_call, nobody_but
from tests.fakes import Links


def test_conditions_of_one_call_are_relied_on_only_when_all_of_them_count() -> None:
    """A server that knows only the first conditions of a call would make debtors seem to be absent."""
    mails = [f"m{place}@x.example" for place in range(1, 6)]
    queries: list[dict[str, str]] = []

    def answering(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        queries.append(query)
        if query["BusinessObject"] == "FLD":
            names = ["SUB_NR", "MAIL_BUS"]
            rows = [{"DBF_NAME": "CONTACT", "FIELD_NAME": name, "FIELD_TYPE": "C", "FIELD_LEN": 50} for name in names]
            return httpx.Response(200, json={"DCT_FLD": rows})
        contacts = [{"SUB_NR": str(place), "MAIL_BUS": mail} for place, mail in enumerate(mails, start=1)]
        column, value = query.get("FilterControlSource1", ""), query.get("FilterValue1", "")
        fits = [row for row in contacts if not column or row[column] == value]
        return httpx.Response(200, json={"CONTACT": fits[: int(query["PageSize"])]})

    accountview = accountview_answering(answering)
    current = accountview.lookup([nobody_but(mail, email=mail) for mail in mails], Links())
    assert current.keys() == set(mails)
    assert sum(query.get("MatchAnyFilter") == "true" for query in queries) == 1


def test_the_address_of_a_call_stays_short(books: AccountView, shared_sandbox: Sandbox, links: Links) -> None:
    books.lookup([nobody_but("x", email="a@b.example")], links)
    start = newest_call(shared_sandbox)
    debtors = [nobody_but(f"key-{place}", email=f"{place:03}{'é' * 40}@x.example") for place in range(40)]
    assert books.lookup(debtors, links) == {}
    calls = shared_sandbox.ledger.calls(since=start)
    assert max(len(call.keys) for call in calls) <= 20
    assert len(calls) < 20
