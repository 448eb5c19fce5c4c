"""The object names of the books in force, from defaults, a person and a file; and their changes."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from integration.connectors.accountview.settings import Names
from integration.core.authorization import requires
from integration.core.errors import ConfigurationError
from integration.core.people import Actor, Right
from integration.flows.forms import Select, single_fields
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, FlowSettings
from integration.flows.spec import FlowSpec
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.systems.object_name_settings import GROUPS, RECORD, ObjectNameSettings
from integration.services.systems.objects import (
    FILE,
    NamedObjects,
    flat,
    named_objects,
    nested,
    parse_names,
    paths_in,
    usable_names,
)

# Names that were added after the first release of plans with a hash of names.
LATER_PREFIXES = (
    "objects.periods.", "period.", "posting_line.vat_base", "objects.transactions.", "transaction.", "day_page.",
    "day_page_line.", "objects.quotations.", "quotation.", "quotation_line.", "sales_order.shipping_cost",
    "trade_invoice.shipping_cost", "prices.",
    "article.stock_expected",
)  # fmt: skip


class ObjectNames:
    """The object names in force. A file overrides a person's names, which override proposed names.

    Names of the sandbox are stored separately, and the file does not apply to it.
    """

    def __init__(self, flows: Specs, name_settings: ObjectNameSettings, access: ConnectorFactory) -> None:
        self._flows = flows
        self._settings = name_settings
        self._access = access

    @property
    @requires(Right.SEE)
    def record(self) -> str:
        """The name of the record that stores the names of the connected books."""
        return self._access.name(RECORD)

    @requires(Right.SEE)
    def has_stored_names(self) -> bool:
        """Return True if a person has set names. Then no more names are proposed."""
        return self._settings.has_names(self.record)

    @requires(Right.SEE)
    def current_names(self) -> Names:
        """Return the names in force. Defaults replace a group that is invalid, with which no connection is made."""
        return usable_names(
            {group: value for group, value in self._access.access_data(BOOKS.system).items() if group in GROUPS}
        )

    def mark(self) -> str:
        """Return a hash of the names in force.

        Names that were added later count only if they differ from their default, so that older plans stay valid.
        """
        names, defaults = flat(self.current_names()), flat(Names())
        relevant_names = {
            path: name for path, name in names.items() if name != defaults[path] or not path.startswith(LATER_PREFIXES)
        }
        return hashlib.sha256(json.dumps(relevant_names, sort_keys=True).encode()).hexdigest()

    @requires(Right.SEE)
    def has_object(self, name: str) -> bool:
        """Return True if one of our objects, such as the trade invoices, has a name."""
        return bool(getattr(self.current_names().objects, name).code)

    def require_objects(self, spec: FlowSpec, settings: FlowSettings, names: Names | None = None) -> None:
        """Raise ConfigurationError if a chosen option needs an object that has no name in `names`, or else in force."""
        current_names = names or self.current_names()
        for shape in single_fields(shape for section in spec.sections for shape in section.shapes):
            needed_object = shape.needs.get(str(getattr(settings, shape.name))) if isinstance(shape, Select) else None
            if needed_object and not getattr(current_names.objects, needed_object).code:
                raise ConfigurationError(
                    "flow_setting_invalid", flow=spec.name, setting=shape.name, expected=f"expected_{needed_object}"
                )

    @requires(Right.CONNECT)
    def put(self, values: Mapping[str, str | None], by: Actor) -> None:
        """Store changed names by their paths; None restores the default.

        Raises ConfigurationError, with the path, for an unknown name, an empty required name, or a name set in the
        file.
        """
        self._settings.put(self.record, self.merged_names(values), by)
        self._access.reconnect(BOOKS.system)

    @requires(Right.CONNECT)
    def merged_names(self, values: Mapping[str, str | None]) -> dict[str, Any]:
        """Return the names that `put` would store. Raises the same errors."""
        names, defaults, fixed = (
            flat(self.current_names()),
            flat(Names()),
            set(paths_in(self._settings.names_of_file(self.record))),
        )
        for path, value in values.items():
            if path not in defaults:
                raise ConfigurationError("setting_invalid", setting=path, expected="expected_name_path")
            if path in fixed:
                raise ConfigurationError("setting_invalid", setting=path, expected="expected_in_file", file=FILE)
            names[path] = defaults[path] if value is None else value.strip()
        nested_names = nested(names, defaults)
        parse_names(nested_names)
        return nested_names

    @requires(Right.CONNECT)
    def read(self, changed: Mapping[str, str] | None = None) -> NamedObjects:
        """Return every object with its names, compared with the current object list and data dictionary.

        `changed` names, by path, are looked up instead of those in force. `value` stays the name in force.
        """
        values, fixed = flat(self.current_names()), frozenset(paths_in(self._settings.names_of_file(self.record)))
        connector = partial(self._access.connector, BOOKS.system)
        return named_objects(self._flows, connector, values, values | dict(changed or {}), fixed)
