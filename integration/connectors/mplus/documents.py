"""The till as the source of documents: orders, invoices, receipts and proposals, paged by change markers.

If the till has all records that they refer to, a page takes three calls, however many documents it has: one for the
documents, one for their customers and one for the articles on their lines; the last two are left out when there is
nothing to read. The first page of an incremental extract takes one more, for the till's present marker. An extract
whose last page cannot be recognized takes one more, which returns no documents. The first page of a kind takes one
more, once for each connection.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import structlog

from integration.connectors.last_activity import newest_days
from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.lists import ByNumbers, PartialLists, by_own_number, unique_elements
from integration.connectors.mplus.settings import SYSTEM, MplusSettings
from integration.connectors.mplus.target import till_numbers, translated_parse_errors
from integration.connectors.parallel import portions
from integration.core.errors import MalformedAnswerError
from integration.core.records import Batch, Kind, Record, WrongValueError, unreadable

CODES_SECONDS = 300  # seconds for which an article's external id is cached
LARGEST_ANSWER = 1000  # maximum size of one answer (documented for relations, and assumed for articles)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Start:
    """Start of a page: its lowest marker, the highest marker read before, and the till's present one if known."""

    bound: int
    highest_read: int
    present: int | None = None


@dataclass(frozen=True, slots=True)
class ListedDocuments:
    """A document with its financial date and branch, as far as these can be read."""

    record: Record
    date: date | None
    branch: str | None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One page of unparsed documents; `after` and `stamp` as in `Batch`."""

    elements: Sequence[Element]
    after: str | None
    stamp: str


class TillDocuments:
    """Reads the documents of one till."""

    def __init__(self, settings: MplusSettings, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._client = client
        self._codes = _Codes(client, clock)
        self._partial_lists = PartialLists()
        self._completer, self._customers = ByNumbers[tuple[str, Element]](), ByNumbers[Element]()

    def extract(self, kind: Kind, since: str | None, after: str | None, limit: int | None = None) -> Batch:
        """Return one page of the documents with a marker from `since` on, or of all documents if `since` is None.

        A page may contain a few documents with a lower marker.
        """
        page = self.page(kind, since, after, limit)
        with translated_parse_errors():
            return Batch(tuple(self._decode(kind, page.elements, fresh=False)), page.after, page.stamp)

    def page(
        self, kind: Kind, since: str | None, after: str | None, limit: int | None = None, *, lines: bool = True
    ) -> DocumentPage:
        """Return one page of unparsed documents; without `lines` the till answers much faster.

        `since` and the stamp are markers, `after` is the lowest marker of the page. The marker is the only filter:
        other filters together with a marker have made tills omit changes. If the till's own marker is lower than
        `since`, it was set back, and everything is read. `limit` is the largest number of documents after `since` on a
        page.
        """
        start = self._start(kind, since, after)
        document = codec.DOCUMENTS[kind]
        with translated_parse_errors():
            elements = self._read_page(kind, {"syncMarker": start.bound}, lines=lines)
            if not elements:
                return DocumentPage((), None, str(start.highest_read))
            markers = (codec.if_readable(codec.document_marker, element) for element in elements)
            marked = list(zip(elements, markers, strict=True))
            fresh = sorted(marker for _, marker in marked if marker is not None and marker > start.highest_read)
            last = fresh[limit - 1] if limit is not None and len(fresh) > limit else None
            if last is not None:
                marked = [(element, marker) for element, marker in marked if marker is None or marker <= last]
            elements = [element for element, _ in marked]
            highest = max((marker for _, marker in marked if marker is not None), default=-1)
            if highest < 0 and (following := self._bound_after(kind, start.bound, elements, {}, lines=lines)):
                return DocumentPage(elements, str(following), str(start.highest_read))
            if highest < start.bound:
                raise MalformedAnswerError(
                    "answer_incomplete", system=SYSTEM, operation=document.operation, count=len(elements)
                )
        is_last = last is None and start.present is not None and highest >= start.present
        return DocumentPage(elements, None if is_last else str(highest + 1), str(max(highest, start.highest_read)))

    def in_period(self, kind: Kind, first: date, last: date) -> Iterator[ListedDocuments]:
        """Return the documents of these financial dates once each, in the state that was read last.

        They are read by markers from 0 on, because the till does not say how much an answer without a limit holds.
        """
        document, bound = codec.DOCUMENTS[kind], 0
        documents_by_key: dict[str, ListedDocuments] = {}
        names = ("fromFinancialDate", "throughFinancialDate")
        period = {
            name: {"day": day.day, "mon": day.month, "year": day.year}
            for name, day in zip(names, (first, last), strict=True)
        }
        while True:
            elements = self._read_page(kind, {"syncMarker": bound, **period})
            for element, record in zip(elements, self._decode(kind, elements, fresh=False), strict=True):
                documents_by_key[record.key] = ListedDocuments(
                    record,
                    codec.if_readable(codec.document_date, element),
                    codec.if_readable(codec.document_branch, element),
                )
            if not elements:  # a page with fewer than requested does not end the list: a till may return less at once
                return iter(documents_by_key.values())
            highest = max(
                filter(None, (codec.if_readable(codec.document_marker, element) for element in elements)), default=-1
            )
            following = self._bound_after(kind, bound, elements, period) if highest < 0 else highest + 1
            if following is None or following <= bound:
                raise MalformedAnswerError(
                    "answer_incomplete", system=SYSTEM, operation=document.operation, count=len(documents_by_key)
                )
            bound = following

    def _bound_after(
        self, kind: Kind, bound: int, page: Sequence[Element], chosen: Mapping[str, object], *, lines: bool = True
    ) -> int | None:
        """Return the bound after the first document of a page from `bound` on, none of which has a readable marker.

        It is found by dividing the markers up to the till's present one, because the page stays the same up to the
        marker of its first document. None if the present marker is unknown, or lower than the bound.
        """
        present = self._present_marker(kind)
        if present is None or present < bound:
            return None
        contents = list(map(codec.raw_bytes, page))
        while present > bound:
            middle = (bound + present + 1) // 2
            limited = {"syncMarker": middle, "syncMarkerLimit": self._settings.document_page}
            if list(map(codec.raw_bytes, self._request_page(kind, {**chosen, **limited}, lines=lines))) == contents:
                bound = middle
            else:
                present = middle - 1
        return present + 1

    def last_document_days(self, relations: Collection[str], since: date) -> dict[str, date | None]:
        """Return the latest financial date, from `since` on, of an order, invoice or receipt of each relation.

        The date is None where a document without a readable date or relation may be newer.
        """
        relation_days: list[tuple[str | None, date | None]] = []
        filters = {
            "relationNumbers": till_numbers(relations),
            "fromFinancialDate": {"day": since.day, "mon": since.month, "year": since.year},
        }
        for document in (codec.DOCUMENTS[kind] for kind in (Kind.ORDER, Kind.INVOICE, Kind.RECEIPT)):
            request = {**filters, **document.options, "articlePluNumbers": {}, "articleBarcodes": {}}
            answer = self._client.read(document.operation, request={**request, "includeLineList": False})
            for element in answer.iterfind(document.path):
                is_told = element.findtext(qualified("relationNumber"))
                relation = codec.if_readable(codec.document_relation, element) if is_told else None
                relation_days.append((relation, codec.if_readable(codec.document_date, element)))
        return newest_days(relations, relation_days)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the existing documents with these ids. External article ids are read again."""
        return [
            record
            for id_page in self.with_ids(kind, keys)
            for record in self._decode(
                kind, [element for _, element in id_page], [key for key, _ in id_page], fresh=True
            )
        ]

    def with_ids(self, kind: Kind, keys: Collection[str]) -> Iterator[list[tuple[str, Element]]]:
        """Yield the unparsed documents with these ids, each with its id, a page at a time."""
        key_of = partial(codec.document_key, kind=kind)

        def ask(portion: Sequence[str]) -> list[Element]:
            return self._request_page(kind, {codec.DOCUMENTS[kind].keys: portion})

        with_ids = by_own_number(ask, partial(codec.if_readable, key_of))
        asking = self._completer.ask_all(with_ids, lambda document: document[:1])
        ids = [key for key in dict.fromkeys(keys) if key and key.isprintable()]  # other ids cannot exist
        for portion in portions(ids, self._settings.document_page):
            with translated_parse_errors():
                portion_ids = set(portion)
                yield [document for document in asking(portion) if document[0] in portion_ids]

    def _start(self, kind: Kind, since: str | None, after: str | None) -> _Start:
        if after is not None:
            return _Start(int(after), int(after) - 1)
        if since is None:
            return _Start(0, 0)
        present, since_marker = self._present_marker(kind), int(since)
        if present is not None and present < since_marker:
            log.warning("marker_went_back", system=SYSTEM, kind=str(kind), since=since_marker, present=present)
            return _Start(0, 0, present)
        return _Start(max(0, since_marker - self._settings.document_overlap), since_marker, present)

    def _present_marker(self, kind: Kind) -> int | None:
        """Return the till's present marker of a kind, or None for a kind whose marker the till may leave out."""
        answer = self._client.read("getCurrentSyncMarkers")
        marker = answer.findtext(qualified(codec.DOCUMENTS[kind].marker)) or ""
        if not marker and kind in codec.OPTIONAL_MARKERS:
            return None
        with translated_parse_errors():
            return int(marker)

    def _read_page(self, kind: Kind, chosen: Mapping[str, object], *, lines: bool = True) -> list[Element]:
        """Return a page of documents: those with the lowest markers from a bound on, in any order."""

        def ask(limit: int, *, lines: bool) -> list[Element]:
            return self._request_page(kind, {**chosen, "syncMarkerLimit": limit}, lines=lines)

        def markers(elements: Iterable[Element]) -> list[int | None]:
            return [codec.if_readable(codec.document_marker, element) for element in elements]

        elements = ask(self._settings.document_page, lines=lines)
        operation = codec.DOCUMENTS[kind].operation
        self._partial_lists.require_lowest(operation, markers(elements), lambda limit: markers(ask(limit, lines=False)))
        return elements

    def _request_page(self, kind: Kind, chosen: Mapping[str, object], *, lines: bool = True) -> list[Element]:
        document, key_of = codec.DOCUMENTS[kind], partial(codec.document_key, kind=kind)
        required_fields = {"articlePluNumbers": {}, "articleBarcodes": {}, "includeLineList": lines}
        request = {**chosen, **document.options, **required_fields}
        elements = self._client.read(document.operation, request=request).iterfind(document.path)
        return unique_elements(elements, partial(codec.if_readable, key_of))

    def _decode(
        self, kind: Kind, elements: Sequence[Element], keys: Sequence[str] = (), *, fresh: bool
    ) -> list[Record]:
        """Return each document as a record; `keys` are the requested ones. A faulty document is marked unreadable."""
        of = [codec.if_readable(codec.document_relation, element) or "" for element in elements]
        relations = self._relations(filter(None, of))
        articles = (codec.if_readable(codec.document_articles, element) or () for element in elements)
        codes = self._codes.article_ids(
            list(dict.fromkeys(number for article_numbers in articles for number in article_numbers)), fresh=fresh
        )
        nameless = relations.get("")  # it may be any customer that is missing
        return [
            _document(kind, element, relations.get(relation_number, nameless) if relation_number else None, codes, key)
            for element, relation_number, key in zip(elements, of, keys or [""] * len(elements), strict=True)
        ]

    def _relations(self, numbers: Iterable[str]) -> Mapping[str, Element]:
        """Return the customers with these numbers, without those that the till no longer has."""

        def ask(portion: Sequence[str]) -> list[Element]:
            answer = self._client.read("getRelations", request={"relationNumbers": portion})
            return unique_elements(answer.iterfind(f"{qualified('relationList')}/{qualified('relation')}"), number_of)

        number_of = partial(codec.if_readable, codec.relation_number)
        asking = self._customers.ask_all(ask, lambda element: [number_of(element)])
        all_numbers = list(dict.fromkeys(numbers))
        relations = [relation for portion in portions(all_numbers, LARGEST_ANSWER) for relation in asking(portion)]
        return {codec.if_readable(codec.relation_number, relation) or "": relation for relation in relations}


def _document(
    kind: Kind, document: Element, relation: Element | None, codes: Mapping[str, str], requested_key: str
) -> Record:
    try:
        if relation is not None:
            codec.require_relation_number(relation)
        return codec.decode_document(kind, document, relation, codes)
    except WrongValueError as error:
        key = codec.if_readable(partial(codec.document_key, kind=kind), document) or requested_key
        return unreadable(kind, key, error, codec.raw_elements(document, relation))


class _Codes:
    """External article ids by article number, cached for a short time. Articles without one are read every time."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._cached: dict[str, tuple[str, float]] = {}
        self._completer = ByNumbers[Element]()

    def article_ids(self, numbers: Sequence[str], *, fresh: bool) -> Mapping[str, str]:
        """Return the ids of the articles that have one; `fresh` reads all of them again."""
        now = self._clock()
        valid = {number: (code, end) for number, (code, end) in self._cached.items() if now < end}
        missing = [number for number in numbers if fresh or number not in valid]
        new_codes: dict[str, str] = {}
        for portion in portions(missing, LARGEST_ANSWER):
            new_codes |= self._read_ids(portion)
        cached_codes = {number: valid[number] for number in valid.keys() - set(missing)}
        # Replaced as a whole and never changed in place, because two runs may use it at the same time.
        self._cached = cached_codes | {number: (code, now + CODES_SECONDS) for number, code in new_codes.items()}
        return {number: code for number, (code, _) in cached_codes.items()} | new_codes

    def _read_ids(self, numbers: Sequence[str]) -> dict[str, str]:
        def ask(portion: Sequence[str]) -> list[Element]:
            answer = self._client.read("getProducts", request={"articleNumbers": portion, "pluNumbers": {}})
            return list(answer.iter(qualified("article")))

        asking = self._completer.ask_all(ask, lambda element: [codec.if_readable(codec.article_number, element)])
        codes: dict[str, set[str]] = defaultdict(set)
        for article in asking(numbers):
            codes[codec.if_readable(codec.article_number, article) or ""].add(codec.external_id(article))
        # An article with several different ids has none.
        return {number: code for number, (code, *others) in codes.items() if number and code and not others}
