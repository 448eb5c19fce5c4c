"""What needs a person, most urgent first; both connections; and the last days as charts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from integration.core.issues import CauseGroup
from integration.core.people import Right
from integration.core.states import RunState
from integration.services import Application
from integration.services.exceptions import group_address
from integration.services.flows import FlowStatus
from integration.services.log import LogPeriod
from integration.services.reach import Stand
from integration.services.runs import Runs
from pages.components.overview.bars import flow_bars, state_bars
from pages.components.shared.application import may, may_open
from pages.components.shared.downloads import downloads
from pages.components.shared.flows import at_stake, headline, in_source, more_exceptions, repair_address, try_again
from pages.components.shared.layout import answer_or_error, badge, badge_width, naming, note, titled
from pages.components.shared.stands import since_when, stand_badge
from pages.components.shared.wording import (
    Markdown,
    capital,
    counted,
    duration,
    flow_name,
    moment,
    number,
    plain,
    say,
    short_day,
    system_name,
    text,
    who,
    zone,
)

MOST = 6


@dataclass(frozen=True, slots=True)
class Need:
    """One thing a person should look at: its state, two lines, and where the button leads."""

    state: str
    title: Markdown
    about: Markdown
    verb: Markdown
    page: str
    params: Mapping[str, str]
    again: tuple[str, str, str] | None = None  # flow, cause and field of what can be tried again

    @property
    def identity(self) -> str:
        """What tells it from the others, wherever it stands: the list changes by itself."""
        return " ".join((self.state, self.page, *self.params.values()))


@dataclass(frozen=True, slots=True)
class AttentionList:
    """What needs a person, as far as there is room for it, and how many causes there are beside."""

    shown: Sequence[Need]
    more: int


def attention_items(
    app: Application, statuses: Sequence[FlowStatus], *, goes_on: bool, plans: bool = True
) -> AttentionList:
    """Return what needs a person: dead connections, stopped runs, what is in doubt, plans, then parked by cause.

    Where a set-up `goes_on` it leads to a system that is not connected yet. Causes stand where others leave room.
    """
    connections = [status for status in app.reach.stands() if status.connected or not goes_on]
    found = [need for status in connections for need in _connection(status)]
    found += _changes(app)
    for told in (_unusable, _stopped, _held, _in_doubt, *([_waiting] if plans else [])):
        found += [need for status in statuses for need in told(app, status)]
    causes = app.exceptions.groups()
    room = max(0, MOST - len(found))
    return AttentionList([*found, *(_parked(app, group) for group in causes[:room])], len(causes[room:]))


def _connection(status: Stand) -> Iterator[Need]:
    name, step = system_name(status.system), {"step": status.system}
    if not status.connected:
        yield Need(
            "off", text("need_connect", system=name), text("need_connect_about"), text("btn_connect"), "setup", step
        )
    elif status.ok is False:
        sentences = say(status.cause, {"system": status.system, **status.facts})
        since = f"{capital(since_when(status))}."
        yield Need("failed", plain(sentences.what), f"{since} {plain(sentences.do)}", text("btn_look"), "setup", step)


def _unusable(_app: Application, status: FlowStatus) -> Iterator[Need]:
    """Tell of settings that cannot be used as they are kept: nothing of the flow begins before they are put right."""
    if (fault := status.fault) is not None:
        sentences = say(fault.code, {"flow": status.flow.name, **fault.facts})
        title = f"{flow_name(status.flow.name)}: {plain(sentences.what)}"
        params = {"flow": status.flow.name, "tab": "settings"}
        yield Need("failed", title, plain(f"{sentences.data} {sentences.do}"), text("btn_repair"), "flows", params)


def _stopped(app: Application, status: FlowStatus) -> Iterator[Need]:
    run = status.newest
    if run is None or run.state not in (RunState.FAILED, RunState.INTERRUPTED):
        return
    state = "failed" if run.state is RunState.FAILED else "interrupted"
    sentences = say(run.error, {"flow": run.flow, "run": run.id, **run.facts})
    title = f"{flow_name(run.flow)}: {plain(sentences.what)}"
    about = plain(f"{sentences.data} {sentences.do}")
    if place := repair_address(app.flows.spec(run.flow), run.error, "", run.facts):
        yield Need(state, title, about, text("btn_repair"), "flows", place)
    else:
        yield Need(state, title, about, text("btn_look"), "runs", {"run": run.id})


def _held(app: Application, status: FlowStatus) -> Iterator[Need]:
    """Tell of a run that waits for a system and goes on by itself: for what, and since when."""
    run = status.active
    if run is None or (since := app.runs.held_since(run)) is None:
        return
    sentences = say(run.error, {"flow": run.flow, "run": run.id, **run.facts})
    waits = text("run_held_since", moment=moment(since), span=duration(since))
    title = f"{flow_name(run.flow)}: {plain(sentences.what)}"
    yield Need("held", title, f"{waits} {plain(sentences.do)}", text("btn_follow"), "runs", {"run": run.id})


def _in_doubt(app: Application, status: FlowStatus) -> Iterator[Need]:
    """Tell of what was sent and not answered, while the run that sent it has not come to its end."""
    run = status.newest_in(RunState.COMMITTING, RunState.INTERRUPTED)
    if run is not None and (doubtful := app.runs.doubtful(run)):
        system = system_name(app.flows[run.flow].target)
        title = counted("need_in_doubt", doubtful, flow=flow_name(run.flow), system=system)
        about = text("need_in_doubt_about", system=system)
        yield Need("in_doubt", title, about, text("btn_follow"), "runs", {"run": run.id, "show": "in_doubt"})


def _waiting(app: Application, status: FlowStatus) -> Iterator[Need]:
    for run in status.plans:
        title = counted("need_waiting", app.plans.count(run.id, "planned"), flow=flow_name(run.flow))
        about = text("need_made", moment=moment(run.started_at))
        if len(status.plans) > 1:
            about = f"{text(f'mode_{run.mode}', system=system_name(status.flow.source))}. {about}"
        for brake in run.brakes:
            sentences = say(brake.code, {"count": str(brake.count), "limit": brake.limit})
            about = f"{text('brake_holds')}: {plain(sentences.what)} {about}"
        params = {"flow": run.flow, "plan": run.id}
        yield Need("brake" if run.brakes else "waiting", title, about, text("btn_look"), "preview", params)


def _changes(app: Application) -> Iterator[Need]:
    """Tell of changes of settings that wait for a second person."""
    for request in app.change_requests.waiting():
        title = text("need_change", flow=flow_name(request.flow))
        about = text("change_asked", name=plain(who(request.by)), time=moment(request.at), until=moment(request.until))
        page = "administration" if request.right is Right.ADMINISTER else "flows"
        yield Need("waiting", title, about, text("btn_look"), page, {"flow": request.flow})


def _parked(app: Application, group: CauseGroup) -> Need:
    title = text("need_parked", flow=flow_name(group.flow), number=number(group.count), what=headline(app, group))
    correct = in_source(app, group.flow, group.cause, group.field)
    do = plain(say(group.cause, {"system": app.flows[group.flow].target, **group.facts}).do)
    sold = f"{said}." if (said := at_stake(group)) else ""
    since = text("need_since", moment=moment(group.first_seen))
    about = " ".join(part for part in (correct or do, sold, since) if part)
    params = {"flow": group.flow, "cause": group_address(group.of)}
    again = (group.flow, group.cause, group.field)
    return Need("parked", title, about, text("btn_repair"), "exceptions", params, again)


def needs_list(app: Application, found: AttentionList) -> None:
    """Draw what needs a person as rows with one verb each, and the way to the others; O opens the first."""
    tries = may(Runs.try_again)
    wide = max((badge_width(need.state) for need in found.shown), default=0)
    with st.container(border=True, gap="xsmall", key="rows_needs"):
        for at, need in enumerate(found.shown):
            if at:
                st.divider()
            _row(app, at, need, wide, tries=tries)
    if found.more:
        more_exceptions(found.more)


def _row(app: Application, at: int, need: Need, wide: int, *, tries: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge(need.state, width=wide)
        _two_lines(need.title, need.about)
        if (
            need.again
            and tries
            and st.button(
                naming(text("btn_try_again_short"), need.title),
                key=f"again-{need.identity}",
                type="tertiary",
                help=text("try_again_about"),
            )
        ):
            try_again(app, *need.again)
        if may_open(need.page) and st.button(
            naming(need.verb, need.title), key=f"need-{need.identity}", width=132, shortcut=None if at else "O"
        ):
            st.switch_page(f"pages/{need.page}.py", query_params=dict(need.params))


def connection_rows(app: Application) -> None:
    """Draw both connections with what they are connected to, since when they answer, and how fast."""
    with st.container(border=True, gap="xsmall", key="rows_connections"):
        for place, status in enumerate(app.reach.stands()):
            if place:
                st.divider()
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                about = " · ".join(part for part in (plain(status.about), since_when(status)) if part)
                _two_lines(system_name(status.system), about)
                stand_badge(status)


def _two_lines(title: Markdown, about: Markdown) -> None:
    """Draw what a row says, as one element: a browser works on each."""
    st.markdown(f":small[**{title}**]  \n:small[:gray[{about}]]", width="stretch")


# ---- the last days --------------------------------------------------------------------------------------------------


DAYS = 14
RESULTS = ["proven", "accepted", "parked", "in_doubt"]


def last_days(app: Application) -> None:
    """Draw what the log tells of the last days, each chart with its data; a line instead while it tells nothing."""
    told = answer_or_error(lambda: daily(app))
    if told is None:
        return
    with st.grid(5, min_column_width=125) as grid:
        with grid.cell(column_span=3):
            _chart(
                "days_results",
                _wide(told, "event"),
                lambda wide: state_bars(wide, RESULTS, text("days_results")),
            )
        with grid.cell(column_span=2):
            proven = told[told["event"] == "proven"]
            names = {flow: flow_name(flow) for flow in app.flows}
            _chart(
                "days_flows",
                _wide(proven, "flow"),
                lambda wide: flow_bars(wide, names, text("days_flows")),
            )


def daily(app: Application) -> pd.DataFrame:
    """Return how many records had each result on each of the last days of whoever looks: day, flow, event, events."""
    since = _first_day()
    told = app.log.volume(LogPeriod(since))
    told = told[told["event"].isin(RESULTS)]
    here = pd.to_datetime(told["period"], utc=True).dt.tz_convert(str(zone()))
    return told.assign(day=here.dt.date).groupby(["day", "flow", "event"])["events"].sum().reset_index()


def _wide(told: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a row for each day and a column for each value of one."""
    return told.groupby(["day", column])["events"].sum().unstack()  # noqa: PD010 - a pivot_table takes the page longer


def _first_day() -> datetime:
    today = datetime.now(zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def _chart(title: str, wide: pd.DataFrame, draw: Callable[[pd.DataFrame], None]) -> None:
    with titled(text(title)):
        if len(wide):
            downloads(title, lambda: wide.fillna(0).astype(int), index=True, type="tertiary")
    with st.container(border=True):
        if len(wide):
            draw(_every_day(wide))
        else:
            note(text("days_nothing"))


def _every_day(wide: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each of the last days, also those on which nothing happened, with its label."""
    days = [(_first_day() + timedelta(days=place)).date() for place in range(DAYS)]
    noons = [datetime(day.year, day.month, day.day, 12, tzinfo=zone()) for day in days]
    return wide.reindex(days).fillna(0).assign(label=[short_day(noon) for noon in noons])
