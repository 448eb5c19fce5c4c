"""What a check of a connection found, line by line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a connection check: what was looked at, and how it was found; each field missing has a line.

    `ok` is None when the check stopped before it. `cause` is a code of the catalogue, `facts` fill its sentences.
    """

    name: str  # host, certificate, credentials, company, rights, fields, version
    ok: bool | None
    cause: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    about: str = ""  # what was found when it is well: a version, a company's name


Tell = Callable[[Sequence[Finding]], None]
"""Hears the lines of a check as they stand, each time one more is found."""


def unheard(_findings: Sequence[Finding]) -> None:
    """Hear a check in silence: only its end counts."""
