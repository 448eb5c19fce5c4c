"""Where an installation runs: what tells a console from a copy of its data on another machine or in another folder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

CODE_LENGTH = 10
ADAPTERS = "adapters"


@dataclass(frozen=True, slots=True)
class InstallationPlace:
    """The machine, path and inode of a database file, or the server and name of a PostgreSQL database.

    `adapters` are the network adapters of the machine, with commas: they tell a clone of a virtual machine, which has
    the same id, path and inode. Adapters come and go, so they differ where none is the same. A part that cannot be read
    on this platform is left out, and a part that either place lacks is not compared.
    """

    parts: Mapping[str, str]

    @property
    def code(self) -> str:
        """A short code of this place. It tells nothing about the machine."""
        text = json.dumps(dict(self.parts), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:CODE_LENGTH]

    def changed_parts(self, other: "InstallationPlace") -> tuple[str, ...]:
        """Return the names of the parts that both places have and that differ.

        A place of a file and a place of a server have no part in common: then every part of this place differs.
        """
        common = self.parts.keys() & other.parts.keys()
        if not common:
            return tuple(sorted(self.parts))
        return tuple(sorted(name for name in common if self._differs(name, other)))

    def _differs(self, name: str, other: "InstallationPlace") -> bool:
        if name == ADAPTERS:
            return set(self.parts[name].split(",")).isdisjoint(other.parts[name].split(","))
        return self.parts[name] != other.parts[name]
