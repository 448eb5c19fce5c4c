"""One search for everything: records by number, name or amount, and settings by common words for them."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher, get_close_matches
from functools import cached_property
from itertools import islice

from integration.core.authorization import requires
from integration.core.links import Link
from integration.core.people import Right
from integration.core.records import Kind
from integration.flows.forms import names
from integration.flows.registry import Specs
from integration.flows.spec import FlowSpec
from integration.services.log.log import Log
from integration.store.links import Links
from integration.words import LANGUAGES, has_term, read_number, term
from integration.words.search_terms import search_targets

SHORTEST = 2  # characters of a search text
LIMIT = 12  # of records in a result
MAX_PLACES = 8
PART = 3  # characters of a word that are enough to match part of another
STEM = 4  # characters of a word that are enough to identify it without its ending
ENDING = 2  # characters by which two forms of a word may differ
ALIKE = 0.8  # required similarity of a mistyped word
# Joining words, in normalized form, which comparisons ignore.
JOINING = frozenset({
    "per", "by", "for", "of", "in", "and", "the", "a",
    "pro", "je", "nach", "fur", "von", "der", "die", "das", "und",
    "voor", "van", "naar", "de", "het", "een", "en",
})  # fmt: skip

_CURRENCY = re.compile(r"^(eur|€)\s*|\s*(eur|€)$", re.IGNORECASE)
_APART = re.compile(r"[\W_]+")
PAGES = (
    "overview", "preview", "exceptions", "runs", "days", "stock", "logs", "monitoring", "setup", "flows", "mappings",
    "administration", "phone",
)  # fmt: skip


Far = tuple[int, int]  # the type of match, nearest first, and the length of the word


@dataclass(frozen=True, slots=True)
class RecordResult:
    """A record that was found: where its history is, its title, and the search key that matched."""

    flow: str
    kind: str
    key: str
    title: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class PageResult:
    """A place of the console: the page with its address parameters, and the keys of the texts that name it."""

    page: str
    query_parameters: Mapping[str, str] = field(default_factory=dict)
    caption: str = ""
    flow: str = ""


@dataclass(frozen=True, slots=True)
class NameResult:
    """One search key of a record: a number, a name or an amount."""

    kind: str
    key: str
    type: str
    value: str


class Search:
    """Finds records and settings. Searching for records raises the errors of `Log`."""

    def __init__(self, flows: Specs, log: Log, links: Links) -> None:
        self._flows = flows
        self._log = log
        self._links = links

    @cached_property
    def _places(self) -> list[tuple[set[str], PageResult]]:
        """All places with their words, built at the first search to keep the start of a console short."""
        return _merge_places([*_extra_places(self._flows), *_pages(), *_flow_places(self._flows)])

    @requires(Right.READ_LOG)
    def records(self, text: str, language: str = "en", limit: int = LIMIT) -> list[RecordResult]:
        """Return the records with this name, number or amount, the nearest first; see `Log.find_records`."""
        plain = " ".join(text.split())
        if len(plain) < SHORTEST:
            return []
        rows = self._log.find_records(plain, plain_amount(plain, language), limit)
        hits = {(hit.flow, hit.key): hit for hit in (RecordResult(*row) for row in rows)}
        linked = self._linked_records(plain)
        return list((hits | {place: hit for place, hit in linked.items() if place not in hits}).values())[:limit]

    @requires(Right.READ_LOG)
    def names(self, flow: str, key: str) -> list[NameResult]:
        """Return all search keys of a record, each once."""
        results = [NameResult(*row) for row in self._log.names_of(flow, key)]
        return list({(result.kind, result.type, result.value): result for result in results}.values())

    @requires(Right.SEE)
    def places(self, text: str, limit: int = MAX_PLACES) -> list[PageResult]:
        """Return the pages, settings and value tables that match a text in any language, the nearest first."""
        queries = [words for words in map(search_form, text.split("/")) if len(words) >= SHORTEST]
        ranked = [(far, place) for words, place in self._places if (far := _nearest(queries, words, _distances))]
        ranked = ranked or [
            (far, place) for words, place in self._places if (far := _nearest(queries, words, _likeness))
        ]
        return [place for _, place in islice(sorted(ranked, key=lambda pair: pair[0]), limit)]

    @requires(Right.READ_LOG)
    def titles(self, listed_links: Collection[tuple[str, Link]]) -> dict[tuple[str, Kind, str], str]:
        """Return the number or name of the records of links, by flow, kind and key; an empty text if it is unknown.

        Links come with their flow. A link without values has the title of its part in the product that owns it, or of
        the same record in the opposite flow.
        """
        titles = {(flow, link.kind, link.key): _title(link) for flow, link in listed_links}
        without: dict[tuple[str, Kind], list[Link]] = {}
        for flow, link in listed_links:
            if not titles[flow, link.kind, link.key]:
                without.setdefault((flow, link.kind), []).append(link)
        for (flow, kind), untitled in without.items():
            titles_by_key = self._part_titles(flow, untitled) | self._opposite_titles(flow, kind, untitled)
            titles |= {(flow, kind, key): title for key, title in titles_by_key.items()}
        return titles

    def _part_titles(self, flow: str, untitled: Collection[Link]) -> dict[str, str]:
        owned = [link for link in untitled if link.owner]
        if not owned:
            return {}
        owners = self._links.get(flow, _record_kind(self._flows[flow], owned[0]), {link.owner for link in owned})
        names = {
            (owner.key, part.source): part.values.get("name")
            for owner in owners.values()
            if owner.agreed
            for part in owner.agreed.parts
        }
        return {link.key: str(names.get((link.owner, link.key)) or "") for link in owned}

    def _opposite_titles(self, flow: str, kind: Kind, untitled: Collection[Link]) -> dict[str, str]:
        mirror = self._flows[flow].mirrors.get(kind)
        if mirror is None:
            return {}
        opposites = self._links.get(*mirror, {link.reference for link in untitled})
        return {link.key: _title(opposites[link.reference]) for link in untitled if link.reference in opposites}

    def _linked_records(self, text: str) -> dict[tuple[str, str], RecordResult]:
        """Return records that are linked under a number, even if the log no longer has events about them."""
        listed_links = self._links.find_exact(list(self._flows), text, LIMIT)
        titles = self.titles(listed_links)
        return {
            (flow, link.owner or link.key): RecordResult(
                flow,
                str(_record_kind(self._flows[flow], link)),
                link.owner or link.key,
                titles[flow, link.kind, link.key] or link.owner or link.key,
                _key_type(link, text),
                text,
            )
            for flow, link in listed_links
        }


def _record_kind(spec: FlowSpec, link: Link) -> Kind:
    """Return the kind of record that has the history: an article of the till is part of its product."""
    kinds = (stage.target for stage in spec.flow.stages if stage.parts is link.kind and link.owner)
    return next(kinds, link.kind)


def _title(link: Link) -> str:
    values = link.agreed.values if link.agreed else {}
    return next((str(values[name]) for name in ("number", "name") if values.get(name)), "")


def _key_type(link: Link, text: str) -> str:
    marks = {link.mark: "ean"} if link.owner else {}
    return {link.key: "key", **marks}.get(text, "there")


def plain_amount(text: str, language: str = "en") -> str:
    """Return an amount as it is stored, with a decimal point, or an empty text if it is no amount.

    Comma and point are both accepted before two decimals in every language, because amounts are copied from bank
    statements and mails.
    """
    bare = _CURRENCY.sub("", text.strip())
    if re.fullmatch(r"-?\d+[.,]\d{2}", bare):
        return f"{Decimal(bare.replace(',', '.')):.2f}"
    number = read_number(bare, language)
    return "" if number is None else f"{number:.2f}"


# ---- places: found by their words -----------------------------------------------------------------------------------


def search_form(text: str) -> str:
    """Return the normalized form of words: lower case, no accents, and one blank between words."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return _APART.sub(" ", "".join(sign for sign in letters if not unicodedata.combining(sign))).strip()


def _nearest(queries: Collection[str], words: Collection[str], far: Callable[..., list[Far]]) -> Far | None:
    """Return the distance of the nearest of these words to any of the search texts, or None if none is near."""
    return min((distance for text in queries for distance in far(text, words)), default=None)


def _distances(query: str, words: Collection[str]) -> list[Far]:
    """Return the distance of each matching word: exact, beginning, part; and its length."""
    distances = []
    for word in words:
        if word == query:
            distances.append((0, len(word)))
        elif len(query) >= PART and f" {word}".find(f" {query}") >= 0:
            distances.append((1 if word.startswith(query) else 2, len(word)))
        elif len(query) >= PART and all(part in word for part in query.split()):
            distances.append((3, len(word)))
        elif _has_all_words(query, word):
            distances.append((4, len(word)))
    return distances


def _has_all_words(query: str, word: str) -> bool:
    """Return True if a text has all words of the search, apart from endings and joining words such as "per"."""
    query_words, words = (set(text.split()) - JOINING for text in (query, word))
    return bool(query_words) and all(any(_is_form(query_word, other) for other in words) for query_word in query_words)


def _is_form(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return short == long or (len(short) >= STEM and long.startswith(short) and len(long) - len(short) <= ENDING)


def _likeness(query: str, words: Collection[str]) -> list[Far]:
    """Return the distance of the words that differ from the search by a typing error."""
    near = get_close_matches(query, words, n=1, cutoff=ALIKE) if len(query) >= STEM else []
    return [(round(100 - 100 * SequenceMatcher(None, query, word).ratio()), len(word)) for word in near]


def _merge_places(places: Collection[tuple[set[str], PageResult]]) -> list[tuple[set[str], PageResult]]:
    """Return each place once, with all words for it."""
    merged: dict[tuple[str, ...], tuple[set[str], PageResult]] = {}
    for words, place in places:
        at = (place.page, *(f"{name}={value}" for name, value in place.query_parameters.items()))
        merged.setdefault(at, (set(), place))[0].update(words)
    return list(merged.values())


def _search_texts(*keys: str) -> set[str]:
    """Return the normalized texts in every language."""
    return {search_form(term(key, language)) for key in keys for language in LANGUAGES if has_term(key)}


def _pages() -> Iterator[tuple[set[str], PageResult]]:
    for page in PAGES:
        yield _search_texts(f"nav_{page}"), PageResult(page, {}, f"nav_{page}")


def _flow_places(flows: Specs) -> Iterator[tuple[set[str], PageResult]]:
    """Yield every setting and value table of every flow, with their captions."""
    for flow, spec in flows.items():
        for section in spec.sections:
            for name in names(section.shapes):
                caption = caption_of(flow, name)
                if has_term(caption):
                    place = PageResult("flows", {"flow": flow, "tab": "settings", "field": name}, caption, flow)
                    yield _search_texts(caption), place
        for table in spec.tables:
            if has_term(f"table_{table.name}"):
                parameters = {"flow": flow, "tab": "tables", "table": table.name}
                yield _search_texts(f"table_{table.name}"), PageResult("flows", parameters, f"table_{table.name}", flow)


def caption_of(flow: str, name: str) -> str:
    """Return the key of the caption of a setting: specific to the flow if there is one, else the general one."""
    name = name.replace(".", "_")
    own = f"setting_{flow}_{name}"
    return own if has_term(own) else f"setting_{name}"


def _extra_places(flows: Specs) -> Iterator[tuple[set[str], PageResult]]:
    """Yield the places with extra search words, without places of flows that do not exist."""
    for line in search_targets():
        if not line.flow or line.flow in flows:
            yield (
                {search_form(word) for word in line.words},
                PageResult(line.page, line.query_parameters, line.caption, line.flow),
            )
