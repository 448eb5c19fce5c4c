"""Issues: one reason why one record waits for a person. A value, never an exception."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """Why a record is parked.

    `cause` is a code of the catalogue, `facts` fill its sentences (texts, already without secrets). The same trouble
    tomorrow is the same issue: it is known by flow, key, cause and field.
    """

    cause: str
    key: str
    field: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a record takes no part: nobody has to act, but nobody has to wonder either."""

    reason: str
    key: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
