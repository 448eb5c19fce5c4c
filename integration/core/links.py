"""Links: pairs of records in both systems, and the values both last agreed on."""

from dataclasses import dataclass, field

from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.records import Kind, Record

Hashes = tuple[str, str]  # hashes of the raw source record and target record
NO_HASHES: Hashes = ("", "")


@dataclass(frozen=True, slots=True)
class Link:
    """The pair of keys of one record in both systems, and the values on which both last agreed."""

    kind: Kind
    key: str
    reference: str
    agreed: Record | None = None
    marker: str = ""
    mark: str = ""
    retired: bool = False
    unproven: bool = False  # the record could not be read back
    owner: str = ""  # the key of the record that contained this part when both systems agreed on it
    hashes: Hashes = field(default=NO_HASHES, compare=False)  # of source and target at the time of agreement
    evidence: Evidence = field(default=NO_EVIDENCE, compare=False)  # what identifies the record on either side
