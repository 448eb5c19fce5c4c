"""What both systems answer before anybody is asked: filled in once they are connected, where it leaves no choice."""

from collections.abc import Callable, Iterator, Mapping

import structlog

from integration.core.errors import AccessDeniedError
from integration.flows.questions import Known
from integration.flows.registry import Specs
from integration.flows.systems import Listed
from integration.store.rules import Rules
from integration.store.settings import StoredSettings

log = structlog.get_logger(__name__)


class _Lists(Mapping[Listed, Mapping[str, str]]):
    """The lists of both systems, each read when it is needed, and once."""

    def __init__(self, read: Callable[[Listed], Mapping[str, str]]) -> None:
        self._read = read
        self._known: dict[Listed, Mapping[str, str]] = {}

    def __getitem__(self, listed: Listed) -> Mapping[str, str]:
        if listed not in self._known:
            self._known[listed] = self._read(listed)
        return self._known[listed]

    def __iter__(self) -> Iterator[Listed]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def fill_in(
    flows: Specs, read: Callable[[Listed], Mapping[str, str]], rules: Rules, stored: StoredSettings, by: str
) -> None:
    """Answer the questions of the flows that have a plain answer and that nobody has answered yet.

    Who may not read one list, such as that of daybooks, gets the other answers all the same.
    """
    known, tables = Known({}, lists=_Lists(read)), rules.tables()
    for flow, question in ((spec.name, question) for spec in flows.values() for question in spec.questions):
        try:
            plain = question.plain(known)
        except AccessDeniedError as error:
            log.info("some questions stay open", flow=flow, question=question.name, cause=error.code)
            continue
        if question.table:
            if plain and not tables.get(question.table):
                rules.set_table(question.table, plain, by)
            continue
        settings = stored.get(f"flow:{flow}") or {}
        if added := {name: value for name, value in plain.items() if name not in settings}:
            stored.put(f"flow:{flow}", {**settings, **added}, by)
