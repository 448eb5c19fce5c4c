"""A first sync by a short script: `python -m benchmarks.peers.script <books> <token> <till>`.

It reads the groups and articles of the books and writes each to the till, four at a time. It repeats calls
without an answer.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_HALF_UP, Decimal
from itertools import takewhile
from typing import Any
from xml.sax.saxutils import escape

import httpx
from lxml import etree

from benchmarks.peers.result import SyncResult, print_result

NAMESPACE, SOAP = "urn:mplusqapi", "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = '<e:Envelope xmlns:e="{}" xmlns="{}"><e:Body><{}>{}</{}></e:Body></e:Envelope>'
VATS = {"1": (2, Decimal("1.21")), "2": (1, Decimal("1.09"))}  # the books' code: the till's, and what it adds
ACCESS = {"ident": "sandbox", "secret": "sandbox-secret"}
NONE = {"": 0}  # the number of a group that is below no other
PAGE, IN_FLIGHT, ATTEMPTS, SECONDS = 1000, 4, 3, 30
Element = etree._Element  # noqa: SLF001 - lxml gives its element type no public name


def rows(url: str, token: str, code: str, key: str) -> Iterator[dict[str, Any]]:
    """Yield every row of an object of the books."""
    headers = {"authorization": f"Bearer {token}", "x-company": "7f3c"}
    with httpx.Client(trust_env=False, timeout=SECONDS, headers=headers) as client:
        number, page = 0, [dict[str, Any]()] * PAGE
        while len(page) == PAGE:
            number += 1
            parameters: dict[str, Any] = {
                "BusinessObject": code,
                "PageSize": PAGE,
                "SortFields": key,
                "PageNumber": number,
            }
            answer = client.get(f"{url}/accountviewdata", params=parameters).raise_for_status()
            page = next(iter(answer.json().values()))
            yield from page


def products(articles: Iterable[Mapping[str, Any]], groups: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return products of the till: all articles of a parent, without those whose code is not numeric."""
    together = defaultdict(list)
    for row in articles:
        if row["ART_CODE"].isdecimal() and row["ART_CODE"][0] != "0" and row["VAT_CODE"] in VATS:
            together[row["K9_PARENT"] or row["ART_CODE"]].append(row)
    return [product(members, groups.get(members[0]["AG_CODE"], 0)) for members in together.values()]


def product(members: list[Mapping[str, Any]], group: int) -> dict[str, Any]:
    """Return a product in the form of the till."""
    names = [row["ART_DESC1"] for row in members]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    name = "".join(letters[0] for letters in alike).strip()
    places = {"groupNumbers": group, "sortOrderGroupList": {"sortOrderGroup": {"groupNumber": group, "sortOrder": 0}}}
    return {"description": name, "articleList": {"article": [article(row) for row in members]}} | (
        places if group else {}
    )


def article(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an article in the form of the till."""
    code, factor = VATS[row["VAT_CODE"]]
    cents = (Decimal(str(row["PX_SELL"])) * factor * 100).quantize(Decimal(1), ROUND_HALF_UP)
    own = {"articleNumber": row["ART_CODE"], "extArticleId": row["ART_CODE"], "active": str(not row["REC_BLK"]).lower()}
    looks = {"description": row["ART_DESC1"].strip(), "colour": row["K9_COLOUR"], "size": row["K9_SIZE"]}
    texts = dict.fromkeys(("invoiceText", "receiptText", "displayText"), row["ART_DESC1"].strip())
    rest = {"barcode": row["K9_EAN"], "extraText": row["K9_TEXT"], "vatCode": code, "priceIncl": int(cents)}
    return {**own, **looks, **texts, **rest, "unit": row["UNT_CODE"], "stockArticle": "true"}


class Till:
    """A client of the till; a call without an answer is sent at most `attempts` times."""

    def __init__(self, url: str, attempts: int = ATTEMPTS) -> None:
        self._client = httpx.Client(trust_env=False, timeout=SECONDS, params=ACCESS)
        self._url, self._attempts = url, attempts

    def call(self, operation: str, content: Mapping[str, Any]) -> Element:
        """Return the answer. Raises httpx.HTTPError if there is none, or if it is an error."""
        envelope = ENVELOPE.format(SOAP, NAMESPACE, operation, xml(content), operation).encode()
        for attempts_left in reversed(range(self._attempts)):
            try:
                answer = self._client.post(
                    self._url, content=envelope, headers={"content-type": "text/xml; charset=utf-8"}
                )
                return etree.fromstring(answer.raise_for_status().content)
            except httpx.TransportError:
                if not attempts_left:
                    raise
        raise AssertionError("a call is sent at least once")

    def group(self, name: str, parent: int) -> int:
        """Return the number of a group with this name; create the group if it is missing."""
        for group in self.call("getArticleGroups", {"request": {}}).iter(f"{{{NAMESPACE}}}articleGroups"):
            if text(group, "name") == name:
                return int(text(group, "groupNumber"))
        answer = self.call("newArticleGroup", {"request": {"parentGroupNumber": parent, "name": name, "text": ""}})
        return int(text(answer, "groupNumber"))

    def groups(self, group_rows: Iterable[Mapping[str, Any]], known_numbers: Mapping[str, int]) -> dict[str, int]:
        """Create missing groups, parents first; return the number of every group by its code."""
        numbers = dict(known_numbers)
        for row in sorted(group_rows, key=lambda row: bool(row["K9_PARENT"])):
            numbers[row["AG_CODE"]] = self.group(row["AG_DESC"].strip(), numbers[row["K9_PARENT"]])
        return numbers

    def upsert(self, product: Mapping[str, Any]) -> None:
        """Create a product, or update it if its articles exist. Raises ValueError if the till refuses it."""
        result = text(self.call("createProduct", {"product": product}), "result")
        if result.endswith("ALREADY-TAKEN"):
            result = text(self.call("updateProduct", {"product": product}), "result")
        if not result.endswith("OK"):
            raise ValueError(result)

    def try_upsert(self, product: Mapping[str, Any]) -> str:
        """Upsert a product; return the error as text, or nothing."""
        try:
            self.upsert(product)
        except (httpx.HTTPError, ValueError) as error:
            return repr(error)
        return ""


def xml(fields: Mapping[str, Any]) -> str:
    """Return fields as XML elements: a mapping as nested elements, a list as repeated elements."""
    flat = [(name, item) for name, value in fields.items() for item in (value if isinstance(value, list) else [value])]
    return "".join(f"<{n}>{xml(v) if isinstance(v, Mapping) else escape(str(v))}</{n}>" for n, v in flat)


def text(answer: Element, name: str) -> str:
    """Return the text of the first element with this name."""
    return answer.findtext(f".//{{{NAMESPACE}}}{name}") or ""


def main(books: str, token: str, at: str) -> SyncResult:
    """Sync once; return the number of written products and the errors."""
    till = Till(at)
    groups = till.groups(rows(books, token, "AG1", "AG_CODE"), NONE)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        errors = list(pool.map(till.try_upsert, products(rows(books, token, "AK1", "ART_CODE"), groups)))
    return SyncResult(errors.count(""), [error for error in errors if error])


if __name__ == "__main__":
    print_result(lambda: main(*sys.argv[1:4]))  # a script uses no folder
