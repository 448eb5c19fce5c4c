"""What pages and terminal may ask. Each service is one idea; none of them knows how it is shown."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from integration.services.access import Access
from integration.services.connections import Connections
from integration.services.corrections import Corrections
from integration.services.drafts import Drafts
from integration.services.exceptions import Exceptions
from integration.services.flows import Flows
from integration.services.lists import Lists
from integration.services.log import Log
from integration.services.log_access import LogAccess
from integration.services.mappings import Mappings
from integration.services.metrics import Metrics
from integration.services.names import Naming
from integration.services.plans import Plans
from integration.services.proposals import Proposals
from integration.services.questions import Questions
from integration.services.records import Records
from integration.services.runs import Runs
from integration.services.sandbox import BuiltIn
from integration.services.setup import SetUp
from integration.services.stock import Stock
from integration.services.tables import ValueTables
from integration.services.work import Work
from integration.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Application:
    """Everything the console does, by what is asked for. Pages show what it answers and decide nothing."""

    settings: Settings
    access: Access
    connections: Connections
    corrections: Corrections
    drafts: Drafts
    exceptions: Exceptions
    flows: Flows
    lists: Lists
    log: Log
    log_access: LogAccess
    mappings: Mappings
    metrics: Metrics
    names: Naming
    plans: Plans
    proposals: Proposals
    questions: Questions
    records: Records
    runs: Runs
    sandbox: BuiltIn
    setup: SetUp
    stock: Stock
    tables: ValueTables
    work: Work
    closing: ExitStack

    def start(self) -> Self:
        """Start the built-in systems where they are connected, the engine, and what fills the log."""
        self.connections.join_sandbox()
        self.work.start()
        self.log.start()
        self.closing.callback(self.log.stop)
        self.closing.callback(self.log_access.close)
        return self

    def close(self) -> None:
        """Stop everything; runs under way are taken up again at the next start."""
        self.closing.close()
