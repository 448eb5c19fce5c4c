"""What a system must be able to do to take part in a flow."""

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from integration.core.connections import Finding, Tell, unheard
from integration.core.plan import Change
from integration.core.records import Batch, Field, Held, Kind, Record, Written


class References(Protocol):
    """Which of our keys is which reference of the target: the links, as a connector may ask them."""

    def reference(self, kind: Kind, key: str) -> str | None:
        """Return the target's reference of what we know under this key."""

    def key(self, kind: Kind, reference: str) -> str | None:
        """Return our key of what the target knows under this reference."""


class Connector(Protocol):
    """One system, spoken to in records.

    Every method may raise UnavailableError, AccessDeniedError, RejectedError or MalformedAnswerError.
    """

    in_flight: int  # how many calls the system may have at once

    def check(self, tell: Tell = unheard) -> list[Finding]:
        """Return the connection check, stopping at the first look that finds something wrong. Never raises.

        `tell` is given all lines each time one is found well; those that are still to come are not checked yet.
        """

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind as this installation has them."""

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and their captions for a question of the set-up: vat_codes, branches, ..."""

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None) -> Batch:
        """Return one page of what changed from the stamp `since` on, of everything when it is None.

        `after` is the page mark of the batch before. Repeating a page is safe.
        """

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the source's records under these keys; a key that is gone is left out."""

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what the target holds now for these records, by their keys; what it does not have is left out.

        Parts of a record that the target has in another record, or under another number than is wanted, are told in
        `Held.elsewhere`.
        """

    def shows(self, kind: Kind) -> bool:
        """Tell whether the target shows records of a kind: it has any, ours or not, or says that it has none.

        An answer that is empty for other reasons too says nothing.
        """

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Carry out one change and return the system's own reference.

        `held` is what was just looked up (None for a create). `token` is the same on every attempt. Raises
        RejectedError when the system refuses the record and InDoubtError when no usable answer came.
        """

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes: the number on the button."""

    def begin(self) -> None:
        """Take nothing for granted that earlier runs learned of how the system answers: a run begins, or goes on."""

    def close(self) -> None:
        """Close all connections."""

    def changed(self, kind: Kind, since: str, after: str | None = None) -> Batch:
        """Return one page of what changed in the target from the marker `since` on: records with key and marker.

        Of each record only the key, which is the target's own reference here, the parts' keys and the value `marker`
        are filled.
        """


@runtime_checkable
class Configurable(Connector, Protocol):
    """A system whose objects and fields have other names in every installation, and which may lack some of them."""

    def needs(self, kind: Kind, *, written: bool = False, as_invoices: bool = False) -> list[Finding]:
        """Return what a kind of record needs beyond the check: the right to its object, and its fields. Never raises.

        `written` records need the right to insert them; as trade invoices, that and the fields of another object.
        """

    def unknown(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return which of these fields records of a kind do not have, each with the name that should hold it.

        A field of ours that the settings leave without a name has "", a name that is none of ours itself.
        """

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a name for each field that has none, where a caption suggests one."""
