"""By what lines of a plan can be sorted out: the field that changes, the group, the reason. All in the address."""

from collections.abc import Mapping

import streamlit as st

from integration.core.run import Among, Run
from integration.services import Application
from integration.words import has_term, told_by
from pages.components.shared.wording import field_name, number, say, text

WITH_FIELDS = ("all", "update", "retire")
WITH_GROUPS = ("all", "create", "update", "retire", "park", "skip")
WITH_CAUSES = ("all", "park", "skip", "parked")
FACETS = ("field", "group", "cause")


def facet_filters(app: Application, run: Run, show: str) -> Among:
    """Draw a filter for everything that tells the lines shown apart, and return what is chosen."""
    counted = app.plans.facets(run.id, show)
    named = {
        "field": {name: field_name(name) for name in counted["field"]} if show in WITH_FIELDS else {},
        "group": _groups(app, run, counted["group"]) if show in WITH_GROUPS else {},
        "cause": {cause: _cause(app, run, cause) for cause in counted["cause"]} if show in WITH_CAUSES else {},
    }
    chosen = {name: _pick(app, run, name, named[name], counted[name]) for name in FACETS}
    return Among(**chosen)


def forget_filters(*names: str) -> None:
    """Take filters out of the address, so that the next run of the page shows every line again."""
    for name in names or FACETS:
        st.query_params.pop(name, None)
        st.session_state.pop(f"_{name}", None)
    for name in ("page", "record"):
        st.query_params.pop(name, None)
        st.session_state.pop(name, None)


def filtered(among: Among) -> bool:
    """Tell whether any of these filters is set."""
    return among != Among()


def _pick(app: Application, run: Run, name: str, named: Mapping[str, str], counted: Mapping[str, int]) -> str:
    """Draw one filter where there is something to choose, and return the code that is chosen."""
    asked = st.query_params.get(name, "")
    if len(named) <= 1 and asked not in named:
        return ""
    word = _grouped_by(app, run) if name == "group" else name
    options = ["", *named]

    def keep() -> None:
        value = st.session_state[f"_{name}"] or ""
        forget_filters(name)
        if value:
            st.query_params[name] = value

    if st.session_state.get(f"_{name}", "") not in options:
        del st.session_state[f"_{name}"]
    chosen = st.selectbox(
        text(f"filter_{word}"),
        options,
        index=options.index(asked) if asked in options else 0,
        key=f"_{name}",
        format_func=lambda code: f"{named[code]} ({number(counted[code])})" if code else text(f"any_{word}"),
        on_change=keep,
        label_visibility="collapsed",
        width=260,
    )
    return str(chosen or "")


def _grouped_by(app: Application, run: Run) -> str:
    """Return what the groups of a flow are: article groups, countries, branches."""
    word = app.flows[run.flow].counted.grouped_by
    return word if has_term(f"filter_{word}") else "group"


def _groups(app: Application, run: Run, codes: Mapping[str, int]) -> dict[str, str]:
    of = app.flows.spec(run.flow).groups
    names = app.lists.captions(*of) if of is not None else app.plans.group_names(run.flow, list(codes), run.id)
    return {code: f"{code} · {names[code]}" if names.get(code) else code for code in codes}


def _cause(app: Application, run: Run, cause: str) -> str:
    """Return the sentence of a cause for whatever record it is about."""
    facts = {**dict.fromkeys(told_by(cause), "…"), "system": app.flows[run.flow].target, "flow": run.flow}
    return say(cause, facts).what
