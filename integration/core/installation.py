"""Identifies the place of an installation, to detect a copy of its data on another machine or in another folder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

CODE_LENGTH = 10
ADAPTERS = "adapters"


@dataclass(frozen=True, slots=True)
class InstallationPlace:
    """The machine, path and inode of a database file, or the server and name of a PostgreSQL database.

    `adapters` are the network adapters of the machine, separated by commas. They reveal a clone of a virtual machine,
    which has the same machine id, path and inode. Adapters may change, so two places differ only if they share no
    adapter. A part that this platform cannot read is omitted. A part that one of the places lacks is not compared.
    """

    parts: Mapping[str, str]

    @property
    def code(self) -> str:
        """A short code of this place. It reveals nothing about the machine."""
        text = json.dumps(dict(self.parts), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:CODE_LENGTH]

    def changed_parts(self, other: "InstallationPlace") -> tuple[str, ...]:
        """Return the names of the common parts that differ.

        The place of a file and the place of a server have no common parts. All parts of this place then count as
        different.
        """
        common = self.parts.keys() & other.parts.keys()
        if not common:
            return tuple(sorted(self.parts))
        return tuple(sorted(name for name in common if self._differs(name, other)))

    def _differs(self, name: str, other: "InstallationPlace") -> bool:
        if name == ADAPTERS:
            return set(self.parts[name].split(",")).isdisjoint(other.parts[name].split(","))
        return self.parts[name] != other.parts[name]
