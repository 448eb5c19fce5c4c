"""Answers to the questions of the set-up that are unambiguous: filled in without asking anybody."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import structlog

from integration.connectors.protocol import Configurable
from integration.core.errors import AccessDeniedError
from integration.flows.forms import SetupContext
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.systems.object_names import ObjectNames
from integration.store.rules import Rules
from integration.store.settings import StoredSettings

log = structlog.get_logger(__name__)


class Proposals:
    """Answers that are unambiguous: field names, VAT codes, branches, and how documents are booked."""

    def __init__(
        self,
        flows: Specs,
        access: ConnectorFactory,
        rules: Rules,
        stored_settings: StoredSettings,
        names: ObjectNames,
    ) -> None:
        self._flows = flows
        self._access = access
        self._rules = rules
        self._stored = stored_settings
        self._names = names

    def fill(self, by: str, *, anew: bool = True) -> None:
        """Answer the questions of the flows that have a plain answer and that nobody has answered yet.

        Unless `anew`, what the connection has read of the installation counts. Who may not read one list, such as that
        of daybooks, gets the other answers all the same.
        """
        source = self._access.connector(BOOKS)
        if anew and isinstance(source, Configurable):
            source.forget()
        self._name_fields(by)
        read = cache(lambda listed: self._access.connector(listed.system).choices(listed.name))  # when needed, and once
        known, tables = SetupContext({}, lists=read), self._rules.tables()
        for flow, question in ((spec.name, one) for spec in self._flows.values() for one in spec.questions):
            try:
                plain = question.safe_defaults(known)
            except AccessDeniedError as error:
                log.info("some questions stay open", flow=flow, question=question.name, cause=error.code)
                continue
            if not question.table:
                self._answer(flow, plain, by)
            elif plain and not tables.get(question.table):
                self._rules.set_table(question.table, plain, by)

    def fill_once(self, by: str) -> None:
        """Fill it where it has not been: connected by the environment, nobody has been asked yet."""
        if not self._is_filled():
            self.fill(by)

    def join(self, by: str) -> None:
        """Fill what a new connection to the built-in systems lacks: what is answered is not asked for again."""
        if self._is_filled():
            self._name_fields(by)
        else:
            self.fill(by)

    def _is_filled(self) -> bool:
        return bool(self._rules.tables().get("vat_codes"))

    def _name_fields(self, by: str) -> None:
        """Give the fields of the books the names that their captions suggest."""
        source = self._access.connector(BOOKS)
        if not isinstance(source, Configurable) or self._access.of(BOOKS).get("article") or self._names.kept():
            return
        self._access.keep(BOOKS, {str(kind): names for kind, names in source.propose_fields().items()}, by)
        renamed = self._access.connector(BOOKS)
        if isinstance(renamed, Configurable):
            renamed.remember(source)

    def _answer(self, flow: str, values: Mapping[str, Any], by: str) -> None:
        known = self._stored.get(f"flow:{flow}") or {}
        if added := {name: value for name, value in values.items() if name not in known}:
            self._stored.put(f"flow:{flow}", {**known, **added}, by)
