"""Documents in the books that begin as ours do, and that this console has not written."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from integration.core.records import Value
from integration.core.rules import as_text


def normalized_reference(reference: Value) -> str:
    """Return a reference as it is compared: the books may keep it in capitals, or with blanks behind it."""
    return as_text(reference).strip().casefold()


@dataclass(frozen=True, slots=True)
class ForeignDocuments:
    """References of documents that are not ours, under which prefix they stand, and one that none begins with."""

    references: tuple[str, ...] = ()
    prefix: str = ""
    free: str = ""

    def without(self, told: Collection[str]) -> Self:
        """Return those that are not among some references, as these are compared."""
        return replace(self, references=tuple(one for one in self.references if normalized_reference(one) not in told))

    def facts(self) -> Mapping[str, str]:
        """Return what their sentence says."""
        example = next(iter(self.references), "")
        return {"prefix": self.prefix, "free": self.free, "count": str(len(self.references)), "reference": example}

    def told(self) -> str:
        """Return what a plan keeps of them."""
        return json.dumps([normalized_reference(one) for one in self.references])


NO_STRANGERS = ForeignDocuments()
STRANGERS = "strangers"  # the note of a plan with those that its brake has counted


def reported_foreign(notes: Mapping[str, str]) -> frozenset[str]:
    """Return the strangers that a plan tells of, as references are compared."""
    return frozenset(json.loads(notes.get(STRANGERS, "[]")))
