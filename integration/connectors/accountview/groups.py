"""Article groups as a source."""

from collections.abc import Collection

from integration.connectors.accountview.codec import decoder
from integration.connectors.accountview.layout import named_columns
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.accountview.source import Pages, Reading
from integration.core.records import Batch, Kind, Record


class Groups:
    """The article groups of one installation."""

    def __init__(self, settings: AccountViewSettings, pages: Pages) -> None:
        names = named_columns(settings.group)
        self._reading = Reading(settings.objects.groups, names, decoder(Kind.GROUP, names))
        self._pages = pages

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the groups."""
        return self._pages.page(self._reading, since, after)

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the groups with these codes."""
        return self._pages.under(self._reading, keys)
