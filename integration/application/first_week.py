"""The tasks of a new installation in its first week, in order of dependency."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from integration.alerts.channels import Channels
from integration.backup.service import Backups
from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.core.records import Kind
from integration.flows.registry import Specs, writer_of
from integration.services.connections.connections import Connections
from integration.services.runs.flows import Flows
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings

FIRST_WEEK_SETTING = "first_week"  # the setting that stores whether the list is hidden


@dataclass(frozen=True, slots=True)
class FirstTask:
    """One task: whether it is done, and the page where the operator does it."""

    name: str
    is_done: bool
    page: str
    params: Mapping[str, str] = field(default_factory=dict)
    recurs: bool = False  # may be due again later; does not show the list again by itself


class FirstWeek:
    """Derives from the stored data which first tasks are done. Nobody ticks anything off."""

    def __init__(
        self,
        flows: Specs,
        issues: Issues,
        links: Links,
        runs: RunStore,
        stored_settings: StoredSettings,
        channels: Channels,
        backups: Backups,
        connections: Connections,
        flow_service: Flows,
    ) -> None:
        self._flows = flows
        self._products = writer_of(flows.values(), Kind.PRODUCT).name
        self._stock = writer_of(flows.values(), Kind.STOCK).name
        self._documents = writer_of(flows.values(), Kind.SALES_ORDER).name
        self._issues = issues
        self._links = links
        self._runs = runs
        self._stored_settings = stored_settings
        self._channels = channels
        self._backups = backups
        self._connections = connections
        self._flow_service = flow_service

    @requires(Right.SEE)
    def tasks(self) -> list[FirstTask]:
        """Return all tasks in order."""
        preview = {flow: {"flow": flow} for flow in self._flows}
        repaired = self._has_written(self._documents) and not self._issues.counts().get(self._documents)
        return [
            FirstTask("connect", all(status.connected for status in self._connections.statuses()), "setup"),
            *(
                FirstTask(name, self._has_written(flow), "preview", preview[flow])
                for name, flow in (
                    ("products", self._products),
                    ("stock", self._stock),
                    ("orders", self._documents),
                )
            ),
            FirstTask("repair", repaired, "exceptions", preview[self._documents], recurs=True),
            FirstTask("on", any(map(self._flow_service.is_on, self._flows)), "flows", {"tab": "schedule"}),
            FirstTask("channel", bool(self._channels.list_channels()), "monitoring", {"tab": "channels"}),
            FirstTask("backup", self._backups.last_backup() is not None, "administration"),
        ]

    def _has_written(self, flow: str) -> bool:
        """Return True if a flow has written to the systems connected now. Links to other systems do not count."""
        linked = self._links.any(flow, *self._flows[flow].flow.linked_kinds)
        return linked and self._runs.has_committed(flow)

    @requires(Right.SEE)
    def begins_with(self) -> str:
        """Return the name of the flow of articles until it has written something, and an empty text afterwards."""
        return "" if self._has_written(self._products) else self._products

    @requires(Right.SEE)
    def visible_tasks(self) -> list[FirstTask]:
        """Return all tasks in order, or nothing once all are done or somebody hid the list."""
        hidden = (self._stored_settings.get(FIRST_WEEK_SETTING) or {}).get("hidden") is True
        tasks = [] if hidden else self.tasks()
        return [] if all(task.is_done or task.recurs for task in tasks) else tasks

    @requires(Right.ARRANGE)
    def hide(self, by: Actor) -> None:
        """Hide the list of first tasks."""
        self._stored_settings.put(FIRST_WEEK_SETTING, {"hidden": True}, by.ref)
