"""Runs the trials of a series in parallel, and combines their results."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from shutil import rmtree
from threading import Event, Lock, RLock

from integration.core.errors import IntegrationError
from integration.flows.booked_payments import PAYMENTS
from integration.flows.registry import FLOWS
from integration.lab.fixture import SQLITE, Fixture, Fixtures, can_mount, unmount_disks
from integration.lab.report import (
    Harm,
    HazardLine,
    OperatorSettings,
    Report,
    Series,
    State,
    Violation,
    address_without_login,
    keep_report,
)
from integration.lab.schedule import ON_A_FILE, Calls, FaultSchedule, Hazard, schedule
from integration.lab.trial import Baseline, LabTrial, TrialResult
from integration.shipped import COMMAND

STARTS_FROM = {"stock": "products", "orders": "products", PAYMENTS: "orders"}  # flow whose result a flow starts from
TRIALS = "trials"


class SeriesRunner:
    """Runs a series and stores its progress in a file."""

    def __init__(self, folder: Path, series: Series, own_settings: OperatorSettings) -> None:
        self.folder = folder
        self.series = series
        self._further = own_settings.further
        self._as_shipped = own_settings.further and not any(own_settings.settings.values())
        self.hazards = tuple(Hazard(name) for name in series.hazards) or tuple(Hazard)
        unmount_disks(folder / TRIALS)  # left by a series that was killed
        rmtree(folder / TRIALS, ignore_errors=True)
        self.given_up = Event()
        self.fixtures = Fixtures(folder / TRIALS, own_settings)
        self._baselines: dict[tuple[str, int, int], Baseline | None] = {}
        self._error: IntegrationError | None = None
        self._numbers = count(1)
        self._baseline_lock = RLock()
        self._report_lock = Lock()
        self._started_at = datetime.now(UTC)
        self._results: list[TrialResult] = []
        self._idle_flows: set[str] = set()
        self._unavailable_hazards = self._find_unavailable_hazards()

    def run(self) -> Report:
        """Run all trials and return the report."""
        self.store_progress()
        side_by_side = ThreadPoolExecutor(self.series.at_once)
        try:
            seeds = range(self.series.seed, self.series.seed + self.series.trials)
            for task in as_completed([side_by_side.submit(self._trial, seed) for seed in seeds]):
                result = task.result()
                if result is not None:
                    self._results.append(result)
                self.store_progress()
        finally:
            self.given_up.set()
            side_by_side.shutdown(cancel_futures=True)
            self.fixtures.close()
            for name in ("empty-till", "baseline"):  # folders of failed trials stay for analysis
                for fixture in (self.folder / TRIALS).glob(f"{name}-*"):
                    rmtree(fixture, ignore_errors=True)
        if not self._results:
            raise self._error or IntegrationError("lab_nothing_to_write")
        return self.store_progress(state="done")

    def store_progress(self, state: State = "running") -> Report:
        """Store the progress in the report file, and return the report."""
        with self._report_lock:
            report = replace(self._report(), state=state)
            keep_report(report, self.folder)
        return report

    # ---- one trial

    def _trial(self, seed: int) -> TrialResult | None:
        series = self.series
        return self.trial(schedule(seed, series.flows, series.databases, self.hazards, self._calls, self._ways))

    def trial(self, fault_schedule: FaultSchedule) -> TrialResult | None:
        """Run one trial; return None if its flow has nothing to write."""
        baseline = self.baseline(fault_schedule.flow, fault_schedule.shop, fault_schedule.way)
        if baseline is None or not baseline.calls.writes:
            return None
        own_disk = Hazard.FULL_DISK in fault_schedule.hazards
        with self.fixtures.place(
            f"trial-{fault_schedule.seed}",
            self._fixture(fault_schedule.flow, fault_schedule.shop, fault_schedule.database, fault_schedule.way),
            fault_schedule.database,
            own_disk=own_disk,
        ) as place:
            result = LabTrial(place, fault_schedule, self.given_up, further=self._further).run(baseline)
        self.fixtures.drop(place.url)
        if result.harm.is_none:
            rmtree(place.folder, ignore_errors=True)
        return result

    def _ways(self, flow: str) -> int:
        return max(1, len(FLOWS[flow].lab_variants)) if self._as_shipped else 1

    def _calls(self, flow: str, shop: int, way: int) -> Calls:
        baseline = self.baseline(flow, shop, way)
        return baseline.calls if baseline else Calls(0, 0)

    def baseline(self, flow: str, shop: int, way: int = 0) -> Baseline | None:
        """Return the baseline of a flow with a variant of settings in a shop; None if the flow cannot run.

        The database makes no difference to it.
        """
        with self._baseline_lock:
            if (flow, shop, way) not in self._baselines:
                try:
                    self._baselines[flow, shop, way] = self._baseline(flow, shop, SQLITE, way)
                except IntegrationError as error:
                    self._baselines[flow, shop, way] = None
                    self._error = error
                baseline = self._baselines[flow, shop, way]
                if baseline is None or not baseline.calls.writes:
                    self._idle_flows.add(flow)
            return self._baselines[flow, shop, way]

    def _baseline(self, flow: str, shop: int, server: str, way: int = 0) -> Baseline:
        name = f"baseline-{flow}-{shop}-{next(self._numbers)}"
        with self.fixtures.place(name, self._fixture(flow, shop, server, way), server) as place:
            baseline = LabTrial(
                place, FaultSchedule(0, flow, server, shop), self.given_up, further=self._further
            ).baseline()
        if flow in STARTS_FROM.values() and not way:
            self.fixtures.keep((server, shop, flow), place)
        else:
            self.fixtures.drop(place.url)
        return baseline

    def _fixture(self, flow: str, shop: int, server: str, way: int) -> Fixture:
        """Return the fixture from which trials of a flow start, with its variant of settings."""
        with self._baseline_lock:
            fixture = self._first_fixture(flow, shop, server)
            return self.fixtures.fixture_with_variant(fixture, flow, way, shop, server) if way else fixture

    def _first_fixture(self, flow: str, shop: int, server: str) -> Fixture:
        earlier = STARTS_FROM.get(flow)
        if earlier is None:
            return self.fixtures.fixture_with_empty_till(server)
        with self._baseline_lock:
            key = (server, shop, earlier)
            if self.fixtures.find_fixture(key) is None:
                if server == SQLITE:
                    self.baseline(earlier, shop)
                else:
                    self._baseline(earlier, shop, server)
            fixture = self.fixtures.find_fixture(key) or self.fixtures.fixture_with_empty_till(server)
            return self.fixtures.fixture_with_receipts(fixture, shop, server) if flow == PAYMENTS else fixture

    # ---- the report

    def _find_unavailable_hazards(self) -> dict[Hazard, str]:
        """Return the hazards that cannot take effect here, each with the key of the reason."""
        reasons = {}
        if Hazard.FULL_DISK in self.hazards and not can_mount(self.folder):
            reasons[Hazard.FULL_DISK] = "lab_no_disk_of_its_own"
        if SQLITE not in self.series.databases:
            reasons |= dict.fromkeys(ON_A_FILE & set(self.hazards), "lab_of_the_server")
        return reasons

    def _report(self) -> Report:
        results = list(self._results)
        seconds = sum(result.seconds for result in results) / len(results) if results else 0.0
        return Report(
            self.series.without_secrets(), self._started_at, done_count=len(results), seconds=round(seconds, 1),
            lines=tuple(self._line(hazard, results) for hazard in self.hazards),
            violations=tuple(
                self._violation(result)
                for result in sorted(results, key=lambda result: result.schedule.seed)
                if not result.harm.is_none
            ),
            idle=tuple(sorted(self._idle_flows)),
        )  # fmt: skip

    def _line(self, hazard: Hazard, results: Sequence[TrialResult]) -> HazardLine:
        met = [result for result in results if hazard in result.schedule.hazards]
        harm = sum((result.harm for result in met), Harm())
        return HazardLine(
            hazard,
            len(met),
            sum(result.triggered[hazard] for result in met),
            harm,
            self._unavailable_hazards.get(hazard, ""),
        )

    def _violation(self, result: TrialResult) -> Violation:
        fault_schedule = result.schedule
        return Violation(
            fault_schedule.seed,
            fault_schedule.flow,
            address_without_login(fault_schedule.database),
            tuple(fault_schedule.hazards),
            result.harm,
            tuple(result.messages),
            self._command(fault_schedule.seed),
        )

    def _command(self, seed: int) -> str:
        """Return the command that repeats a trial."""
        series = self.series
        options = {
            "flow": series.flows if len(series.flows) == 1 else (),
            "hazard": series.hazards,
            "database": [
                address_without_login(address) for address in series.databases if series.databases != (SQLITE,)
            ],
        }
        arguments = " ".join(f"--{name} {value}" for name, values in options.items() for value in values)
        mapping = "" if series.mapping == "own" else f" --mapping {series.mapping}"
        return f"{COMMAND} lab --trials 1 --seed {seed}{mapping}{arguments and f' {arguments}'}"
