"""Documents in the books that have our prefix but were not written by this console."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from integration.core.records import Value
from integration.core.rules import as_text


def normalized_reference(reference: Value) -> str:
    """Return a reference in comparable form: the books may store it in capitals or with trailing spaces."""
    return as_text(reference).strip().casefold()


@dataclass(frozen=True, slots=True)
class ForeignDocuments:
    """References of foreign documents, the prefix they share with ours, and a prefix that is still unused."""

    references: tuple[str, ...] = ()
    prefix: str = ""
    free: str = ""

    def excluding(self, references: Collection[str]) -> Self:
        """Return a copy without the given normalized references."""
        return replace(
            self,
            references=tuple(
                reference for reference in self.references if normalized_reference(reference) not in references
            ),
        )

    def facts(self) -> Mapping[str, str]:
        """Return the facts for the sentence about them."""
        example = next(iter(self.references), "")
        return {"prefix": self.prefix, "free": self.free, "count": str(len(self.references)), "reference": example}

    def to_note(self) -> str:
        """Return the normalized references as the text that a plan stores."""
        return json.dumps([normalized_reference(reference) for reference in self.references])


NO_FOREIGN_DOCUMENTS = ForeignDocuments()
FOREIGN_DOCUMENTS_NOTE = "foreign_documents"  # name of the plan note with the foreign documents that its brake counted


def reported_foreign(notes: Mapping[str, str]) -> frozenset[str]:
    """Return the normalized references of the foreign documents that a plan reported."""
    return frozenset(json.loads(notes.get(FOREIGN_DOCUMENTS_NOTE, "[]")))
