"""What every part of the till shares during one call: the interface, the clock, and what is wrong today."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from integration.sandbox.mplus.contract import ZONE, Contract
from integration.sandbox.mplus.conventions import TillConventions
from integration.sandbox.mplus.fields import Fields

Handler = Callable[[Fields], Fields]


class Desk:
    """The moment and the mood of the call that is being carried out."""

    def __init__(self, contract: Contract, conventions: TillConventions, seed: int) -> None:
        self.contract = contract
        self.conventions = conventions
        self.now = datetime(2000, 1, 1, tzinfo=UTC)
        self.late = 0.0
        self.wrong = False
        self._seed = seed
        self._made: Counter[str] = Counter()

    @property
    def today(self) -> date:
        """The day at the installation."""
        return self.now.astimezone(ZONE).date()

    def new_id(self, kind: str) -> str:
        """The next id of a kind; the same sequence after every start."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}:{kind}:{self.count(kind)}"))

    def count(self, kind: str) -> int:
        """The next number of a kind, from 1."""
        self._made[kind] += 1
        return self._made[kind]

    def build(self, type_: str, values: Mapping[str, object]) -> Fields:
        """Fields of a type, from plain values."""
        return self.contract.build(type_, values)
