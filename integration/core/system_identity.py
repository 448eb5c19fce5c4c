"""Identity of an installation: tells the linked system from an older state of it and from another system."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class IdentityVerdict(StrEnum):
    """Result of comparing a system with its known identity."""

    SAME = "same"
    WENT_BACK = "went_back"  # counters are lower than before: the system was restored, or is another one
    DIFFERS = "differs"  # at least half of the identifying parts differ


@dataclass(frozen=True, slots=True)
class SystemIdentity:
    """Identifying data of an installation of a system.

    `parts` are sets of texts by name, such as the name of the licensed company or the branches with their numbers.
    `counters` only grow, such as the newest change number of articles.
    """

    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)

    def compared_with(self, known_identity: "SystemIdentity") -> IdentityVerdict:
        """Return the verdict on this identity. Parts that either side lacks are not compared.

        Branches come and go, licences are renewed, companies are renamed: a system differs only if at least half of
        the parts do.
        """
        common = [name for name in self.parts if self.parts[name] and known_identity.parts.get(name)]
        different = [name for name in common if self._part_differs(known_identity, name)]
        if different and len(different) * 2 >= len(common):
            return IdentityVerdict.DIFFERS
        return IdentityVerdict.WENT_BACK if self._lower_counters(known_identity) else IdentityVerdict.SAME

    def changed_names(self, known_identity: "SystemIdentity") -> tuple[str, ...]:
        """Return the names of the parts and counters that contradict the known identity."""
        parts = [name for name in self.parts if self._part_differs(known_identity, name)]
        return tuple(sorted([*parts, *self._lower_counters(known_identity)]))

    def merged_with(self, known_identity: "SystemIdentity") -> "SystemIdentity":
        """Return the known identity updated with this one. A missing part retains its last value."""
        parts = {**known_identity.parts, **{name: texts for name, texts in self.parts.items() if texts}}
        return SystemIdentity(parts, {**known_identity.counters, **self.counters})

    def _part_differs(self, known_identity: "SystemIdentity", name: str) -> bool:
        """Return True if less than half of the smaller set is in the other set."""
        now, before = self.parts[name], known_identity.parts.get(name, frozenset())
        return bool(now and before) and len(now & before) * 2 < min(len(now), len(before))

    def _lower_counters(self, known_identity: "SystemIdentity") -> list[str]:
        return [name for name, number in self.counters.items() if number < known_identity.counters.get(name, number)]

    def to_json(self) -> dict[str, Any]:
        """Return the identity as plain lists and numbers."""
        parts = {name: sorted(texts) for name, texts in self.parts.items()}
        return {"parts": parts, "counters": dict(self.counters)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the identity from the data of `to_json`."""
        return cls({name: frozenset(texts) for name, texts in value["parts"].items()}, dict(value["counters"]))
