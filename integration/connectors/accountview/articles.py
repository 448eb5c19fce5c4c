"""Articles and their groups as a source; articles with what each warehouse has of them."""

from collections.abc import Collection
from dataclasses import replace

from pydantic import BaseModel

from integration.connectors.accountview.codec import decoder
from integration.connectors.accountview.layout import named_columns
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.accountview.source import Pages, Reading
from integration.connectors.accountview.warehouses import Warehouses
from integration.core.records import Batch, Kind, Record


class Goods:
    """The articles of one installation, or their groups: a table whose rows are read as they lie."""

    def __init__(self, kind: Kind, of: BusinessObject, fields: BaseModel, pages: Pages) -> None:
        names = named_columns(fields)
        self._reading = Reading(of, names, decoder(kind, names))
        self._pages = pages

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of what changed."""
        return self._pages.page(self._reading, since, after)

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the records with these codes."""
        return self._pages.under(self._reading, keys)


class Articles(Goods):
    """The articles of one installation, with `warehouse:<code>` where the settings name the object of warehouses."""

    def __init__(self, settings: AccountViewSettings, pages: Pages, warehouses: Warehouses) -> None:
        super().__init__(Kind.ARTICLE, settings.objects.articles, settings.article, pages)
        self._warehouses = warehouses

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the articles that changed, with what each warehouse has of them."""
        batch = super().extract(since, after)
        return replace(batch, records=self._warehouses.added(batch.records, fresh=after is None))

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the articles with these codes, with what each warehouse has of them."""
        return list(self._warehouses.added(super().fetch(keys)))
