"""The merge of two customers that are one person: candidates side by side, the choice of a person, and its undo."""

from collections.abc import Callable

import streamlit as st

from integration.application.application import Application
from integration.core.customer_merges import CustomerMerge, CustomerNumbers, DismissedPair, MergeCandidate
from integration.core.run import Mode, PreviewRequest
from integration.services.runs.customer_merges import CustomerCard
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.flows import show_plan
from pages.components.shared.layout import act, ask_live, empty, note, section, small
from pages.components.shared.wording import (
    Markdown,
    author_name,
    field_name,
    moment,
    number,
    option_name,
    plain,
    text,
)

MAX_SHOWN = 50  # candidates and merges in a list


def merges_part(app: Application) -> None:
    """Draw the candidates for a merge, the decision on one of them, and the decisions that can be undone."""
    note(text("merges_about"))
    candidates = app.customer_merges.candidates()[:MAX_SHOWN]
    if candidates:
        _candidates(app, candidates)
    else:
        empty("group", text("merges_none"), text("merges_none_about"))
    if merges := app.customer_merges.list_merges()[:MAX_SHOWN]:
        section(text("merges_done"))
        for merge in merges:
            _merged(app, merge)
    if pairs := app.customer_merges.list_dismissed_pairs()[:MAX_SHOWN]:
        section(text("merges_dismissed"))
        for pair in pairs:
            _dismissed(app, pair)


def _candidates(app: Application, candidates: list[MergeCandidate]) -> None:
    chosen = st.selectbox(
        text("merge_pair"),
        range(len(candidates)),
        format_func=option_name(lambda index: _pair_label(candidates[index])),
        key="merge_pair",
    )
    pair = candidates[chosen]
    cards = ask_live(
        app, f"merge {pair.customers}", lambda: [app.customer_merges.card(numbers) for numbers in pair.customers]
    )
    if not cards:
        return
    _side_by_side(cards)
    stays = controls.radio(
        text("merge_stays"), [0, 1], index=None, key=f"merge_stays {pair.customers}", horizontal=True,
        format_func=option_name(lambda index: _named(cards[index])),
    )  # fmt: skip
    reason = controls.text_input(text("merge_reason"), key="merge_reason", autocomplete="off") or ""
    if stays is not None:
        staying, goes = pair.customers[stays], pair.customers[1 - stays]
        small(text("merge_effect", stays=plain(_numbers(staying)), goes=plain(_numbers(goes))))
    is_ready = stays is not None and bool(reason.strip())
    with st.container(horizontal=True, gap="small"):
        if controls.button(
            text("btn_merge"), type="primary", icon=":material/merge:", key="merge_now", disabled=not is_ready
        ):
            _preview(app, lambda: app.customer_merges.merge(staying, goes, reason, person()))
        if controls.button(text("btn_two_persons"), icon=":material/group_remove:", key="merge_dismiss"):
            act(lambda: app.customer_merges.dismiss_pair(*pair.customers, reason, person()))


def _preview(app: Application, decide: Callable[[], tuple[str, ...]]) -> None:
    flow = app.customer_merges.flow_name()
    show_plan(flow, lambda: app.runs.preview(PreviewRequest(flow, person(), Mode.CHOSEN, decide())))


def _side_by_side(cards: list[CustomerCard]) -> None:
    shared = cards[0].shared_with(cards[1])
    evidence = [card.evidence for card in cards]
    titles = [plain(_numbers(card.numbers)) for card in cards]
    rows: list[tuple[Markdown, list[Markdown]]] = [
        (plain(field_name(name)), [_value(values.get(name, ""), fits=name in shared) for values in evidence])
        for name in dict.fromkeys(name for values in evidence for name in values)
    ]
    rows.append((text("merge_links"), [number(card.links) for card in cards]))
    rows.append((text("merge_documents"), [number(card.documents) for card in cards]))
    caption = text("col_field")
    with st.container(key="merge_cards"):  # long words wrap on a phone
        st.table(
            [{caption: label, **dict(zip(titles, cells, strict=True))} for label, cells in rows],
            border="horizontal",
            hide_index=True,
        )


def _merged(app: Application, merge: CustomerMerge) -> None:
    names = {"goes": plain(_numbers(merge.goes)), "stays": plain(_numbers(merge.stays))}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        small(text("merge_done_line", **names, by=plain(author_name(merge.by)), at=moment(merge.decided_at)))
        key = f"separate {merge.goes}"
        if controls.button(text("btn_separate"), icon=":material/call_split:", type="tertiary", key=key):
            _preview(app, lambda: app.customer_merges.separate(merge, "", person()))


def _dismissed(app: Application, pair: DismissedPair) -> None:
    names = " ↔ ".join(plain(_numbers(numbers)) for numbers in pair.customers)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        small(text("merge_dismissed_line", names=names, by=plain(author_name(pair.by)), at=moment(pair.decided_at)))
        key = f"propose {pair.customers}"
        if controls.button(text("btn_reopen"), icon=":material/undo:", type="tertiary", key=key):
            act(lambda: app.customer_merges.undo_dismissal(pair, person()))


def _pair_label(candidate: MergeCandidate) -> str:
    """Return the two debtors, or the two relations if there is one debtor at most: short enough for a phone."""
    first, second = candidate.customers
    if first.debtor and second.debtor and first.debtor != second.debtor:
        return text("merge_debtors", first=first.debtor, second=second.debtor)
    return text("merge_relations", first=first.relation, second=second.relation)


def _named(card: CustomerCard) -> str:
    name = card.evidence.get("name", "")
    return f"{_numbers(card.numbers)} · {name}" if name else _numbers(card.numbers)


def _numbers(numbers: CustomerNumbers) -> str:
    return text("merge_numbers", debtor=numbers.debtor or "–", relation=numbers.relation or "–")


def _value(value: str, *, fits: bool) -> Markdown:
    return f":green[:material/check:] {plain(value)}" if fits and value else plain(value)
