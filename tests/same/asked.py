"""Requests as lines of text: what was asked and in which words, without what differs from one start to the next."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from benchmarks.recording import RecordedRequest

SECRET = frozenset({"ident", "secret", "client_id", "client_secret", "refresh_token"})
_RUN = re.compile(r"\b\d{6}-\d{6}-[0-9a-f]{6}\b")
_NUMBERED = re.compile(
    r'(<(?:group|parentGroup|product|relation)Numbers?>|"kind": "(?:group|product|relation)".*"reference": ")\d+'
)


def line_of(system: str, sent: RecordedRequest) -> str:
    """Return a request in one line: parameters and names in JSON by the alphabet, elements of XML in their order.

    Without headers and secrets, and of XML without prefixes and what stands around the call. The till is asked for
    several numbers in whatever order a set has, so that equal elements of a question are sorted.
    """
    told = [system, sent.method, sent.path, _pairs(sent.query), _body(sent)]
    return " ".join(part for part in told if part)


def unnumbered(line: str) -> str:
    """Return a line without the numbers that the till gives groups, products and relations as they come."""
    return _NUMBERED.sub(r"\1#", line)


class Places:
    """Which run is which: their ids end in a random text."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def placed(self, line: str) -> str:
        """Return a line with each run's id replaced by its number in the order of appearance."""
        return _RUN.sub(self._place, line)

    def _place(self, found: re.Match[str]) -> str:
        return self._known.setdefault(found[0], f"<run {len(self._known) + 1}>")


def _pairs(text: str) -> str:
    pairs = sorted(parse_qsl(text, keep_blank_values=True))
    return "&".join(f"{name}={'***' if name in SECRET else value}" for name, value in pairs)


def _body(sent: RecordedRequest) -> str:
    kind = sent.headers.get("content-type", "")
    if not sent.body:
        return ""
    if "json" in kind:
        return json.dumps(json.loads(sent.body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if "xml" in kind:
        envelope = ET.fromstring(sent.body)  # noqa: S314 - written by the application itself
        calls = [call for part in envelope if _local(part.tag) == "Body" for call in part]
        return "".join(_plain(call, asks=_local(call.tag).startswith("get")) for call in calls)
    return _pairs(sent.body.decode())


def _plain(element: ET.Element, *, asks: bool) -> str:
    name = _local(element.tag)
    marks = "".join(f' {_local(key)}="{value}"' for key, value in sorted(element.attrib.items()))
    inside = escape((element.text or "").strip()) + "".join(_inside(element, asks=asks))
    return f"<{name}{marks}>{inside}</>" if inside else f"<{name}{marks}/>"


def _inside(element: ET.Element, *, asks: bool) -> Iterator[str]:
    for _, equals in groupby(element, key=lambda child: child.tag):
        texts = [_plain(child, asks=asks) for child in equals]
        yield from sorted(texts) if asks else texts


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
