"""All that is kept in one operational database."""

from dataclasses import dataclass

from integration.core.flow import Mirrors
from integration.store.choices import Choices
from integration.store.claims import Claims
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.database import Clock, Database
from integration.store.events import Events
from integration.store.heartbeats import Heartbeats
from integration.store.issues import Issues
from integration.store.leases import Leases
from integration.store.ledger import Ledger
from integration.store.links import NO_MIRRORS, Links
from integration.store.plans import Plans
from integration.store.previews import Previews
from integration.store.rules import Rules
from integration.store.runs import Runs
from integration.store.settings import StoredSettings


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one database, each for one idea."""

    database: Database
    choices: Choices
    claims: Claims
    corrections: Corrections
    cursors: Cursors
    events: Events
    heartbeats: Heartbeats
    issues: Issues
    leases: Leases
    ledger: Ledger
    links: Links
    plans: Plans
    previews: Previews
    rules: Rules
    runs: Runs
    settings: StoredSettings


def stores_of(database: Database, clock: Clock, mirrors: Mirrors = NO_MIRRORS) -> Stores:
    """Return the stores of an open database, which whoever opened it closes."""
    return Stores(
        database,
        Choices(database, clock),
        Claims(database, clock),
        Corrections(database, clock),
        Cursors(database, clock),
        Events(database, clock),
        Heartbeats(database, clock),
        Issues(database, clock),
        Leases(database, clock),
        Ledger(database, clock, mirrors=mirrors),
        Links(database, clock, mirrors=mirrors),
        Plans(database),
        Previews(database, clock, mirrors=mirrors),
        Rules(database, clock),
        Runs(database, clock),
        StoredSettings(database, clock),
    )
