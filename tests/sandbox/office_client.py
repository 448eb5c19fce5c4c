"""A minimal client of AccountView, with documents to send."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from integration.sandbox.accountview.app import MAIN_COMPANY
from integration.sandbox.server import Sandbox
from tests.timeouts import SECONDS

MOMENT = "2026-11-25T00:00:00.000Z"


class Office:
    """A logged-in user of one company."""

    def __init__(self, sandbox: Sandbox, *, refresh_token: str = REFRESH_TOKEN, company: str = MAIN_COMPANY) -> None:
        self.base = sandbox.accountview_url
        self.http = httpx.Client(timeout=SECONDS)
        self.tokens = self.refresh(refresh_token).json()
        self.headers = {"Authorization": f"Bearer {self.tokens['access_token']}", "X-Company": company}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def refresh(self, token: str, **changed: str) -> httpx.Response:
        """The answer to a refresh."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        return self.http.post(f"{self.base}/token", data=form | changed)

    def call(self, path: str, **parameters: object) -> httpx.Response:
        """Any GET."""
        texts = {name: str(value) for name, value in parameters.items()}
        return self.http.get(f"{self.base}/{path}", params=texts, headers=self.headers)

    def get(self, code: str, **parameters: object) -> httpx.Response:
        """A read of one business object."""
        return self.call("accountviewdata", BusinessObject=code, **parameters)

    def rows(self, code: str, table: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows of one table in a successful read."""
        answer = self.get(code, **parameters)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()[table]
        return rows

    def rows_where(self, code: str, table: str, field: str, value: str, **more: object) -> list[dict[str, Any]]:
        """The rows in which a text field equals a value."""
        return self.rows(code, table, FilterControlSource1=field, FilterValue1=value, **more)

    def post(self, body: Mapping[str, Any]) -> httpx.Response:
        """A create."""
        return self.http.post(f"{self.base}/accountviewdata", json=body, headers=self.headers)

    def put(self, body: Mapping[str, Any]) -> httpx.Response:
        """An update."""
        return self.http.put(f"{self.base}/accountviewdata", json=body, headers=self.headers)


def refusal_text(answer: httpx.Response, status: int = 400) -> str:
    """The sentence of a refusal, after a look at its shape."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["ErrorType"] == "AccountViewError"
    assert body["ErrorNumbers"] is None
    return str(body["ErrorMessage"])


def table(code: str, name: str, values: Mapping[str, Any], **types: str) -> dict[str, Any]:
    """Return a body with one row and no lines; a field without a type is text."""
    return {
        "BookDate": MOMENT,
        "BusinessObject": code,
        "Table": {"Definition": _definition(name, values, types)},
        "TableData": {"Data": {"Rows": [{"Values": list(values.values())}]}},
    }


def document(
    code: str,
    header: tuple[str, Mapping[str, Any]],
    lines: tuple[str, Sequence[Mapping[str, Any]]],
    **types: str,
) -> dict[str, Any]:
    """A body with one header row and its lines."""
    body = table(code, header[0], header[1], **types)
    name, rows = lines
    body["Table"]["DetailDefinitions"] = [_definition(name, rows[0], types)]
    body["TableData"]["DetailData"] = [{"Rows": [{"Values": list(row.values())} for row in rows]}]
    return body


def debtor(**changed: Any) -> dict[str, Any]:
    """A new person."""
    values = {
        "RowId": "1",
        "ACCT_NR": "1300",
        "ACCT_NAME": "Anna de Boer",
        "SRC_CODE": "deboer",
        "POST_CODE": "3511 ab",
        "CITY": "Utrecht",
        "CNT_CODE": "NL",
        "MAIL_BUS": "anna@voorbeeld.example",
    }
    return table("AR1", "CONTACT", values | changed)


def order(reference: str = "MPLUS-1", **changed: Any) -> dict[str, Any]:
    """A new order with two lines."""
    values = {"RowId": "1", "RPL_INV": "20001", "ORD_DATE": MOMENT, "COMMENT1": reference}
    lines = [
        {"RowId": "1", "HeaderId": "1", "ART_CODE": "10001", "ORD_QTY": 2, "ART_PX": 19.99},
        {"RowId": "2", "HeaderId": "1", "ART_CODE": "9001", "ORD_QTY": 1, "ART_PX": 4.95},
    ]
    types = {"ORD_DATE": "T", "ORD_QTY": "N", "ART_PX": "N"}
    return document("SO1", ("SO_HDR", values | changed), ("SO_LINE", lines), **types)


def page(**changed: Any) -> dict[str, Any]:
    """A new posting with one line."""
    values = {
        "RowId": "1",
        "DJ_CODE": "700",
        "SUB_NR": "20001",
        "INV_NR": "mp2611251",
        "TRN_DATE": MOMENT,
        "HDR_DESC": "Kassabon 118",
        "PAGE_NR": "",
    }
    line = {"RowId": "1", "HeaderId": "1", "ACCT_NR": "8010", "AMOUNT": 33.04, "VAT_CODE": "1", "VAT_AMT": 6.94}
    types = {"TRN_DATE": "T", "AMOUNT": "N", "VAT_AMT": "N"}
    return document("DJ2", ("DJ_PAGE", values | changed), ("DJ_LINE", [line]), **types)


def _definition(name: str, values: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    return {"Name": name, "Fields": [{"Name": field, "FieldType": types.get(field, "C")} for field in values]}


def count_orders(sandbox: Sandbox, reference: str) -> int:
    return sum(row.get("COMMENT1") == reference for row in sandbox.state("SO_HDR"))
