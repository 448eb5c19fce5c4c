"""The till as the source of documents: orders, invoices and receipts, page by page of its change markers.

A page of documents takes three calls, however many documents it has: one for them, one for their customers and one for
the articles on their lines; the last two are left out when there is nothing to ask. The first page of an incremental
extract takes one more, for the till's present marker, and an extract that ends on a page it cannot know to be the last
one more, which answers with no documents.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, tag
from integration.connectors.mplus.codec import DocumentType
from integration.connectors.mplus.settings import SYSTEM, MplusSettings
from integration.connectors.mplus.target import readable
from integration.connectors.parallel import sliced
from integration.core.errors import MalformedAnswerError
from integration.core.records import Batch, Kind, Record, WrongValueError, unreadable

CODES_SECONDS = 300  # for so long an article's external id is taken to be what it was
LARGEST_ANSWER = 1000  # what one answer holds at most (known of relations, so taken for articles too)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a page begins: its lowest marker, the highest known before it, and the till's present one where asked."""

    bound: int
    seen: int
    present: int | None = None


class Documents:
    """Reads the documents of one till."""

    def __init__(self, settings: MplusSettings, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._client = client
        self._codes = _Codes(client, clock)

    def extract(self, kind: Kind, since: str | None, after: str | None) -> Batch:
        """Return one page of the documents with a marker from `since` on, and some before it; all when it is None.

        `since` and the stamp are markers, `after` is the lowest marker of the page. Nothing but the marker is asked
        for: filters together with a marker have made tills leave changes out. When the till's own marker is lower
        than `since`, it was set back, and everything is read.
        """
        start = self._start(kind, since, after)
        document = codec.DOCUMENTS[kind]
        with readable():
            found = self._ask(document, syncMarker=start.bound, syncMarkerLimit=self._settings.document_page)
            if not found:
                return Batch((), None, str(start.seen))
            # An answer is not sorted, but holds the lowest markers from the bound on.
            markers = (codec.if_readable(codec.document_marker, each) for each in found)
            highest = max((marker for marker in markers if marker is not None), default=-1)
            if highest < start.bound:
                raise MalformedAnswerError(
                    "answer_incomplete", system=SYSTEM, operation=document.operation, count=len(found)
                )
            records = tuple(self._decoded(kind, found, fresh=False))
        is_last = start.present is not None and highest >= start.present
        return Batch(records, None if is_last else str(highest + 1), str(max(highest, start.seen)))

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the documents with these ids; what is not there is left out. External ids are asked for anew."""
        document = codec.DOCUMENTS[kind]
        ids = [key for key in dict.fromkeys(keys) if key and key.isprintable()]  # no other can be sent, or be there
        records: list[Record] = []
        for portion in sliced(ids, self._settings.document_page):
            with readable():
                wanted = set(portion)
                answered = self._ask(document, **{document.keys: portion})
                key_of = partial(codec.document_key, kind=kind)
                found = [each for each in answered if codec.if_readable(key_of, each) in wanted]
                records += self._decoded(kind, found, fresh=True)
        return records

    def _start(self, kind: Kind, since: str | None, after: str | None) -> _Start:
        if after is not None:
            return _Start(int(after), int(after) - 1)
        if since is None:
            return _Start(0, 0)
        present, known = self._present(kind), int(since)
        if present < known:
            log.warning("marker_went_back", system=SYSTEM, kind=str(kind), since=known, present=present)
            return _Start(0, 0, present)
        return _Start(max(0, known - self._settings.document_overlap), known, present)

    def _present(self, kind: Kind) -> int:
        answer = self._client.read("getCurrentSyncMarkers")
        with readable():
            return int(answer.findtext(tag(codec.DOCUMENTS[kind].marker)) or "")

    def _ask(self, document: DocumentType, **chosen: object) -> list[Element]:
        needed = {"articlePluNumbers": {}, "articleBarcodes": {}, "includeLineList": True}
        request = {**chosen, **document.options, **needed}
        return list(self._client.read(document.operation, request=request).iterfind(document.path))

    def _decoded(self, kind: Kind, found: Sequence[Element], *, fresh: bool) -> list[Record]:
        """Return each document; one that cannot be read stands there as such."""
        of = [codec.if_readable(codec.document_relation, each) or "" for each in found]
        relations = self._relations(filter(None, of))
        articles = (codec.if_readable(codec.document_articles, each) or () for each in found)
        codes = self._codes.of(list(dict.fromkeys(number for some in articles for number in some)), fresh=fresh)
        return [_document(kind, each, relations.get(one), codes) for each, one in zip(found, of, strict=True)]

    def _relations(self, numbers: Iterable[str]) -> Mapping[str, Element]:
        """Return the customers with these numbers; one that the till no longer has is left out."""
        found: dict[str, Element] = {}
        for portion in sliced(list(dict.fromkeys(numbers)), LARGEST_ANSWER):
            answer = self._client.read("getRelations", request={"relationNumbers": portion})
            listed = answer.iterfind(f"{tag('relationList')}/{tag('relation')}")
            found |= {codec.if_readable(codec.relation_number, each) or "": each for each in listed}
        return found


def _document(kind: Kind, document: Element, relation: Element | None, codes: Mapping[str, str]) -> Record:
    try:
        return codec.decode_document(kind, document, relation, codes)
    except WrongValueError as error:
        key = codec.if_readable(partial(codec.document_key, kind=kind), document) or ""
        return unreadable(kind, key, error, codec.raw(document, relation))


class _Codes:
    """External article ids by article number, remembered for a short time. What has none is asked for every time."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}

    def of(self, numbers: Sequence[str], *, fresh: bool) -> Mapping[str, str]:
        """Return the ids of those that have one; `fresh` asks for all of them."""
        now = self._clock()
        valid = {number: (code, end) for number, (code, end) in self._known.items() if now < end}
        missing = [number for number in numbers if fresh or number not in valid]
        asked: dict[str, str] = {}
        for portion in sliced(missing, LARGEST_ANSWER):
            asked |= self._asked(portion)
        kept = {number: valid[number] for number in valid.keys() - set(missing)}
        # Replaced whole and never changed in place, since two runs may ask at once.
        self._known = kept | {number: (code, now + CODES_SECONDS) for number, code in asked.items()}
        return {number: code for number, (code, _) in kept.items()} | asked

    def _asked(self, numbers: Sequence[str]) -> dict[str, str]:
        answer = self._client.read("getProducts", request={"articleNumbers": numbers, "pluNumbers": {}})
        return {
            number: code
            for article in answer.iter(tag("article"))
            if (code := codec.external_id(article)) and (number := codec.if_readable(codec.article_number, article))
        }
