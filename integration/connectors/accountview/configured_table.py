"""A table of the books that is read only where the settings name it."""

from collections.abc import Mapping

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.columns import WarehouseFields
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.price_columns import PriceFields
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject


class ConfiguredTable:
    """A table whose object and columns the settings may name; `on` says whether they do."""

    def __init__(
        self,
        client: AccountViewClient,
        layouts: Layouts,
        settings: AccountViewSettings,
        fields: WarehouseFields | PriceFields,
        names: Mapping[str, str],
    ) -> None:
        """`names` are the columns by our names."""
        self.on = fields.is_used
        self.of = BusinessObject(code=fields.object, table=fields.table)
        self.names = names
        self._layouts = layouts
        by_number = settings.model_copy(update={"page_strategy": "number"})  # its rows have no known key
        self._reader = RowReader(client, by_number, probe=(settings.objects.articles, settings.article.code))

    def missing(self) -> list[str]:
        """Return the configured columns that the dictionary lacks."""
        if not self.on:
            return []
        columns = self._layouts.columns(self.of.table)
        return [column for column in self.names.values() if column not in columns]

    def _layout(self) -> Layout:
        return Layout(self.of.table, self.names, self._layouts.columns(self.of.table))
