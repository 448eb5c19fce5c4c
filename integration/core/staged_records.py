"""Staged records: records read for a plan, after mapping and checks."""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.issues import Issue, Skip
from integration.core.records import Record

MARK_SEPARATOR = "\n"


@dataclass(frozen=True, slots=True)
class StagedRecord:
    """A record that is read and mapped, stored until its plan line exists.

    `parent` groups records that become one target record. `number` and `mark` must be unique in the target (article
    number and EAN); an unreadable record may claim several marks, joined by `MARK_SEPARATOR`. Exactly one of `record`,
    `issue` and `skip` is set. None is set if `is_unchanged` is True: the record equals the one both systems agreed on
    and was not parsed.
    """

    key: str
    parent: str
    title: str
    number: str = ""
    mark: str = ""
    record: Record | None = None
    issue: Issue | None = None
    skip: Skip | None = None
    group: str = ""  # the source value by which people sort it
    other_inputs: str = ""  # inputs other than the source record that may differ between runs
    source_hash: str = ""  # hash of all inputs; empty if unknown
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class UnparsedRecord:
    """Data of a source record before it is parsed.

    `desired` holds the values for the lookup in the target; `number` and `other_inputs` are those of the staged record.
    """

    desired: Record
    number: str
    other_inputs: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Values that must be unique in the target but are shared, with the source keys that share them."""

    numbers: Mapping[str, tuple[str, ...]]
    marks: Mapping[str, tuple[str, ...]]
