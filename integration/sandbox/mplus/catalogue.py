"""The products and articles that the till holds, found by number and by marker."""

from collections.abc import Iterable
from datetime import datetime

from integration.sandbox.mplus.desk import Desk
from integration.sandbox.mplus.fields import Fields, element, written
from integration.sandbox.mplus.shelf import Markers, Stored

OWN_FIELDS = frozenset({"articleList", "groupNumbers", "sortOrderGroupList"})


class Article(Stored):
    """One article. What filters need stands beside the XML."""

    __slots__ = ("active", "number", "plu", "product", "stock", "webshop")

    def __init__(self, number: int, product: "Product") -> None:
        super().__init__()
        self.number = number
        self.product = product
        self.plu = ""
        self.active = self.webshop = self.stock = False


class Product(Stored):
    """One product: its own fields as XML, its articles, and its place in each group it is in."""

    __slots__ = ("articles", "changed", "number", "places", "rest")

    def __init__(self, number: int, now: datetime) -> None:
        super().__init__()
        self.number = number
        self.articles: dict[int, Article] = {}
        self.places: dict[int, int] = {}
        self.changed = now
        self.rest = b""

    def written(self, articles: Iterable[Article]) -> bytes:
        """The product with those of its articles, as an answer holds it."""
        listed = element("articleList", b"".join(element("article", article.seen) for article in articles))
        groups = b"".join(b"<ns:groupNumbers>%d</ns:groupNumbers>" % group for group in self.places)
        order = b"".join(
            b"<ns:sortOrderGroup><ns:groupNumber>%d</ns:groupNumber><ns:sortOrder>%d</ns:sortOrder></ns:sortOrderGroup>"
            % place
            for place in self.places.items()
        )
        return self.seen + listed + groups + element("sortOrderGroupList", order) + self.rest


class Catalogue:
    """All products and articles of the till."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.products: dict[int, Product] = {}
        self.articles: dict[int, Article] = {}
        self.markers: Markers[Product] = Markers()

    def article(self, number: int) -> Article | None:
        """The article that readers see under the number."""
        article = self.articles.get(number)
        return article if article and article.seen else None

    def product(self, number: int) -> Product | None:
        """The product that readers see under the number."""
        product = self.products.get(number)
        return product if product and product.seen else None

    def fields(self, stored: Article | Product) -> Fields:
        """The fields of an article, or a product's own."""
        return self._desk.contract.reread(stored.xml, "Article" if isinstance(stored, Article) else "Product")

    def touch(self, product: Product) -> int:
        """A new marker for a product whose own fields stay as they are."""
        return self.put(product, self.fields(product), late=0.0)

    def put(self, product: Product, own: Fields, late: float) -> int:
        """Stores a product's own fields under a new marker."""
        marker = self.markers.next()
        known = self._desk.contract.types["Product"]
        head = self._desk.build("Product", {"productNumber": product.number, "syncMarker": marker})
        own = self._desk.contract.merged("Product", own.without(*OWN_FIELDS), head)
        strange = [name for name in own.names() if name not in known]
        if strange:
            product.rest = written(own.only(*strange))
        product.put(written(own.without(*strange)), marker, late)
        product.changed = self._desk.now
        self.markers.enter(marker, product, new=product.number not in self.products)
        self.products[product.number] = product
        return marker

    def put_article(self, product: Product, number: int, fields: Fields, marker: int, late: float) -> None:
        """Stores an article of a product under the product's marker."""
        article = product.articles.get(number) or Article(number, product)
        fields = self._desk.contract.merged(
            "Article", fields, self._desk.build("Article", {"syncMarker": marker, "changeTimestamp": self._desk.now})
        )
        article.put(written(fields), marker, late)
        article.plu = fields.text("pluNumber")
        article.active = fields.flag("active")
        article.webshop = fields.flag("webshop")
        article.stock = fields.flag("stockArticle")
        product.articles[number] = self.articles[number] = article
