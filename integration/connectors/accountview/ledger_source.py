"""The ledger of the books as a source of records that are read by their keys."""

from collections.abc import Callable, Mapping
from datetime import date

from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings
from integration.connectors.accountview.years import FiscalYears
from integration.core.errors import RejectedError
from integration.core.records import Batch, Kind


class LedgerSource:
    """Reads records of one kind from the ledger. `types` returns the type of each daybook by its code."""

    kind: Kind

    def __init__(
        self,
        settings: AccountViewSettings,
        layouts: Layouts,
        reader: RowReader,
        years: FiscalYears,
        today: Callable[[], date],
        types: Callable[[], Mapping[str, str]],
    ) -> None:
        self._settings = settings
        self._layouts = layouts
        self._reader = reader
        self._years = years
        self._today = today
        self._types = types

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Raise RejectedError: these records are read by their keys."""
        del since, after
        raise RejectedError("request_refused", system=SYSTEM, key=self.kind)

    def _require_ledger(self) -> None:
        """Raise RejectedError if the settings name no object for the ledger."""
        if not self._settings.objects.transactions.code:
            raise RejectedError("object_missing", system=SYSTEM, object="transactions", kind=self.kind)
