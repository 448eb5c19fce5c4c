"""What the set-up would ask and both systems already answer. Only what nobody has answered yet is filled."""

from collections.abc import Callable

import structlog

from integration.connectors.protocol import Configurable, Connector
from integration.core.errors import AccessDeniedError
from integration.services.access import Access
from integration.services.readiness import branch_sources, sales_daybook, same_rates
from integration.store.rules import Rules
from integration.store.settings import StoredSettings

log = structlog.get_logger(__name__)


class Proposals:
    """Answers that are unambiguous: field names, VAT codes, branches, and how documents are booked."""

    def __init__(
        self, access: Access, rules: Rules, stored: StoredSettings, *, names_are_kept: Callable[[], bool]
    ) -> None:
        """`names_are_kept` tells whether a person has set names, after which none is proposed any more."""
        self._access = access
        self._rules = rules
        self._stored = stored
        self._names_are_kept = names_are_kept

    def fill(self, by: str) -> None:
        """Fill what both systems leave no choice about."""
        source, target = self._named(by), self._access.connector("mplus")
        ours, theirs, known = source.choices("vat_rates"), target.choices("vat_rates"), self._rules.tables()
        for name, table in (("vat_codes", same_rates(ours, theirs)), ("vat_codes_sales", same_rates(theirs, ours))):
            if table and not known.get(name):
                self._rules.set_table(name, table, by)
        if sources := branch_sources(target.choices("branches"), source.choices("warehouses")):
            self._answer("stock", "branches", sources, by)
        try:
            self._booking(source, by)
        except AccessDeniedError as error:  # who has no right to debtors or daybooks can have products all the same
            log.info("some questions stay open", cause=error.code)

    def fill_once(self, by: str) -> None:
        """Fill it where it has not been: connected by the environment, nobody has been asked yet."""
        if not self._rules.tables().get("vat_codes"):
            self.fill(by)

    def _named(self, by: str) -> Connector:
        """Return the connection to the books, with the names that are proposed for its fields."""
        source = self._access.connector("accountview")
        if not isinstance(source, Configurable) or self._access.of("accountview").get("article"):
            return source
        if self._names_are_kept():
            return source
        self._access.keep("accountview", {str(kind): names for kind, names in source.propose_fields().items()}, by)
        return self._access.connector("accountview")

    def _booking(self, source: Connector, by: str) -> None:
        """Answer how orders are booked where the books leave no choice: one collective account, one sales daybook."""
        accounts = list(source.choices("debtor_accounts"))
        if len(accounts) == 1:
            self._answer("orders", "collective_account", accounts[0], by)
        if sales := sales_daybook(source.choices("daybooks")):
            self._answer("orders", "daybook", sales, by)

    def _answer(self, flow: str, setting: str, value: object, by: str) -> None:
        """Answer a question of a flow that nobody has answered yet."""
        known = self._stored.get(f"flow:{flow}") or {}
        if setting not in known:
            self._stored.put(f"flow:{flow}", {**known, setting: value}, by)
