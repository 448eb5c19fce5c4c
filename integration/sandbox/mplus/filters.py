"""What a question about products asks for."""

from dataclasses import dataclass
from datetime import datetime

from integration.sandbox.mplus.catalogue import Article, Product
from integration.sandbox.mplus.contract import ZONE, RefusedError
from integration.sandbox.mplus.fields import Fields


@dataclass(frozen=True)
class Filters:
    """What a question about products asks for; all that is given restricts together."""

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
        """Whether the question names what it wants."""
        return bool(self.articles or self.products or self.groups or self.plus)

    def fits(self, product: Product) -> bool:
        """Whether the product as such is asked for."""
        return (
            product.seen_marker >= self.marker
            and (not self.products or product.number in self.products)
            and (not self.groups or not self.groups.isdisjoint(product.places))
            and (self.since is None or product.changed >= self.since)
        )

    def chosen(self, product: Product) -> list[Article]:
        """The articles of the product that are asked for."""
        seen = [article for article in product.articles.values() if article.seen]
        chosen = [article for article in seen if self._wants(article)]
        return seen if chosen and self.with_siblings else chosen

    def _wants(self, article: Article) -> bool:
        return (
            (not self.articles or article.number in self.articles)
            and (not self.plus or article.plu in self.plus)
            and (not self.only_webshop or article.webshop)
            and (not self.only_active or article.active)
        )


def moment_of(fields: Fields) -> datetime | None:
    """The moment that the fields name; none when they name none."""
    if not fields.number("year"):
        return None
    names = ("year", "mon", "day", "hour", "min", "sec")
    year, month, day, hour, minute, second = (fields.number(name) for name in names)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
    except ValueError:
        raise RefusedError("That is not a moment") from None
