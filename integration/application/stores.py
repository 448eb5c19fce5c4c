"""All stores of the operational database."""

from dataclasses import dataclass
from pathlib import Path

from integration.accounts.store.change_requests import ChangeRequestStore
from integration.accounts.store.first_approvals import FirstApprovalStore
from integration.accounts.store.people import PeopleStore
from integration.alerts.store.deliveries import DeliveryStore
from integration.alerts.store.incidents import IncidentStore
from integration.core.flow import Mirrors
from integration.erasure.store import PersonalDataSearch
from integration.retention.store.rows import RetentionStore
from integration.store.audit import AuditStore
from integration.store.booking_states import BookingStateStore
from integration.store.choices import ChoiceStore
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.customer_merges import CustomerMergeStore
from integration.store.database import Clock, Database
from integration.store.days import DayChecks
from integration.store.drift import DriftStore
from integration.store.erasure_register import ErasureRegister
from integration.store.fencing_tokens import FencingTokens
from integration.store.heartbeats import Heartbeats
from integration.store.installation import InstallationStore
from integration.store.issues import Issues
from integration.store.leases import Leases
from integration.store.ledger import Ledger
from integration.store.links import NO_MIRRORS, Links
from integration.store.movements import MovementStore
from integration.store.notes import NoteStore
from integration.store.outbox_reader import OutboxReader
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.rules import MappingStore
from integration.store.runs import RunStore
from integration.store.saved_filters import SavedFilterStore
from integration.store.settings import StoredSettings


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one database, one per subject."""

    database: Database
    audit: AuditStore
    change_requests: ChangeRequestStore
    choices: ChoiceStore
    fencing_tokens: FencingTokens
    corrections: Corrections
    cursors: Cursors
    customer_merges: CustomerMergeStore
    days: DayChecks
    deliveries: DeliveryStore
    drifts: DriftStore
    incidents: IncidentStore
    erasure_register: ErasureRegister
    personal_data_search: PersonalDataSearch
    events: OutboxReader
    heartbeats: Heartbeats
    installation: InstallationStore
    issues: Issues
    leases: Leases
    ledger: Ledger
    links: Links
    movements: MovementStore
    notes: NoteStore
    people: PeopleStore
    plans: PlanStore
    previews: Previews
    retained: RetentionStore
    rules: MappingStore
    runs: RunStore
    saved_filters: SavedFilterStore
    settings: StoredSettings
    booking_states: BookingStateStore
    first_approvals: FirstApprovalStore


def stores_of(database: Database, clock: Clock, mirrors: Mirrors = NO_MIRRORS, *, erased: Path | None = None) -> Stores:
    """Return the stores of an open database. The caller closes the database.

    `erased` is the file of the erasure register, for callers that write it.
    """
    return Stores(
        database,
        AuditStore(database, clock),
        ChangeRequestStore(database, clock),
        ChoiceStore(database, clock),
        FencingTokens(database, clock),
        Corrections(database, clock),
        Cursors(database, clock),
        CustomerMergeStore(database, clock),
        DayChecks(database, clock),
        DeliveryStore(database, clock),
        DriftStore(database, clock),
        IncidentStore(database, clock),
        ErasureRegister(database, clock, erased),
        PersonalDataSearch(database, clock),
        OutboxReader(database, clock),
        Heartbeats(database, clock),
        InstallationStore(database, clock),
        Issues(database, clock),
        Leases(database, clock),
        Ledger(database, clock, mirrors=mirrors),
        Links(database, clock, mirrors=mirrors),
        MovementStore(database, clock),
        NoteStore(database, clock),
        PeopleStore(database, clock),
        PlanStore(database),
        Previews(database, clock, mirrors=mirrors),
        RetentionStore(database, clock),
        MappingStore(database, clock),
        RunStore(database, clock),
        SavedFilterStore(database, clock),
        StoredSettings(database, clock),
        BookingStateStore(database),
        FirstApprovalStore(database, clock),
    )
