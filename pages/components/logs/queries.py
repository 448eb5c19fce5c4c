"""SQL queries over the log: saved queries, an editor, the list of tables, and the answer as table or chart."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.services.log.log_access import LogAccess
from integration.services.table_export import TableExport
from integration.words import has_term
from pages.components.logs.page_links import LEADING, cell_link, open_link
from pages.components.shared.application import colour_sql, may, person, refreshing
from pages.components.shared.charts import answer_chart
from pages.components.shared.downloads import downloads
from pages.components.shared.layout import (
    FIFTH,
    choice,
    clear_address,
    control_value,
    empty,
    failures,
    note,
    section,
    show_error,
)
from pages.components.shared.tables import pick_cell
from pages.components.shared.wording import Markdown, coded, number, option_name, quantity_text, span, term, text

SECONDS = 2
SHORTEST = 0.1
MAX_ROWS = 10_000
FRESH_SECONDS = 240  # the download token of a link is valid for five minutes
KINDS = ("bar", "line", "scatter")
MAX_SERIES = 8
OWN = "own:"

Kind = Literal["bar", "line", "scatter"]


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """The answer of the log to a query with its duration. Without a frame, `error` says why."""

    sql: str
    frame: pd.DataFrame | None
    seconds: float
    error: IntegrationError | None = None


def queries(app: Application, _tools: DeltaGenerator) -> None:
    """Draw the query editor and its answer. The log is opened read-only, within limits on time and rows.

    Only a query that a person starts here is run. A query in the address only fills the editor.
    """
    saved_queries = _saved_queries(app)
    with st.grid(5, min_column_width=FIFTH) as grid:
        with grid.cell(column_span=3):
            _query_choice(saved_queries)
            _editor(app, saved_queries)
        with grid.cell(column_span=2), st.container(border=True, gap="xsmall", key="query_tables"):
            _tables(app)
        with grid.cell(column_span=5):  # on a screen with one column, the answer is above the tables
            failures()
            _answer(app, saved_queries)


def _answer(app: Application, saved_queries: Mapping[str, tuple[str, str]]) -> None:
    """Run the query that was just started, and draw the answer if it belongs to the query in the address."""
    sql = st.session_state.pop("query_asked", None)
    if sql is not None:
        st.session_state["answer"] = _run_query(app, sql)
    answer: ShownAnswer | None = st.session_state.get("answer")
    if answer is None or answer.sql != _address_sql(saved_queries):
        return  # the page shows another query by now
    if answer.frame is not None:
        _draw_answer(app, answer, answer.frame)
    elif answer.error is not None:
        show_error(answer.error.code, answer.error.facts)


# ---- the editor -----------------------------------------------------------------------------------------------------


def _saved_queries(app: Application) -> dict[str, tuple[str, str]]:
    """Return title and SQL of the saved queries by name. Those that people saved have the prefix `own:`."""
    shipped = {name: (text(f"query_title_{name}"), sql) for name, sql in app.saved_queries.shipped().items()}
    saved = {
        OWN + saved_query.name: (text("query_own", name=saved_query.name), saved_query.sql)
        for saved_query in app.saved_queries.saved()
    }
    return {**saved, **shipped}


def _query_choice(saved_queries: Mapping[str, tuple[str, str]]) -> None:
    """Draw the choice of a saved query. Choosing one puts it into the editor and runs it."""

    def take() -> None:
        chosen = control_value("query_name")
        if chosen:
            clear_address("query", "x", "y")
            st.query_params["query_name"] = chosen
            st.session_state["query_asked"] = saved_queries[chosen][1]

    names, query_key = list(saved_queries), st.query_params.get("query_name", "")
    st.selectbox(
        text("query_saved"),
        names,
        index=names.index(query_key) if query_key in saved_queries else None,
        key="_query_name",
        on_change=take,
        format_func=option_name(lambda name: saved_queries[name][0]),
        placeholder=text("query_saved_choose"),
    )


def _address_sql(saved_queries: Mapping[str, tuple[str, str]]) -> str:
    """Return the SQL in the address: the typed query, otherwise the saved query that is named."""
    saved_query = saved_queries.get(st.query_params.get("query_name", ""))
    return st.query_params.get("query", "") or (saved_query[1] if saved_query else term("query_first"))


def _editor(app: Application, saved_queries: Mapping[str, tuple[str, str]]) -> None:
    """Draw the editor with the query of the address. Its button runs the query."""

    def ask() -> None:
        sql, chosen = st.session_state["sql"], st.query_params.get("query_name", "")
        if not sql.strip():
            return
        st.session_state["query_asked"] = sql
        clear_address("query")
        if chosen not in saved_queries or sql != saved_queries[chosen][1]:
            st.query_params["query"] = sql
            if not chosen.startswith(OWN):
                clear_address("query_name")

    address_sql = _address_sql(saved_queries)
    if "sql" not in st.session_state or st.session_state.get("sql_of") != address_sql:  # page reopened, or new address
        st.session_state.update(sql=address_sql, sql_of=address_sql)
    with st.form("query", border=False):
        sql = st.text_area(text("query_sql"), height=220, key="sql")
        st.form_submit_button(
            text("btn_run_query"),
            icon=":material/play_arrow:",
            type="primary",
            key="run_query",
            on_click=ask,
        )
    colour_sql()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _save(app, sql, saved_queries)
        with st.container(width="stretch"):
            note(text("query_limits", seconds=SECONDS, rows=number(MAX_ROWS)))


def _save(app: Application, sql: str, saved_queries: Mapping[str, tuple[str, str]]) -> None:
    """Draw the form that saves a query for everybody, and the button that removes one."""
    chosen = st.query_params.get("query_name", "")
    own = chosen.removeprefix(OWN) if chosen.startswith(OWN) and chosen in saved_queries else ""
    with st.popover(text("btn_name_query"), icon=":material/bookmark_add:"):
        name = st.text_input(text("query_name"), own, key="new_query_name", max_chars=80)
        replaced = OWN + " ".join(name.split()) in saved_queries
        note(text("query_replaces" if replaced else "query_shared"))
        label = text("btn_replace_query" if replaced else "btn_save_query")
        if st.button(label, key="save_query", disabled=not name.strip() or not sql.strip()):
            saved_query = app.saved_queries.save(name, sql, person())
            clear_address("query_name", "query")
            st.query_params["query_name"] = OWN + saved_query.name
            st.rerun()
    if own and st.button(text("btn_remove_query"), icon=":material/delete:", type="tertiary", key="remove_query"):
        app.saved_queries.remove(own, person())
        clear_address("query_name")
        st.query_params["query"] = sql
        st.rerun()


def _tables(app: Application) -> None:
    """Draw the tables and views with a sentence and their columns, and the download of the whole log."""
    st.markdown(f":small[**{text('query_tables')}**]")
    with st.container(gap="xsmall"):
        for name, columns in app.log.tables().items():
            if has_term(f"log_table_{name}"):  # other views only serve these
                note(f"{coded(name)} {text(f'log_table_{name}')}")
                note(" ".join(map(coded, columns)))
        note(f"`ago(30)` {text('log_macro_ago')}")
    if may(LogAccess.exported):
        st.markdown(f":small[**{text('log_whole')}**]")
        _log_links(app)


@refreshing(FRESH_SECONDS)
def _log_links(app: Application) -> None:
    """Draw the links to the whole log. Each has a download token for one use, renewed before it expires."""
    with st.container(horizontal=True, gap="xsmall"):
        for name in ("csv", "parquet"):
            st.link_button(
                text(f"btn_whole_{name}"),
                f"/api/log/log.{name}?ticket={app.log_access.download_token(person())}",
                icon=":material/download:",
                type="tertiary",
                key=f"whole_{name}",
                on_click="rerun",
            )


# ---- the answer -----------------------------------------------------------------------------------------------------


def _run_query(app: Application, sql: str) -> ShownAnswer:
    begun = time.monotonic()
    try:
        frame = app.log.ask(sql, seconds=SECONDS, rows=MAX_ROWS)
    except IntegrationError as error:
        return ShownAnswer(sql, None, time.monotonic() - begun, error)
    return ShownAnswer(sql, frame, time.monotonic() - begun)


def _draw_answer(app: Application, answer: ShownAnswer, frame: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            section(text("answer_title"))
            note(f"{quantity_text('count_row', len(frame))} · {span(max(SHORTEST, answer.seconds))}")
        show = choice("show", ("table", "chart"), "table", lambda name: text(f"answer_{name}"))
        downloads("answer", lambda: frame)
        if may(TableExport.for_programs):
            st.download_button(
                text("btn_parquet"),
                data=lambda: app.table_export.for_programs("answer.parquet", frame.to_parquet(index=False)),
                file_name="answer.parquet",
                on_click="ignore",
                icon=":material/download:",
                mime="application/vnd.apache.parquet",
            )
    if frame.attrs.get("cut"):
        note(f":orange[:material/content_cut: {text('answer_cut', rows=number(MAX_ROWS))}]")
    if frame.empty:
        empty("search_off", text("answer_empty"), text("answer_empty_about"))
    elif show == "chart":
        _chart(frame)
    else:
        _answer_table(app, answer.sql, frame)


def _answer_table(app: Application, sql: str, frame: pd.DataFrame) -> None:
    """Draw an answer as a table. A click on a run, record or cause opens it."""
    clicked = pick_cell(frame, f"answer-{hash(sql)}", text("answer_title"))
    if any(name in LEADING for name in frame.columns):
        note(text("answer_leads"))
    if clicked is None:
        return
    at, column = clicked
    row = {str(name): value for name, value in frame.iloc[at].items()}
    if (place := cell_link(app, column, row)) is not None:
        open_link(place)


def _chart(frame: pd.DataFrame) -> None:
    """Draw an answer as a chart: by default the first numeric column over the first column that is not numeric."""
    numbers = [str(name) for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    if not numbers:
        empty("bar_chart_off", text("answer_no_numbers"), text("answer_no_numbers_about"))
        return
    names = [str(name) for name in frame.columns]
    first = next((name for name in names if name not in numbers), numbers[0])
    timed = pd.api.types.is_datetime64_any_dtype(frame[first])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        at = _column("x", names, first, text("answer_x"))
        others = [name for name in numbers if name != at] or numbers
        value_columns = _columns("y", others, others[:1], text("answer_y"))
        kind = choice("kind", KINDS, "line" if timed else "bar", lambda chart_kind: text(f"chart_{chart_kind}"))
    ordered = frame.sort_values(at) if pd.api.types.is_datetime64_any_dtype(frame[at]) else frame
    values = {name: ordered[name] for name in value_columns[:MAX_SERIES]}
    with st.container(border=True):
        answer_chart(cast("Kind", kind), ordered[at], values, text("answer_title"))


def _column(name: str, options: list[str], default: str, label: Markdown) -> str:
    """Draw the choice of a column, which is stored in the address."""

    def keep() -> None:
        st.query_params[name] = control_value(name)

    address_column = st.query_params.get(name, default)
    at = address_column if address_column in options else default
    chosen_column = st.selectbox(
        label, options, index=options.index(at), key=f"_{name}", on_change=keep, format_func=option_name(str), width=220
    )
    return str(chosen_column or at)


def _columns(name: str, options: list[str], default: list[str], label: Markdown) -> list[str]:
    """Draw the choice of several columns, which are stored in the address."""

    def keep() -> None:
        st.query_params[name] = ",".join(control_value(name))

    address_columns = [column for column in st.query_params.get(name, "").split(",") if column in options] or default
    return (
        st.multiselect(
            label,
            options,
            address_columns,
            key=f"_{name}",
            on_change=keep,
            format_func=option_name(str),
            placeholder=text("answer_y_choose"),
            width=320,
        )
        or default
    )
