"""Answers set-up questions that have only one possible answer, without asking anybody."""

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
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings

log = structlog.get_logger(__name__)


class Proposals:
    """Unambiguous answers: field names, VAT codes, branches, and how documents are booked."""

    def __init__(
        self,
        flows: Specs,
        access: ConnectorFactory,
        rules: MappingStore,
        stored_settings: StoredSettings,
        names: ObjectNames,
    ) -> None:
        self._flows = flows
        self._access = access
        self._rules = rules
        self._stored_settings = stored_settings
        self._names = names

    def fill(self, by: str, *, anew: bool = True) -> None:
        """Answer the questions of the flows that have one possible answer and are not answered yet.

        With `anew`, the installation is read again; otherwise the answers use what the connection has read before. If
        one list may not be read, such as that of daybooks, the other questions are answered all the same.
        """
        source = self._access.connector(BOOKS.system)
        if anew and isinstance(source, Configurable):
            source.forget()
        self._name_fields(by)
        # Each list is read when it is needed, and once.
        read_list = cache(lambda code_list: self._access.connector(code_list.system).choices(code_list.name))
        context, tables = SetupContext({}, lists=read_list), self._rules.tables()
        for flow, question in (
            (spec.name, spec_question) for spec in self._flows.values() for spec_question in spec.questions
        ):
            try:
                plain = question.safe_defaults(context)
            except AccessDeniedError as error:
                log.info("a question stays open", flow=flow, question=question.name, cause=error.code)
                continue
            if not question.table:
                self._answer(flow, plain, by)
            elif plain and not tables.get(question.table):
                self._rules.set_table(question.table, plain, by)

    def fill_once(self, by: str) -> None:
        """Fill the answers unless they are filled. With access data from the environment nobody has been asked yet."""
        if not self._is_filled():
            self.fill(by)

    def join(self, by: str) -> None:
        """Fill the missing answers for a new connection to the built-in systems. Existing answers stay."""
        if self._is_filled():
            self._name_fields(by)
        else:
            self.fill(by)

    def _is_filled(self) -> bool:
        return bool(self._rules.tables().get("vat_codes"))

    def _name_fields(self, by: str) -> None:
        """Store the field names of the books that the captions of the installation suggest."""
        source = self._access.connector(BOOKS.system)
        if (
            not isinstance(source, Configurable)
            or self._access.access_data(BOOKS.system).get("article")
            or self._names.has_stored_names()
        ):
            return
        self._access.keep(BOOKS.system, {str(kind): names for kind, names in source.propose_fields().items()}, by)
        renamed = self._access.connector(BOOKS.system)
        if isinstance(renamed, Configurable):
            renamed.remember(source)

    def _answer(self, flow: str, values: Mapping[str, Any], by: str) -> None:
        settings = self._stored_settings.get(f"flow:{flow}") or {}
        if added := {name: value for name, value in values.items() if name not in settings}:
            self._stored_settings.put(f"flow:{flow}", {**settings, **added}, by)
