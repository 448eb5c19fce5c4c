"""Which records of both systems belong together, and what both last agreed on."""

from dataclasses import dataclass, field

from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.records import Kind, Record

Hashes = tuple[str, str]  # of a record of the source and of the target, as they came
NO_HASHES: Hashes = ("", "")


@dataclass(frozen=True, slots=True)
class Link:
    """The pair of keys of one record in both systems, and what both last agreed on."""

    kind: Kind
    key: str
    reference: str
    agreed: Record | None = None
    marker: str = ""
    mark: str = ""
    retired: bool = False
    unproven: bool = False  # nobody could read the record back
    owner: str = ""  # the key of the record that a part was in when both agreed on it
    hashes: Hashes = field(default=NO_HASHES, compare=False)  # of source and target as they were when they agreed
    evidence: Evidence = field(default=NO_EVIDENCE, compare=False)  # what identifies the record on either side
