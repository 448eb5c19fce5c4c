"""Address changes of customers: updates debtors in the books, and decides whether goods need a delivery address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from integration.core.links import Link
from integration.core.plan import Change, Policy, Unchanged, diff
from integration.core.records import Held, Kind, Record, Unreadable, Value, merged
from integration.core.rules import EMPTY, as_text
from integration.core.staged import Staged
from integration.flows.orders.parties import CompletedDocument, Parties, normalized_text

WHERE = ("street", "postcode", "city")  # an address without one of these is incomplete
ADDRESS = (*WHERE, "country")
GUESSED = "country_guessed"  # marks a debtor whose country the till did not give; never written

# Returns debtors as the books hold them, and their links, both by key.
Ask = Callable[[Sequence[Record]], tuple[Mapping[str, Held], Mapping[str, Link]]]


def no_debtors(_: Sequence[Record]) -> tuple[Mapping[str, Held], Mapping[str, Link]]:
    """Return no debtors."""
    return {}, {}


def with_moved_address(desired: Record, held: Held | None, home: str) -> Record:
    """Return a debtor as the books should have it, with a new address only if the customer really moved.

    A different spelling is no move. An incomplete address of the till leaves the address in the books unchanged, and a
    country that is only the default leaves the country unchanged.
    """
    values = {name: value for name, value in desired.values.items() if name != GUESSED}
    if held is None or isinstance(held.record, Unreadable):
        return replace(desired, values=values)
    there = held.record.values
    is_whole = all(values.get(name) not in EMPTY for name in WHERE)
    is_guessed = desired.values.get(GUESSED) is True or not is_whole
    same_country = (as_text(there.get("country")).strip() or home) == as_text(values.get("country")).strip()
    stays: tuple[str, ...] = ("country",) if is_guessed or same_country else ()
    if not is_whole or (stays and _is_same(values, there)):
        stays = ADDRESS
    left = {name: there.get(name) if name in stays else value for name, value in values.items()}
    return replace(desired, values={name: value for name, value in left.items() if value not in EMPTY})


def _is_same(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return all(normalized_text(as_text(one.get(name))) == normalized_text(as_text(other.get(name))) for name in WHERE)


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
        made: dict[str, Staged | None] = {}
        owners = {key: self._parties.billed_to(one) for key, one in document.items() if one.part(Kind.ADDRESS)}
        for key in [key for key, owner in owners.items() if owner is not None and owner.debtor]:
            staged = made[key] = self._parties.debtor(document[key])
            if staged is not None and staged.record is not None:
                debtors[staged.parent] = staged.record
        held, links = self._ask([*debtors.values()]) if debtors else ({}, {})
        there = {key: self._becomes(one, held.get(key), links.get(key)) for key, one in debtors.items()}

        def known(key: str, one: CompletedDocument) -> CompletedDocument:
            owner = owners.get(key)
            return one if owner is None else replace(one, billed=there.get(owner.debtor, {}), debtor=made.get(key))

        return {key: known(key, one) for key, one in document.items()}

    def _becomes(self, desired: Record, held: Held | None, link: Link | None) -> Mapping[str, Value]:
        wanted = with_moved_address(desired, held, self._home)
        if held is None or isinstance(held.record, Unreadable):
            return wanted.values
        match diff(wanted, held.record, link.agreed if link else None, self._policy, title=""):
            case Change() as change:
                return merged(held.record, change.wanted).values
            case Unchanged():
                return held.record.values
        return wanted.values  # a conflict about the debtor; its documents wait for the decision
