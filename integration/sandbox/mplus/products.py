"""Products and their articles: read by number, group and marker, created and updated."""

from collections.abc import Iterable
from dataclasses import replace

from integration.sandbox.mplus.catalogue import Article, Catalogue, Filters, Product, hash_of, moment_of
from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields, element
from integration.sandbox.mplus.groups import Groups
from integration.sandbox.mplus.sums import rounded

FIRST_FREE_ARTICLE = 900_001
NEW_ARTICLE = {"active": True, "webshop": False, "specialPrice": "PRICE-NORMAL", "discontinued": False}


class RefusalError(Exception):
    """The till refuses to store an object; holds the suffix of the result, and the message."""

    def __init__(self, result: str, message: str) -> None:
        super().__init__(message)
        self.result = result
        self.message = message


class Products:
    """Operations that read and change products."""

    def __init__(self, context: TillContext, reference: Reference, catalogue: Catalogue, groups: Groups) -> None:
        self._context = context
        self._reference = reference
        self._catalogue = catalogue
        self._groups = groups

    def operations(self) -> dict[str, Handler]:
        return {
            "getProducts": self._get,
            "createProduct": lambda request: self.create(request.child("product")),
            "updateProduct": lambda request: self.update(request.child("product")),
        }

    def create(self, product: WireFields) -> WireFields:
        """Create a product and return the answer."""
        try:
            number = self._free_number(product)
            articles = self._new_articles(product)
        except RefusalError as refusal:
            return self._refusal_answer("Create", refusal, productNumber=0)
        new_product = Product(number, self._context.now)
        marker = self._catalogue.put(new_product, self._with_description(product), self._context.late)
        for article in articles:
            self._store(new_product, self._with_defaults(article), marker)
        self._place(new_product, product)
        return self._success_answer(
            "Create", new_product, marker, productNumber=number, articleNumbers=list(new_product.articles)
        )

    def update(self, product: WireFields) -> WireFields:
        """Update a product and return the answer; omitted fields and articles stay unchanged."""
        stored_product = self._stored_product(product)
        if stored_product is None:
            return self._refusal_answer("Update", RefusalError("-NOT-FOUND", "The product does not exist"))
        articles = product.child("articleList").children("article")
        own = [article for article in articles if article.number("articleNumber") in stored_product.articles]
        others = WireFields(
            ("article", candidate) for candidate in articles if not any(candidate is own_article for own_article in own)
        )
        try:
            added = self._new_articles(WireFields([("articleList", others)]))
            changed = [
                self._with_changes(stored_product.articles[article.number("articleNumber")], article) for article in own
            ]
        except RefusalError as refusal:
            return self._refusal_answer("Update", refusal)
        marker = self._catalogue.put(stored_product, self._merged_fields(stored_product, product), self._context.late)
        for article in changed:
            self._store(stored_product, article, marker)
        new = [self._store(stored_product, self._with_defaults(article), marker) for article in added]
        self._leave_out(stored_product, {*(article.number("articleNumber") for article in changed), *new}, marker)
        self._place(stored_product, product)
        existing = [article.number("articleNumber") for article in changed]
        return self._success_answer(
            "Update", stored_product, marker, existingArticleNumbers=existing, newArticleNumbers=new
        )

    def edit(self, number: int, fields: WireFields) -> None:
        """Change an article as a person at the till would."""
        article = self._catalogue.articles[number]
        changed = self._with_changes(article, fields)
        marker = self._catalogue.touch(article.product)
        self._store(article.product, changed, marker)

    def edit_product(self, number: int, fields: WireFields) -> None:
        """Change a product's own fields as a person at the till would."""
        product = self._catalogue.products[number]
        self._catalogue.put(product, self._merged_fields(product, fields), 0.0)
        self._place(product, fields)

    def state(self) -> list[dict[str, object]]:
        """Return all products with their articles."""
        return [
            {
                **self._context.contract.plain("Product", self._catalogue.fields(product)),
                "groupNumbers": list(product.places),
                "articleList": [
                    self._context.contract.plain("Article", self._catalogue.fields(article))
                    for article in product.articles.values()
                ],
            }
            for product in self._catalogue.products.values()
        ]

    def articles(self) -> list[dict[str, object]]:
        return [
            self._context.contract.plain("Article", self._catalogue.fields(article))
            for article in self._catalogue.articles.values()
        ]

    def _get(self, request: WireFields) -> WireFields:
        filters = self._filters(request.child("request"))
        chosen: list[tuple[Product, list[Article]]] = []
        count = 0
        candidates = list(self._candidates(filters))
        for product in candidates:
            if not product.visible_xml or not filters.fits(product):
                continue
            articles = filters.matching_articles(product)
            if filters.by_key and self._is_omitted(product, articles, beside=len(candidates) - 1):
                continue
            if not articles and (product.articles or filters.articles or filters.plus):
                continue
            if filters.limit and chosen and count + len(articles) > filters.limit:
                break
            chosen.append((product, articles))
            count += len(articles)
        if self._context.conventions.order_within_answer == "mixed":
            chosen.sort(key=lambda pair: hash_of(pair[0].number))
        product_list = b"".join(element("product", product.written(articles)) for product, articles in chosen)
        return WireFields([("productList", product_list)])

    def _is_omitted(self, product: Product, articles: list[Article], *, beside: int) -> bool:
        """Return True if the till omits an existing product from this answer, according to the conventions."""
        conventions = self._context.conventions
        is_too_large = conventions.most_articles is not None and len(articles) > conventions.most_articles
        return is_too_large or (beside > 0 and not product.articles.keys().isdisjoint(conventions.only_alone))

    def _filters(self, ask: WireFields) -> Filters:
        plus = (plu.text("text") for plu in ask.child("pluNumbers").children("text"))
        filters = Filters(
            articles=frozenset(ask.numbers("articleNumbers")),
            products=frozenset(ask.numbers("productNumbers")),
            groups=frozenset(ask.numbers("groupNumbers")),
            plus=frozenset(plus),
            only_webshop=ask.flag("onlyWebshop"),
            only_active=ask.flag("onlyActive"),
            marker=ask.number("syncMarker"),
            since=moment_of(ask.child("changedSinceTimestamp")),
            limit=ask.number("syncMarkerLimit"),
            with_siblings=ask.flag("includeAllArticlesOfSelectedProducts"),
        )
        if filters.limit or filters.by_key:
            return filters
        return replace(filters, limit=self._context.conventions.page_size or 0)

    def _candidates(self, filters: Filters) -> Iterable[Product]:
        """Return the products that may match, lowest marker first."""
        if filters.articles:
            articles = (self._catalogue.articles.get(number) for number in filters.articles)
            products = {article.product for article in articles if article}
        elif filters.products:
            products = {product for number in filters.products if (product := self._catalogue.products.get(number))}
        else:
            return self._catalogue.markers.objects_since(filters.marker)
        return sorted(products, key=lambda product: product.seen_marker)

    def _stored_product(self, product: WireFields) -> Product | None:
        if product.has_name("productNumber"):
            return self._catalogue.products.get(product.number("productNumber"))
        numbers = (article.number("articleNumber") for article in product.child("articleList").children("article"))
        articles = (self._catalogue.articles.get(number) for number in numbers)
        return next((article.product for article in articles if article), None)

    def _free_number(self, product: WireFields) -> int:
        number = product.number("productNumber") or self._context.count("product")
        if number in self._catalogue.products:
            raise RefusalError("-FAILED-PRODUCT-NUMBER-ALREADY-TAKEN", f"Product number {number} is already in use")
        return number

    def _new_articles(self, product: WireFields) -> list[WireFields]:
        """Return the articles to add, after checking their numbers and values."""
        articles = product.child("articleList").children("article")
        numbers = [number for article in articles if (number := article.number("articleNumber"))]
        for number in numbers:
            if number in self._catalogue.articles or numbers.count(number) > 1:
                raise RefusalError("-FAILED-ARTICLE-NUMBER-ALREADY-TAKEN", f"Article number {number} is already in use")
        return [self._check_article(article) for article in articles]

    def _check_article(self, article: WireFields) -> WireFields:
        vat_code, group = article.text("vatCode"), article.text("turnoverGroup")
        if vat_code and self._reference.rate(int(vat_code)) is None:
            raise RefusalError("-FAILED", f"VAT code {vat_code} does not exist")
        if group and int(group) not in self._reference.turnover_groups:
            raise RefusalError("-FAILED", f"Turnover group {group} does not exist")
        if strange := self._reference.strange_fields(article, self._reference.article_fields):
            raise RefusalError("-FAILED", f"Custom field {strange[0]} does not exist")
        return article

    def _with_changes(self, article: Article, changes: WireFields) -> WireFields:
        """Return the stored article with the sent values."""
        old = self._catalogue.fields(article)
        changes = self._check_article(changes)
        if self._context.conventions.omitted_fields == "emptied":
            old = old.select_names("articleNumber", "createTimestamp")
        lists = _merge_custom_fields(old.child("customFieldList"), changes.child("customFieldList"))
        merged = self._context.contract.merged("Article", old, changes)
        if lists:
            merged = merged.replaced("customFieldList", lists)
        return self._with_barcode_list(self._with_prices(self._with_fault(merged), changes), changes)

    def _with_defaults(self, article: WireFields) -> WireFields:
        """Return a new article with the values that the till adds."""
        own: dict[str, object] = {
            **NEW_ARTICLE,
            "articleNumber": article.number("articleNumber") or self._free_article(),
            "stockArticle": self._context.conventions.stock_article_unless_said,
            "createTimestamp": self._context.now,
        }
        if not article.has_name("vatCode") and article.has_name("turnoverGroup"):
            own["vatCode"] = self._reference.vat_code_of(article.number("turnoverGroup"))
        base = self._context.build("Article", own)
        new_article = article if article.number("articleNumber") else article.without_names("articleNumber")
        merged = self._context.contract.merged("Article", base, new_article)
        return self._with_barcode_list(self._with_prices(self._with_fault(merged), article), article)

    def _free_article(self) -> int:
        number = FIRST_FREE_ARTICLE - 1 + self._context.count("article")
        return self._free_article() if number in self._catalogue.articles else number

    def _store(self, product: Product, article: WireFields, marker: int) -> int:
        number = article.number("articleNumber")
        self._catalogue.put_article(product, number, article, marker, self._context.late)
        return number

    def _with_prices(self, article: WireFields, changes: WireFields) -> WireFields:
        """Return the article with its VAT rate, and with the missing price computed from the other."""
        rate = self._reference.rate(article.number("vatCode"))
        if rate is None:
            return article
        values: dict[str, object] = {"vatPercentage": self._context.conventions.percentage(rate)}
        match self._leading_price(article, changes):
            case "incl":
                values["priceExcl"] = rounded(article.number("priceIncl") / (1 + rate / 100))
            case "excl":
                values["priceIncl"] = rounded(article.number("priceExcl") * (1 + rate / 100))
        return self._context.contract.merged("Article", article, self._context.build("Article", values))

    def _leading_price(self, article: WireFields, changes: WireFields) -> str:
        """Return the price that decides the other one, or an empty text if both stay as they are."""
        incl, excl = changes.has_name("priceIncl"), changes.has_name("priceExcl")
        if incl and excl:
            return {"incl wins": "incl", "excl wins": "excl"}.get(self._context.conventions.both_prices, "")
        if excl:
            return "excl"
        return "incl" if incl or (changes.has_name("vatCode") and article.has_name("priceIncl")) else ""

    def _with_barcode_list(self, article: WireFields, changes: WireFields) -> WireFields:
        """Return the article with its barcode in the list of barcodes, marked as current."""
        barcode = article.text("barcode")
        if not changes.has_name("barcode") or not barcode:
            return article
        rows = article.child("barcodeList").children("barcode")
        others = [
            self._context.contract.merged(
                "Barcode", row, self._context.build("Barcode", {"isCurrent": row.text("barcode") == barcode})
            )
            for row in rows
        ]
        if barcode not in {row.text("barcode") for row in rows}:
            values = {
                "barcodeId": self._context.count("barcode"),
                "barcode": barcode,
                "quantity": 1,
                "decimalPlaces": 0,
            }
            others.append(self._context.build("Barcode", {**values, "isCurrent": True}))
        barcode_list = WireFields([("barcodeList", WireFields(("barcode", row) for row in others))])
        return self._context.contract.merged("Article", article, barcode_list)

    def _with_fault(self, article: WireFields) -> WireFields:
        """Return the article with a wrong value, if the current fault asks for that."""
        if not self._context.wrong:
            return article
        if article.has_name("priceIncl") or article.has_name("priceExcl"):
            return WireFields(
                (name, str(int(value) + 1) if name in _PRICES and isinstance(value, str) else value)
                for name, value in article
            )
        return WireFields(
            (name, f"{value} ~" if name == "description" and isinstance(value, str) else value)
            for name, value in article
        )

    def _with_description(self, product: WireFields) -> WireFields:
        """Return the product's own fields; without a description, that of its first article."""
        first = next(iter(product.child("articleList").children("article")), WireFields())
        own = product.without_names("articleList", "syncMarker")
        if product.text("description") or not first.text("description"):
            return own
        return self._context.contract.merged("Product", own, WireFields([("description", first.text("description"))]))

    def _merged_fields(self, stored_product: Product, changes: WireFields) -> WireFields:
        old = self._catalogue.fields(stored_product)
        if self._context.conventions.omitted_fields == "emptied":
            old = old.select_names("productNumber")
        return self._context.contract.merged(
            "Product", old, changes.without_names("productNumber", "articleList", "syncMarker")
        )

    def _leave_out(self, product: Product, mentioned: set[int], marker: int) -> None:
        if self._context.conventions.omitted_articles == "kept":
            return
        for number in [number for number in product.articles if number not in mentioned]:
            fields = self._catalogue.fields(product.articles[number])
            self._store(
                product, self._context.contract.merged("Article", fields, WireFields([("active", "false")])), marker
            )

    def _place(self, product: Product, fields: WireFields) -> None:
        if self._context.conventions.groups_in_product == "ignored":
            return
        if not (fields.has_name("groupNumbers") or fields.has_name("sortOrderGroupList")):
            return
        rows = fields.child("sortOrderGroupList").children("sortOrderGroup")
        places = {row.number("groupNumber"): row.number("sortOrder") for row in rows}
        self._groups.place(product, {**dict.fromkeys(fields.numbers("groupNumbers"), 0), **places})

    def _success_answer(self, verb: str, product: Product, marker: int, **values: object) -> WireFields:
        stamped_values = {"result": f"{verb.upper()}-PRODUCT-RESULT-OK", **values, "errorMessage": ""}
        stamps = {"changeTimestamp": self._context.now, "syncMarker": max(marker, product.marker)}
        return self._context.build(f"{verb}ProductResponse", {**stamped_values, **stamps})

    def _refusal_answer(self, verb: str, refusal: RefusalError, **values: object) -> WireFields:
        result = f"{verb.upper()}-PRODUCT-RESULT{refusal.result}"
        return self._context.build(
            f"{verb}ProductResponse", {"result": result, **values, "errorMessage": refusal.message}
        )


_PRICES = frozenset({"priceIncl", "priceExcl"})


def _merge_custom_fields(old: WireFields, changes: WireFields) -> WireFields:
    """Return the old custom fields, with those that were sent replaced."""
    if not changes:
        return WireFields()
    new = {row.text("fieldName"): row for row in changes.children("customField")}
    old_fields = {row.text("fieldName"): row for row in old.children("customField")}
    return WireFields(("customField", row) for row in {**old_fields, **new}.values())
