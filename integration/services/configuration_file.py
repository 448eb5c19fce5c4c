"""The configuration as one readable file: for review, for Git, and to move it from a test to a production console.

The file has the settings, mappings and value tables of every flow, the object names of the books and, on request, the
corrections of a flow. It contains no secret, no address, and no data of records apart from those corrections.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from integration import VERSION
from integration.accounts.four_eyes import FourEyes
from integration.connectors.accountview.settings import Names
from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, NotAllowedError
from integration.core.masking import masked_text
from integration.core.people import Actor, Right
from integration.core.records import Correction, Kind, from_json, to_json
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import readable_rules, rules_from, rules_to
from integration.core.untrusted_text import json_text
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, FlowSettings
from integration.services.engine_lifecycle import EngineHandle
from integration.services.mappings.mappings import Logics
from integration.services.mappings.tables import Tables
from integration.services.runs.flows import Flows
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.systems.object_names import ObjectNames
from integration.services.systems.objects import flat, parse_names
from integration.store.configuration import Configuration
from integration.store.configuration import ConfigurationStore as Kept
from integration.store.corrections import Corrections
from integration.store.database import Database
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings

FORMAT = 1
SECTIONS = ("flows", "mappings", "tables", "names", "corrections")
MAX_BYTES = 1_000_000  # of a file
MAX_CORRECTIONS = 1_000_000
LONGEST_PLACE = 200  # characters of a place in messages: names in an invalid file may have any length

Sections = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Values by section (such as `flows`), item (such as `products`) and name."""


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """One value that a file would change: its place, and the value here and in the file; None if a value is missing."""

    section: str
    item: str
    name: str
    current: Any
    file: Any

    @property
    def place(self) -> str:
        """The place of the value in the file."""
        return f"{self.section}.{self.item}.{self.name}"


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A validated file: the configuration that it would store, and the differences from the current one."""

    configuration: Configuration
    differences: tuple[SettingDifference, ...]

    @property
    def mark(self) -> str:
        """The fingerprint of the differences, which a person approves."""
        differences = [(difference.place, difference.current, difference.file) for difference in self.differences]
        return hashlib.sha256(json_text(differences).encode()).hexdigest()


class ConfigurationFile:
    """Exports the configuration as a file, and imports such a file."""

    def __init__(
        self,
        flows: Specs,
        database: Database,
        corrections: Corrections,
        rules: MappingStore,
        stored_settings: StoredSettings,
        *,
        logics: Logics,
        tables: Tables,
        names: ObjectNames,
        access: ConnectorFactory,
        flow_service: Flows,
        four_eyes: FourEyes,
        work: EngineHandle,
    ) -> None:
        self._flows = flows
        self._database = database
        self._corrections = corrections
        self._rules = rules
        self._stored_settings = stored_settings
        self._logics = logics
        self._tables = tables
        self._names = names
        self._access = access
        self._flow_service = flow_service
        self._four_eyes = four_eyes
        self._work = work

    # ---- export

    @requires(Right.ADMINISTER)
    def text(self, corrections: Collection[str] = ()) -> str:
        """Return the configuration as the text of a file, with the corrections of these flows.

        The same configuration always gives the same text.
        """
        shape = {"sluis": FORMAT, "program": VERSION, **self._current_sections(corrections)}
        return json_text(shape)

    def _current_sections(self, corrections: Collection[str]) -> dict[str, dict[str, Any]]:
        names, usual = flat(self._names.current_names()), flat(Names())
        current: dict[str, dict[str, Any]] = {
            "flows": {flow: _values(self._logics.settings(flow)) for flow in self._flows},
            "mappings": {flow: rules_to(readable_rules(self._body(flow))) for flow in self._flows},
            "tables": self._rules.tables(),
            "names": {BOOKS.system: {path: name for path, name in names.items() if name != usual[path]}},
        }
        if corrections:
            current["corrections"] = {flow: self._stored_corrections(flow) for flow in corrections}
        return current

    def _body(self, flow: str) -> dict[str, Any]:
        return (self._rules.published(flow) or (0, {}))[1]

    def _stored_corrections(self, flow: str) -> dict[str, Any]:
        corrections = self._corrections.list_corrections(flow, limit=MAX_CORRECTIONS)
        return {
            f"{correction.kind}:{correction.field}:{correction.key}": _correction_values(correction)
            for correction in corrections
        }

    # ---- import

    @requires(Right.ADMINISTER)
    def read(self, text: str) -> ParsedFile:
        """Parse and validate a file; nothing is stored. Values that a file does not name keep their current value.

        Raises ConfigurationError: `configuration_invalid` with place and reason of the first part that has the wrong
        format, `configuration_refused` with place and cause of the first value that cannot be used, and
        `configuration_too_new` for a file of a newer program.
        """
        shape = _sections(text)
        record, names = self._parse_names(shape["names"])
        flow_settings = {flow: self._settings(flow, values, names) for flow, values in shape["flows"].items()}
        mappings = {
            flow: self._mapping(flow, body, flow_settings.get(flow)) for flow, body in shape["mappings"].items()
        }
        flows = {flow: _values(settings) for flow, settings in flow_settings.items()}
        corrections = {flow: self._corrections_of(flow, entries) for flow, entries in shape["corrections"].items()}
        for name, rows in shape["tables"].items():
            self._require_rows(name, rows)
        bodies = {flow: rules_to(mapping) for flow, mapping in mappings.items()}
        differences = tuple(
            _differences(self._current_sections(corrections), {**shape, "flows": flows, "mappings": bodies})
        )
        changed_items = {(difference.section, difference.item) for difference in differences}
        configuration = Configuration(
            {f"flow:{flow}": values for flow, values in flows.items() if ("flows", flow) in changed_items}
            | (record if ("names", BOOKS.system) in changed_items else {}),
            {flow: body for flow, body in bodies.items() if ("mappings", flow) in changed_items},
            {name: rows for name, rows in shape["tables"].items() if ("tables", name) in changed_items},
            {flow: entries for flow, entries in corrections.items() if ("corrections", flow) in changed_items},
        )
        return ParsedFile(configuration, differences)

    @requires(Right.ADMINISTER)
    def of_file(self, content: bytes) -> ParsedFile:
        """Parse and validate the bytes of a file, as `read` does.

        Also raises for wrong size or encoding, and for secrets.
        """
        if len(content) > MAX_BYTES:
            raise _invalid("1:1", "reason_configuration_large", limit=str(MAX_BYTES // 1_000_000))
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _invalid("1:1", "reason_configuration_utf8") from None
        for number, line in enumerate(text.splitlines(), 1):
            if masked_text(line) != line:
                raise _invalid(f"{number}:1", "reason_configuration_secret")
        return self.read(text)

    @requires(Right.ADMINISTER)
    def take(self, content: bytes, mark: str, by: Actor, note: str) -> int:
        """Store the configuration of a file, and return the number of changed values.

        `mark` is the approved fingerprint.

        Raises the errors of `of_file`, and ConfigurationError `configuration_changed` if the differences have changed
        since.
        """
        parsed = self.of_file(content)
        if parsed.mark != mark:
            raise ConfigurationError("configuration_changed")
        self.keep(parsed, by, note)
        return len(parsed.differences)

    def _parse_names(self, names: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], Names | None]:
        """Return the setting that stores the object names of a file, and these names; nothing if the file has none."""
        if BOOKS.system not in names:
            return {}, None
        with _error_place("names", BOOKS.system):
            nested_names = self._names.merged_names(self._changed_names(names[BOOKS.system]))
            return {self._names.record: nested_names}, parse_names(nested_names)

    def _require_rows(self, name: str, rows: Mapping[str, Any]) -> None:
        with _error_place("tables", name):
            _require_texts(rows)
            self._tables.require_valid_rows(name, rows.items())

    @requires(Right.ADMINISTER)
    def keep(self, parsed: ParsedFile, by: Actor, note: str) -> None:
        """Store the configuration of a file in one transaction. `note` is stored with each new mapping.

        Raises NotAllowedError `file_change_waits` if it loosens flows that need two people for that. These changes are
        then stored as requests; once they are approved, the file can be imported.
        """
        waiting_flows = [flow for flow in self._flows if not self._may_change(flow, parsed.configuration, by)]
        if waiting_flows:
            raise NotAllowedError("file_change_waits", flow=waiting_flows[0])
        if parsed.differences:
            Kept(self._database, self._stored_settings.clock).keep(parsed.configuration, by.ref, note)
            self._access.reconnect(BOOKS.system)  # new names apply from the next call, new schedules from now on
            self._work.reschedule()

    def _may_change(self, flow: str, configuration: Configuration, by: Actor) -> bool:
        values = configuration.settings.get(f"flow:{flow}")
        if values is None:
            return True
        new_settings = self._flows[flow].settings(**values)
        return self._four_eyes.may_change(flow, self._logics.settings(flow), new_settings, by, {}, approves=False)

    def _changed_names(self, names: Mapping[str, Any]) -> dict[str, str | None]:
        """Return the changed object names, with None for a name that returns to its default."""
        _require_texts(names)
        now = flat(self._names.current_names())
        return {path: names.get(path) for path in {*now, *names} if names.get(path) != now.get(path)}

    def _mapping(self, flow: str, body: Mapping[str, Any], settings: FlowSettings | None) -> RuleMapping:
        """Return a validated mapping. Validation does not query the systems; the next run does."""
        with _error_place("mappings", self._require_flow(flow, "mappings")):
            mapping = rules_from(body)
            self._logics.unasked().trial(flow, mapping, settings=settings)
            return mapping

    def _settings(self, flow: str, values: Mapping[str, Any], names: Names | None) -> FlowSettings:
        with _error_place("flows", self._require_flow(flow, "flows")):
            settings = self._flows[flow].settings(**values)
            self._names.require_objects(self._flows[flow], settings, names)
            self._flow_service.check_codes(flow, settings)
            return settings

    def _corrections_of(self, flow: str, entries: Mapping[str, Any]) -> list[Correction]:
        self._require_flow(flow, "corrections")
        return [_correction(f"corrections.{flow}.{name}", name, entry) for name, entry in entries.items()]

    def _require_flow(self, flow: str, section: str) -> str:
        if flow not in self._flows:
            raise _invalid(f"{section}.{flow}", "reason_configuration_part", known=", ".join(self._flows))
        return flow


def _values(settings: FlowSettings) -> dict[str, Any]:
    """Return the settings of a flow that differ from their defaults."""
    return settings.model_dump(mode="json", exclude_defaults=True)


def _correction_values(correction: Correction) -> dict[str, object]:
    return {"title": correction.title, "was": to_json(correction.was), "becomes": to_json(correction.becomes)}


def _correction(place: str, name: str, entry: Any) -> Correction:
    kind, _, rest = name.partition(":")
    field, _, key = rest.partition(":")
    try:
        was, becomes = from_json(entry["was"]), from_json(entry["becomes"])
        return Correction(Kind(kind), key, field, was, becomes, str(entry.get("title", "")))
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
        raise _invalid(place, "reason_configuration_correction") from None


# ---- format of a file -----------------------------------------------------------------------------------------------


def _invalid(place: str, why: str, **facts: str) -> ConfigurationError:
    return ConfigurationError("configuration_invalid", place=place[:LONGEST_PLACE], message=why, **facts)


@contextmanager
def _error_place(section: str, item: str) -> Iterator[None]:
    """Add the place in the file to the error of a value that cannot be used."""
    try:
        yield
    except ConfigurationError as error:
        if error.code == "configuration_invalid":
            raise
        place = f"{section}.{item}"[:LONGEST_PLACE]
        raise ConfigurationError(
            "configuration_refused", **{**error.facts, "place": place, "cause": error.code}
        ) from None
    except (TypeError, ValueError):
        raise _invalid(f"{section}.{item}", "reason_configuration_shape") from None


def _sections(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the sections of a file, empty for each that the file does not have."""
    try:
        document = json.loads(text, object_pairs_hook=_unique_members, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.lineno}:{error.colno}", "reason_configuration_json") from None
    except (RecursionError, ValueError):  # ValueError: a number with more digits than Python accepts
        raise _invalid("1:1", "reason_configuration_shape") from None
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("sluis"), int)
        or isinstance(document["sluis"], bool)
    ):
        raise _invalid("sluis", "reason_configuration_format")
    if document["sluis"] > FORMAT:
        raise ConfigurationError("configuration_too_new", program=str(document.get("program", "?")))
    for name in document.keys() - {"sluis", "program", *SECTIONS}:
        raise _invalid(name, "reason_configuration_part", known=", ".join(SECTIONS))
    sections = {section: _group(section, document.get(section, {})) for section in SECTIONS}
    for item in sections["names"].keys() - {BOOKS.system}:
        raise _invalid(f"names.{item}", "reason_configuration_part", known=BOOKS.system)
    return {
        section: {item: _group(f"{section}.{item}", values) for item, values in items.items()}
        for section, items in sections.items()
    }


def _group(place: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise _invalid(place, "reason_configuration_group")
    return values


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        times = Counter(name for name, _ in pairs)
        duplicate = next(name for name in members if times[name] > 1)
        raise _invalid(duplicate, "reason_configuration_twice")
    return members


def _reject_constant(literal: str) -> None:
    """Reject values that are not valid JSON numbers, such as NaN."""
    raise _invalid("1:1", "reason_configuration_shape") from ValueError(literal)


def _require_texts(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not isinstance(value, str):
            raise _invalid(name, "reason_configuration_text")


# ---- differences ----------------------------------------------------------------------------------------------------


def _differences(current: Sections, proposed: Sections) -> Iterator[SettingDifference]:
    """Yield the changes that an import would make. Corrections of a file only add to the existing ones."""
    for section, items in proposed.items():
        for item, values in items.items():
            before, after = (
                _values_by_name(section, current.get(section, {}).get(item, {})),
                _values_by_name(section, values),
            )
            for name in sorted(before.keys() | after.keys() if section != "corrections" else after.keys()):
                if before.get(name) != after.get(name):
                    yield SettingDifference(section, item, name, before.get(name), after.get(name))


def _values_by_name(section: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values by name; for a mapping, each rule by its target, and the order of the rules."""
    if section != "mappings" or "rules" not in values:
        return values
    rules = {rule["target"]: rule for rule in values["rules"]}
    return {**{name: value for name, value in values.items() if name != "rules"}, **rules, "order": [*rules]}
