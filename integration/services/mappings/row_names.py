"""Names of the records whose numbers are codes of value tables, as they were when the rows were saved.

A number alone identifies no record: a replaced system may give the same number to another one.
"""

from collections.abc import Collection

from integration.core.link_evidence import Match, match_identity
from integration.core.records import Kind
from integration.flows.settings import ValueTable
from integration.flows.spec import RenamedCode
from integration.services.mappings.code_lists import CodeLists
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.settings import StoredSettings


class RowNames:
    """Stores the names of identified tables, and compares them with the names that the systems have now."""

    def __init__(self, stored_settings: StoredSettings, access: ConnectorFactory, lists: CodeLists) -> None:
        self._stored_settings = stored_settings
        self._access = access
        self._lists = lists

    def remember(self, table: ValueTable, codes: Collection[str]) -> None:
        """Store the current names of these codes of a table. Codes whose names cannot be read have none afterwards."""
        if table.identified and codes:
            now = self._current(table)
            stored_names = {code: name for code, name in self._kept(table).items() if code not in codes}
            names = stored_names | {code: now[code] for code in codes if code in now}
            self._stored_settings.remember(self._name(table), {"names": names})

    def renamed(self, table: ValueTable) -> dict[str, RenamedCode]:
        """Return the codes of a table that now belong to another record, with both names."""
        stored_names = self._kept(table)
        now = self._current(table) if stored_names else {}
        renamed_codes = {code: RenamedCode(was, now[code]) for code, was in stored_names.items() if code in now}
        return {code: renamed_code for code, renamed_code in renamed_codes.items() if _is_another(renamed_code)}

    def _kept(self, table: ValueTable) -> dict[str, str]:
        return dict((self._stored_settings.get(self._name(table)) or {}).get("names", {}))

    def _current(self, table: ValueTable) -> dict[str, str]:
        code_list = table.ours
        return {} if code_list is None else self._lists.readable(code_list.system, code_list.name) or {}

    def _name(self, table: ValueTable) -> str:
        return self._access.name(f"row_names:{table.name}")


def _is_another(code: RenamedCode) -> bool:
    return match_identity(Kind.ARTICLE, {"name": code.was}, {"name": code.now}) is Match.CONTRADICTS
