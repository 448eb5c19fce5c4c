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
MOST_BYTES = 1_000_000  # of a file
MOST_CORRECTIONS = 1_000_000
LONGEST_PLACE = 200  # characters of a place in messages: names in an invalid file may have any length

Sections = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Values by section (such as `flows`), item (such as `products`) and name."""


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """One value that a file would change: its place, and the value here and in the file. None stands for no value."""

    section: str
    item: str
    name: str
    here: Any
    file: Any

    @property
    def place(self) -> str:
        """The place of the value in the file."""
        return f"{self.section}.{self.item}.{self.name}"


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A validated file: the configuration that it would store, and the differences from the current one."""

    arranged: Configuration
    differences: tuple[SettingDifference, ...]

    @property
    def mark(self) -> str:
        """The fingerprint of the differences, which a person approves."""
        shown = [(one.place, one.here, one.file) for one in self.differences]
        return hashlib.sha256(json_text(shown).encode()).hexdigest()


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
        shape = {"sluis": FORMAT, "program": VERSION, **self._here(corrections)}
        return json_text(shape)

    def _here(self, corrections: Collection[str]) -> dict[str, dict[str, Any]]:
        named, usual = flat(self._names.in_force()), flat(Names())
        here: dict[str, dict[str, Any]] = {
            "flows": {flow: _values(self._logics.settings(flow)) for flow in self._flows},
            "mappings": {flow: rules_to(readable_rules(self._body(flow))) for flow in self._flows},
            "tables": self._rules.tables(),
            "names": {BOOKS.system: {path: name for path, name in named.items() if name != usual[path]}},
        }
        if corrections:
            here["corrections"] = {flow: self._told_corrections(flow) for flow in corrections}
        return here

    def _body(self, flow: str) -> dict[str, Any]:
        return (self._rules.published(flow) or (0, {}))[1]

    def _told_corrections(self, flow: str) -> dict[str, Any]:
        found = self._corrections.list_corrections(flow, limit=MOST_CORRECTIONS)
        return {f"{one.kind}:{one.field}:{one.key}": _told(one) for one in found}

    # ---- import

    @requires(Right.ADMINISTER)
    def read(self, text: str) -> ParsedFile:
        """Parse and validate a file; nothing is stored. Values that a file does not name keep their current value.

        Raises ConfigurationError: `arrangement_invalid` with place and reason of the first part that has the wrong
        format, `arrangement_refused` with place and cause of the first value that cannot be used, and
        `arrangement_too_new` for a file of a newer program.
        """
        shape = _sections(text)
        record, named = self._named(shape["names"])
        asked = {flow: self._settings(flow, given, named) for flow, given in shape["flows"].items()}
        mappings = {flow: self._mapping(flow, body, asked.get(flow)) for flow, body in shape["mappings"].items()}
        flows = {flow: _values(settings) for flow, settings in asked.items()}
        corrections = {flow: self._corrected(flow, given) for flow, given in shape["corrections"].items()}
        for name, rows in shape["tables"].items():
            self._expect_rows(name, rows)
        bodies = {flow: rules_to(mapping) for flow, mapping in mappings.items()}
        found = tuple(_differences(self._here(corrections), {**shape, "flows": flows, "mappings": bodies}))
        touched = {(one.section, one.item) for one in found}
        arranged = Configuration(
            {f"flow:{flow}": given for flow, given in flows.items() if ("flows", flow) in touched}
            | (record if ("names", BOOKS.system) in touched else {}),
            {flow: body for flow, body in bodies.items() if ("mappings", flow) in touched},
            {name: rows for name, rows in shape["tables"].items() if ("tables", name) in touched},
            {flow: given for flow, given in corrections.items() if ("corrections", flow) in touched},
        )
        return ParsedFile(arranged, found)

    @requires(Right.ADMINISTER)
    def of_file(self, content: bytes) -> ParsedFile:
        """Parse and validate the bytes of a file, as `read` does.

        Also raises for wrong size or encoding, and for secrets.
        """
        if len(content) > MOST_BYTES:
            raise _invalid("1:1", "reason_arrangement_large", limit=str(MOST_BYTES // 1_000_000))
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _invalid("1:1", "reason_arrangement_utf8") from None
        for number, line in enumerate(text.splitlines(), 1):
            if masked_text(line) != line:
                raise _invalid(f"{number}:1", "reason_arrangement_secret")
        return self.read(text)

    @requires(Right.ADMINISTER)
    def take(self, content: bytes, mark: str, by: Actor, note: str) -> int:
        """Store the configuration of a file, and return the number of changed values.

        `mark` is the approved fingerprint.

        Raises the errors of `of_file`, and ConfigurationError `arrangement_changed` if the differences have changed
        since.
        """
        read = self.of_file(content)
        if read.mark != mark:
            raise ConfigurationError("arrangement_changed")
        self.keep(read, by, note)
        return len(read.differences)

    def _named(self, names: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], Names | None]:
        """Return the setting that stores the object names of a file, and these names; nothing if the file has none."""
        if BOOKS.system not in names:
            return {}, None
        with _at("names", BOOKS.system):
            kept = self._names.put_together(self._renamed(names[BOOKS.system]))
            return {self._names.record: kept}, parse_names(kept)

    def _expect_rows(self, name: str, rows: Mapping[str, Any]) -> None:
        with _at("tables", name):
            _expect_texts(rows)
            self._tables.require_valid_rows(name, rows.items())

    @requires(Right.ADMINISTER)
    def keep(self, read: ParsedFile, by: Actor, note: str) -> None:
        """Store the configuration of a file in one transaction. `note` is stored with each new mapping.

        Raises NotAllowedError `file_change_waits` if it loosens flows that need two people for that. These changes are
        then stored as requests; once they are approved, the file can be imported.
        """
        waits = [flow for flow in self._flows if not self._may_keep(flow, read.arranged, by)]
        if waits:
            raise NotAllowedError("file_change_waits", flow=waits[0])
        if read.differences:
            Kept(self._database, self._stored_settings.clock).keep(read.arranged, by.ref, note)
            self._access.reconnect(BOOKS.system)  # new names apply from the next call, new schedules from now on
            self._work.reschedule()

    def _may_keep(self, flow: str, arranged: Configuration, by: Actor) -> bool:
        values = arranged.settings.get(f"flow:{flow}")
        if values is None:
            return True
        wanted = self._flows[flow].settings(**values)
        return self._four_eyes.may_change(flow, self._logics.settings(flow), wanted, by, {}, approves=False)

    def _renamed(self, given: Mapping[str, Any]) -> dict[str, str | None]:
        """Return the changed object names, with None for a name that returns to its default."""
        _expect_texts(given)
        now = flat(self._names.in_force())
        return {path: given.get(path) for path in {*now, *given} if given.get(path) != now.get(path)}

    def _mapping(self, flow: str, body: Mapping[str, Any], settings: FlowSettings | None) -> RuleMapping:
        """Return a validated mapping. Validation does not query the systems; the next run does."""
        with _at("mappings", self._known(flow, "mappings")):
            mapping = rules_from(body)
            self._logics.unasked().trial(flow, mapping, settings=settings)
            return mapping

    def _settings(self, flow: str, given: Mapping[str, Any], names: Names | None) -> FlowSettings:
        with _at("flows", self._known(flow, "flows")):
            settings = self._flows[flow].settings(**given)
            self._names.require_objects(self._flows[flow], settings, names)
            self._flow_service.check_codes(flow, settings)
            return settings

    def _corrected(self, flow: str, given: Mapping[str, Any]) -> list[Correction]:
        self._known(flow, "corrections")
        return [_correction(f"corrections.{flow}.{name}", name, one) for name, one in given.items()]

    def _known(self, flow: str, section: str) -> str:
        if flow not in self._flows:
            raise _invalid(f"{section}.{flow}", "reason_arrangement_part", known=", ".join(self._flows))
        return flow


def _values(settings: FlowSettings) -> dict[str, Any]:
    """Return the settings of a flow that differ from their defaults."""
    return settings.model_dump(mode="json", exclude_defaults=True)


def _told(one: Correction) -> dict[str, object]:
    return {"title": one.title, "was": to_json(one.was), "becomes": to_json(one.becomes)}


def _correction(place: str, name: str, given: Any) -> Correction:
    kind, _, rest = name.partition(":")
    field, _, key = rest.partition(":")
    try:
        was, becomes = from_json(given["was"]), from_json(given["becomes"])
        return Correction(Kind(kind), key, field, was, becomes, str(given.get("title", "")))
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
        raise _invalid(place, "reason_arrangement_correction") from None


# ---- format of a file -----------------------------------------------------------------------------------------------


def _invalid(place: str, why: str, **facts: str) -> ConfigurationError:
    return ConfigurationError("arrangement_invalid", place=place[:LONGEST_PLACE], message=why, **facts)


@contextmanager
def _at(section: str, item: str) -> Iterator[None]:
    """Add the place in the file to the error of a value that cannot be used."""
    try:
        yield
    except ConfigurationError as error:
        if error.code == "arrangement_invalid":
            raise
        place = f"{section}.{item}"[:LONGEST_PLACE]
        raise ConfigurationError(
            "arrangement_refused", **{**error.facts, "place": place, "cause": error.code}
        ) from None
    except (TypeError, ValueError):
        raise _invalid(f"{section}.{item}", "reason_arrangement_shape") from None


def _sections(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the sections of a file, empty for each that the file does not have."""
    try:
        told = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.lineno}:{error.colno}", "reason_arrangement_json") from None
    except (RecursionError, ValueError):  # ValueError: a number with more digits than Python accepts
        raise _invalid("1:1", "reason_arrangement_shape") from None
    if not isinstance(told, dict) or not isinstance(told.get("sluis"), int) or isinstance(told["sluis"], bool):
        raise _invalid("sluis", "reason_arrangement_format")
    if told["sluis"] > FORMAT:
        raise ConfigurationError("arrangement_too_new", program=str(told.get("program", "?")))
    for name in told.keys() - {"sluis", "program", *SECTIONS}:
        raise _invalid(name, "reason_arrangement_part", known=", ".join(SECTIONS))
    found = {section: _group(section, told.get(section, {})) for section in SECTIONS}
    for item in found["names"].keys() - {BOOKS.system}:
        raise _invalid(f"names.{item}", "reason_arrangement_part", known=BOOKS.system)
    return {
        section: {item: _group(f"{section}.{item}", values) for item, values in items.items()}
        for section, items in found.items()
    }


def _group(place: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise _invalid(place, "reason_arrangement_group")
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in found if times[name] > 1)
        raise _invalid(twice, "reason_arrangement_twice")
    return found


def _no_number(named: str) -> None:
    """Reject values that are not valid JSON numbers, such as NaN."""
    raise _invalid("1:1", "reason_arrangement_shape") from ValueError(named)


def _expect_texts(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not isinstance(value, str):
            raise _invalid(name, "reason_arrangement_text")


# ---- differences ----------------------------------------------------------------------------------------------------


def _differences(here: Sections, wanted: Sections) -> Iterator[SettingDifference]:
    """Yield what a file would change. Corrections of a file only add to the existing ones."""
    for section, items in wanted.items():
        for item, values in items.items():
            before, after = _named(section, here.get(section, {}).get(item, {})), _named(section, values)
            for name in sorted(before.keys() | after.keys() if section != "corrections" else after.keys()):
                if before.get(name) != after.get(name):
                    yield SettingDifference(section, item, name, before.get(name), after.get(name))


def _named(section: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values by name; for a mapping, each rule by its target, and the order of the rules."""
    if section != "mappings" or "rules" not in values:
        return values
    rules = {rule["target"]: rule for rule in values["rules"]}
    return {**{name: value for name, value in values.items() if name != "rules"}, **rules, "order": [*rules]}
