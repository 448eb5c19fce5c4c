"""Products and articles of the till, found by number, by marker and by filters."""

import bisect
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Generic, Protocol, TypeVar

from integration.sandbox.mplus.context import TillContext
from integration.sandbox.mplus.contract import ZONE, RefusedError, WireFields, element, written

# ---- objects of one kind, and the marker that every change increments


SPARE_ENTRIES = 1000


class Stored:
    """One object as XML, with its previous version while a change is not visible yet."""

    __slots__ = ("_hidden_until", "_previous_version", "marker", "xml")

    def __init__(self) -> None:
        self.xml = b""
        self.marker = 0
        self._previous_version: tuple[bytes, int] | None = None
        self._hidden_until = 0.0

    def put(self, xml: bytes, marker: int, late: float = 0.0) -> None:
        """Replace the object. Readers see it after `late` seconds, or when an earlier change becomes visible."""
        if late and self._is_visible:
            self._previous_version = (self.xml, self.marker)
        if late:
            self._hidden_until = time.monotonic() + late
        self.xml, self.marker = xml, marker

    @property
    def visible_xml(self) -> bytes:
        """XML that readers get; empty while a new object is not visible yet."""
        return self.xml if self._previous_version is None or self._is_visible else self._previous_version[0]

    @property
    def seen_marker(self) -> int:
        """Marker that readers get."""
        return self.marker if self._previous_version is None or self._is_visible else self._previous_version[1]

    @property
    def _is_visible(self) -> bool:
        return time.monotonic() >= self._hidden_until


class Sized(Protocol):
    """Objects that `Markers` can hold."""

    marker: int

    @property
    def seen_marker(self) -> int: ...  # see Stored


R = TypeVar("R", bound=Sized)


class Markers(Generic[R]):
    """Marker sequence of one kind of object, and the object of each marker."""

    def __init__(self, start: int = 1) -> None:
        self.last = start - 1
        self._entries: list[tuple[int, R]] = []
        self._live_count = 0

    def new_marker(self) -> int:
        self.last += 1
        return self.last

    def enter(self, marker: int, record: R, *, new: bool) -> None:
        """Record the marker of an object, which must be the highest so far."""
        self._entries.append((marker, record))
        self._live_count += new
        if len(self._entries) > 2 * self._live_count + SPARE_ENTRIES:
            self._entries = [
                (entry, entry_record)
                for entry, entry_record in self._entries
                if entry in {entry_record.marker, entry_record.seen_marker}
            ]

    def objects_since(self, marker: int) -> Iterator[R]:
        """Return the objects that readers see with this marker or a higher one, lowest first."""
        start = bisect.bisect_left(self._entries, marker, key=itemgetter(0))
        return (record for entry, record in itertools.islice(self._entries, start, None) if record.seen_marker == entry)


def hash_of(key: object) -> int:
    """Return a hash of a key that is the same in every process; used to mix the order of an answer."""
    number = int.from_bytes(str(key).encode()[-8:], "big")
    return number * 2654435761 % 2**32


# ---- products and articles


OWN_FIELDS = frozenset({"articleList", "groupNumbers", "sortOrderGroupList"})


class Article(Stored):
    """One article as XML, with the values for filters."""

    __slots__ = ("active", "number", "plu", "product", "stock", "webshop")

    def __init__(self, number: int, product: "Product") -> None:
        super().__init__()
        self.number = number
        self.product = product
        self.plu = ""
        self.active = self.webshop = self.stock = False


class Product(Stored):
    """One product: its own fields as XML, its articles, and its position in each of its groups."""

    __slots__ = ("articles", "changed", "number", "places", "rest")

    def __init__(self, number: int, now: datetime) -> None:
        super().__init__()
        self.number = number
        self.articles: dict[int, Article] = {}
        self.places: dict[int, int] = {}
        self.changed = now
        self.rest = b""

    def written(self, articles: Iterable[Article]) -> bytes:
        """Return the product with the given articles as XML for an answer."""
        article_list = element("articleList", b"".join(element("article", article.visible_xml) for article in articles))
        groups = b"".join(b"<ns:groupNumbers>%d</ns:groupNumbers>" % group for group in self.places)
        order = b"".join(
            b"<ns:sortOrderGroup><ns:groupNumber>%d</ns:groupNumber><ns:sortOrder>%d</ns:sortOrder></ns:sortOrderGroup>"
            % place
            for place in self.places.items()
        )
        return self.visible_xml + article_list + groups + element("sortOrderGroupList", order) + self.rest


class Catalogue:
    """All products and articles of the till."""

    def __init__(self, context: TillContext) -> None:
        self._context = context
        self.products: dict[int, Product] = {}
        self.articles: dict[int, Article] = {}
        self.markers: Markers[Product] = Markers()

    def article(self, number: int) -> Article | None:
        """Return the visible article with this number, or None."""
        article = self.articles.get(number)
        return article if article and article.visible_xml else None

    def product(self, number: int) -> Product | None:
        """Return the visible product with this number, or None."""
        product = self.products.get(number)
        return product if product and product.visible_xml else None

    def fields(self, record: Article | Product) -> WireFields:
        """Return the fields of an article, or a product's own fields."""
        return self._context.contract.reread(record.xml, "Article" if isinstance(record, Article) else "Product")

    def touch(self, product: Product) -> int:
        """Give a product a new marker without changing its own fields, and return the marker."""
        return self.put(product, self.fields(product), late=0.0)

    def put(self, product: Product, own: WireFields, late: float) -> int:
        """Store a product's own fields under a new marker, and return the marker."""
        marker = self.markers.new_marker()
        known_fields = self._context.contract.types["Product"]
        head = self._context.build("Product", {"productNumber": product.number, "syncMarker": marker})
        own = self._context.contract.merged("Product", own.without_names(*OWN_FIELDS), head)
        strange = [name for name in own.names() if name not in known_fields]
        if strange:
            product.rest = written(own.select_names(*strange))
        product.put(written(own.without_names(*strange)), marker, late)
        product.changed = self._context.now
        self.markers.enter(marker, product, new=product.number not in self.products)
        self.products[product.number] = product
        return marker

    def put_article(self, product: Product, number: int, fields: WireFields, marker: int, late: float) -> None:
        """Store an article of a product under the product's marker."""
        article = product.articles.get(number) or Article(number, product)
        fields = self._context.contract.merged(
            "Article",
            fields,
            self._context.build("Article", {"syncMarker": marker, "changeTimestamp": self._context.now}),
        )
        article.put(written(fields), marker, late)
        article.plu = fields.text("pluNumber")
        article.active = fields.flag("active")
        article.webshop = fields.flag("webshop")
        article.stock = fields.flag("stockArticle")
        product.articles[number] = self.articles[number] = article


# ---- filters of a query for products


@dataclass(frozen=True)
class Filters:
    """Filters of a query for products; all of them must match."""

    articles: frozenset[int]
    products: frozenset[int]
    groups: frozenset[int]
    plus: frozenset[str]
    only_webshop: bool
    only_active: bool
    marker: int
    since: datetime | None
    limit: int
    with_siblings: bool

    @property
    def by_key(self) -> bool:
        """True if the query names keys."""
        return bool(self.articles or self.products or self.groups or self.plus)

    def fits(self, product: Product) -> bool:
        """Return True if the product itself matches."""
        return (
            product.seen_marker >= self.marker
            and (not self.products or product.number in self.products)
            and (not self.groups or not self.groups.isdisjoint(product.places))
            and (self.since is None or product.changed >= self.since)
        )

    def matching_articles(self, product: Product) -> list[Article]:
        visible = [article for article in product.articles.values() if article.visible_xml]
        chosen = [article for article in visible if self._matches(article)]
        return visible if chosen and self.with_siblings else chosen

    def _matches(self, article: Article) -> bool:
        return (
            (not self.articles or article.number in self.articles)
            and (not self.plus or article.plu in self.plus)
            and (not self.only_webshop or article.webshop)
            and (not self.only_active or article.active)
        )


def moment_of(fields: WireFields) -> datetime | None:
    """Return the time in the fields, or None if there is none."""
    if not fields.number("year"):
        return None
    names = ("year", "mon", "day", "hour", "min", "sec")
    year, month, day, hour, minute, second = (fields.number(name) for name in names)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
    except ValueError:
        raise RefusedError("That is not a moment") from None
