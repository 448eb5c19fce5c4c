"""A first sync as a short script does it: `python -m benchmarks.peers.bare <books> <token> <till>`.

It reads the groups and articles of the books and writes each to the till, four at a time, again when no answer comes.
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

from benchmarks.peers.taken import Taken, taking

NAMESPACE, SOAP = "urn:mplusqapi", "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = '<e:Envelope xmlns:e="{}" xmlns="{}"><e:Body><{}>{}</{}></e:Body></e:Envelope>'
VATS = {"1": (2, Decimal("1.21")), "2": (1, Decimal("1.09"))}  # the books' code: the till's, and what it adds
ACCESS = {"ident": "sandbox", "secret": "sandbox-secret"}
NONE = {"": 0}  # the number of a group that is below no other
PAGE, IN_FLIGHT, ATTEMPTS, SECONDS = 1000, 4, 3, 30
Element = etree._Element  # noqa: SLF001 - lxml gives its element type no public name


def rows(url: str, token: str, code: str, key: str) -> Iterator[dict[str, Any]]:
    """Give every row of an object of the books."""
    headers = {"authorization": f"Bearer {token}", "x-company": "7f3c"}
    with httpx.Client(trust_env=False, timeout=SECONDS, headers=headers) as client:
        number, page = 0, [dict[str, Any]()] * PAGE
        while len(page) == PAGE:
            number += 1
            asked: dict[str, Any] = {"BusinessObject": code, "PageSize": PAGE, "SortFields": key, "PageNumber": number}
            answer = client.get(f"{url}/accountviewdata", params=asked).raise_for_status()
            page = next(iter(answer.json().values()))
            yield from page


def products(articles: Iterable[Mapping[str, Any]], groups: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what the till calls products: articles of one parent together. What the till cannot number is left out."""
    together = defaultdict(list)
    for row in articles:
        if row["ART_CODE"].isdecimal() and row["ART_CODE"][0] != "0" and row["VAT_CODE"] in VATS:
            together[row["K9_PARENT"] or row["ART_CODE"]].append(row)
    return [product(members, groups.get(members[0]["AG_CODE"], 0)) for members in together.values()]


def product(members: list[Mapping[str, Any]], group: int) -> dict[str, Any]:
    """Return a product as the till takes it."""
    names = [row["ART_DESC1"] for row in members]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    name = "".join(letters[0] for letters in alike).strip()
    places = {"groupNumbers": group, "sortOrderGroupList": {"sortOrderGroup": {"groupNumber": group, "sortOrder": 0}}}
    return {"description": name, "articleList": {"article": [article(row) for row in members]}} | (
        places if group else {}
    )


def article(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an article as the till takes it."""
    code, factor = VATS[row["VAT_CODE"]]
    cents = (Decimal(str(row["PX_SELL"])) * factor * 100).quantize(Decimal(1), ROUND_HALF_UP)
    own = {"articleNumber": row["ART_CODE"], "extArticleId": row["ART_CODE"], "active": str(not row["REC_BLK"]).lower()}
    looks = {"description": row["ART_DESC1"].strip(), "colour": row["K9_COLOUR"], "size": row["K9_SIZE"]}
    texts = dict.fromkeys(("invoiceText", "receiptText", "displayText"), row["ART_DESC1"].strip())
    rest = {"barcode": row["K9_EAN"], "extraText": row["K9_TEXT"], "vatCode": code, "priceIncl": int(cents)}
    return {**own, **looks, **texts, **rest, "unit": row["UNT_CODE"], "stockArticle": "true"}


class Till:
    """The till; `attempts` is how often a call is sent whose answer does not come."""

    def __init__(self, url: str, attempts: int = ATTEMPTS) -> None:
        self._client = httpx.Client(trust_env=False, timeout=SECONDS, params=ACCESS)
        self._url, self._attempts = url, attempts

    def call(self, operation: str, content: Mapping[str, Any]) -> Element:
        """Return the answer. Raises httpx.HTTPError where none comes, or one that says no."""
        sent = ENVELOPE.format(SOAP, NAMESPACE, operation, xml(content), operation).encode()
        for left in reversed(range(self._attempts)):
            try:
                answer = self._client.post(self._url, content=sent, headers={"content-type": "text/xml; charset=utf-8"})
                return etree.fromstring(answer.raise_for_status().content)
            except httpx.TransportError:
                if not left:
                    raise
        raise AssertionError("a call is sent at least once")

    def group(self, name: str, parent: int) -> int:
        """Return the number of a group, made where there is none of this name."""
        for found in self.call("getArticleGroups", {"request": {}}).iter(f"{{{NAMESPACE}}}articleGroups"):
            if text(found, "name") == name:
                return int(text(found, "groupNumber"))
        made = self.call("newArticleGroup", {"request": {"parentGroupNumber": parent, "name": name, "text": ""}})
        return int(text(made, "groupNumber"))

    def groups(self, found: Iterable[Mapping[str, Any]], known: Mapping[str, int]) -> dict[str, int]:
        """Return the number of every group by its code, those above others first."""
        numbers = dict(known)
        for row in sorted(found, key=lambda row: bool(row["K9_PARENT"])):
            numbers[row["AG_CODE"]] = self.group(row["AG_DESC"].strip(), numbers[row["K9_PARENT"]])
        return numbers

    def upsert(self, product: Mapping[str, Any]) -> None:
        """Create a product, or update it where its articles are there. Raises ValueError for what the till refuses."""
        result = text(self.call("createProduct", {"product": product}), "result")
        if result.endswith("ALREADY-TAKEN"):
            result = text(self.call("updateProduct", {"product": product}), "result")
        if not result.endswith("OK"):
            raise ValueError(result)

    def tried(self, product: Mapping[str, Any]) -> str:
        """Upsert a product; return what went wrong, in a word."""
        try:
            self.upsert(product)
        except (httpx.HTTPError, ValueError) as error:
            return repr(error)
        return ""


def xml(fields: Mapping[str, Any]) -> str:
    """Return fields as elements: those of a mapping inside, those of a list one after another."""
    flat = [(name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])]
    return "".join(f"<{n}>{xml(v) if isinstance(v, Mapping) else escape(str(v))}</{n}>" for n, v in flat)


def text(answer: Element, name: str) -> str:
    """Return what the first element of this name holds."""
    return answer.findtext(f".//{{{NAMESPACE}}}{name}") or ""


def main(books: str, token: str, at: str) -> Taken:
    """Sync once; return how many products went through, and how many did not."""
    till = Till(at)
    groups = till.groups(rows(books, token, "AG1", "AG_CODE"), NONE)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        errors = list(pool.map(till.tried, products(rows(books, token, "AK1", "ART_CODE"), groups)))
    return Taken(errors.count(""), [error for error in errors if error])


if __name__ == "__main__":
    taking(lambda: main(*sys.argv[1:4]))  # a script keeps nothing in a folder
