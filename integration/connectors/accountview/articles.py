"""Articles as a source, with what each warehouse has of them."""

from collections.abc import Collection
from dataclasses import replace

from integration.connectors.accountview.codec import decoder
from integration.connectors.accountview.layout import named_columns
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.accountview.source import Pages, Reading
from integration.connectors.accountview.warehouses import Warehouses
from integration.core.records import Batch, Kind, Record


class Articles:
    """The articles of one installation."""

    def __init__(self, settings: AccountViewSettings, pages: Pages, warehouses: Warehouses) -> None:
        names = named_columns(settings.article)
        self._reading = Reading(settings.objects.articles, names, decoder(Kind.ARTICLE, names))
        self._pages = pages
        self._warehouses = warehouses

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the articles that changed, with `warehouse:<code>` where the settings name its object."""
        batch = self._pages.page(self._reading, since, after)
        return replace(batch, records=self._warehouses.added(batch.records, fresh=after is None))

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the articles with these codes."""
        return list(self._warehouses.added(self._pages.under(self._reading, keys)))
