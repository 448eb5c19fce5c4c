"""Requests as lines of text, without values that differ between two starts."""

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


def line_of(system: str, request: RecordedRequest) -> str:
    """Return a request in one line: parameters and names in JSON by the alphabet, elements of XML in their order.

    Without headers and secrets, and of XML without prefixes and what stands around the call. The till is asked for
    several numbers in whatever order a set has, so that equal elements of a question are sorted.
    """
    parts = [system, request.method, request.path, _pairs(request.query), _body(request)]
    return " ".join(part for part in parts if part)


def without_numbers(line: str) -> str:
    """Return a line without the numbers that the till gives groups, products and relations as they come."""
    return _NUMBERED.sub(r"\1#", line)


class Places:
    """Stable names of runs, whose ids end in a random text."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}

    def number_runs(self, line: str) -> str:
        """Return a line with each run's id replaced by its number in the order of appearance."""
        return _RUN.sub(self._placeholder, line)

    def _placeholder(self, match: re.Match[str]) -> str:
        return self._placeholders.setdefault(match[0], f"<run {len(self._placeholders) + 1}>")


def _pairs(text: str) -> str:
    pairs = sorted(parse_qsl(text, keep_blank_values=True))
    return "&".join(f"{name}={'***' if name in SECRET else value}" for name, value in pairs)


def _body(request: RecordedRequest) -> str:
    kind = request.headers.get("content-type", "")
    if not request.body:
        return ""
    if "json" in kind:
        return json.dumps(json.loads(request.body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if "xml" in kind:
        envelope = ET.fromstring(request.body)  # noqa: S314 - written by the application itself
        calls = [call for part in envelope if _local_name(part.tag) == "Body" for call in part]
        return "".join(_element_text(call, asks=_local_name(call.tag).startswith("get")) for call in calls)
    return _pairs(request.body.decode())


def _element_text(element: ET.Element, *, asks: bool) -> str:
    name = _local_name(element.tag)
    marks = "".join(f' {_local_name(key)}="{value}"' for key, value in sorted(element.attrib.items()))
    inside = escape((element.text or "").strip()) + "".join(_children_text(element, asks=asks))
    return f"<{name}{marks}>{inside}</>" if inside else f"<{name}{marks}/>"


def _children_text(element: ET.Element, *, asks: bool) -> Iterator[str]:
    for _, equals in groupby(element, key=lambda child: child.tag):
        texts = [_element_text(child, asks=asks) for child in equals]
        yield from sorted(texts) if asks else texts


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]
