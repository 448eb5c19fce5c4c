"""Address changes of customers: updates debtors in the books, and decides whether goods need a delivery address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from integration.core.links import Link
from integration.core.plan import Change, Policy, Unchanged, diff
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value, merged
from integration.core.rules import EMPTY, as_text
from integration.core.staged_records import StagedRecord
from integration.core.transliteration import normalized_text
from integration.flows.orders.parties import CompletedDocument, Parties

WHERE = ("street", "postcode", "city")  # an address without one of these is incomplete
ADDRESS = (*WHERE, "country")
GUESSED = "country_guessed"  # marks a debtor whose country the till did not give; never written

# Returns debtors as the books hold them, and their links, both by key.
Ask = Callable[[Sequence[Record]], tuple[Mapping[str, CurrentRecord], Mapping[str, Link]]]


def no_debtors(_: Sequence[Record]) -> tuple[Mapping[str, CurrentRecord], Mapping[str, Link]]:
    return {}, {}


def with_changed_address(desired: Record, current: CurrentRecord | None, home: str) -> Record:
    """Return a debtor as the books should have it, with a new address only if the customer really moved.

    A different spelling does not count as a move. An incomplete address of the till leaves the address in the books
    unchanged, and a country that is only the default leaves the country unchanged.
    """
    values = {name: value for name, value in desired.values.items() if name != GUESSED}
    if current is None or isinstance(current.record, Unreadable):
        return replace(desired, values=values)
    existing = current.record.values
    is_whole = all(values.get(name) not in EMPTY for name in WHERE)
    is_guessed = desired.values.get(GUESSED) is True or not is_whole
    same_country = (as_text(existing.get("country")).strip() or home) == as_text(values.get("country")).strip()
    stays: tuple[str, ...] = ("country",) if is_guessed or same_country else ()
    if not is_whole or (stays and _is_same(values, existing)):
        stays = ADDRESS
    new_values = {name: existing.get(name) if name in stays else value for name, value in values.items()}
    return replace(desired, values={name: value for name, value in new_values.items() if value not in EMPTY})


def _is_same(address: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return all(
        normalized_text(as_text(address.get(name))) == normalized_text(as_text(other.get(name))) for name in WHERE
    )


class BilledAddresses:
    """Computes the addresses of debtors as the books will have them after a plan is written."""

    def __init__(self, parties: Parties, policy: Policy, home: str, ask: Ask) -> None:
        self._parties = parties
        self._policy = policy
        self._home = home
        self._ask = ask

    def billed(self, document: Mapping[str, CompletedDocument]) -> dict[str, CompletedDocument]:
        """Return documents with the billed debtor as the books will have it, if a delivery address depends on it.

        A fixed debtor has no address of the customer, so goods then always get a delivery address.
        """
        debtors: dict[str, Record] = {}
        staged_debtors: dict[str, StagedRecord | None] = {}
        owners = {
            key: self._parties.billed_to(completed)
            for key, completed in document.items()
            if completed.part(Kind.ADDRESS)
        }
        for key in [key for key, owner in owners.items() if owner is not None and owner.debtor]:
            staged = staged_debtors[key] = self._parties.debtor(document[key])
            if staged is not None and staged.record is not None:
                debtors[staged.parent] = staged.record
        current_debtors, links = self._ask([*debtors.values()]) if debtors else ({}, {})
        addresses = {
            key: self._values_after_write(debtor, current_debtors.get(key), links.get(key))
            for key, debtor in debtors.items()
        }

        def with_billed_address(key: str, completed: CompletedDocument) -> CompletedDocument:
            owner = owners.get(key)
            return (
                completed
                if owner is None
                else replace(completed, billed=addresses.get(owner.debtor, {}), debtor=staged_debtors.get(key))
            )

        return {key: with_billed_address(key, completed) for key, completed in document.items()}

    def _values_after_write(
        self, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Mapping[str, Value]:
        moved_debtor = with_changed_address(desired, current, self._home)
        if current is None or isinstance(current.record, Unreadable):
            return moved_debtor.values
        match diff(moved_debtor, current.record, link.agreed if link else None, self._policy, title=""):
            case Change() as change:
                return merged(current.record, change.desired).values
            case Unchanged():
                return current.record.values
        return moved_debtor.values  # a conflict about the debtor; its documents wait for the decision
