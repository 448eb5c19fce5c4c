"""What was read for a plan, mapped and checked record by record."""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.issues import Issue, Skip
from integration.core.records import Record


@dataclass(frozen=True, slots=True)
class Staged:
    """One record as read and mapped, kept until its plan line is made.

    `parent` groups what becomes one record of the target; `number` and `mark` are what must be unique in the target
    (article number and EAN). Exactly one of `record`, `issue` and `skip` is filled; none of what is the `same` as when
    both systems agreed, of which nothing was read.
    """

    key: str
    parent: str
    title: str
    number: str = ""
    mark: str = ""
    record: Record | None = None
    issue: Issue | None = None
    skip: Skip | None = None
    group: str = ""  # what people sort it by, as the source has it
    beside: str = ""  # what it was made of beside the record read, as far as that may differ from run to run
    source_hash: str = ""  # of all it was made of; empty where that is not known
    same: bool = False


@dataclass(frozen=True, slots=True)
class Unstaged:
    """What is known of a record before it is read.

    `wanted` has what it is looked up by in the target; `number` and `beside` are those that it would be staged with.
    """

    wanted: Record
    number: str
    beside: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Values that must be unique in the target and are not, with the keys of the records read that share them."""

    numbers: Mapping[str, tuple[str, ...]]
    marks: Mapping[str, tuple[str, ...]]
