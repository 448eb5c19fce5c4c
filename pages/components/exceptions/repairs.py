"""The repair of a cause on its card: one question and one button that starts the preview."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.core.causes import Repair, RepairKind, cause
from integration.core.issues import CauseGroup, OpenIssue
from integration.core.link_evidence import CUSTOMER_CHANGED
from integration.core.records import Field, Record
from integration.core.rows import EVERY
from integration.core.rules import EMPTY
from integration.services.runs.exceptions import (
    ARTICLES,
    MAX_GROUP_RECORDS,
    MissingRow,
    group_address,
    missing_articles,
    missing_row,
    repair_address,
)
from pages.components.exceptions.candidates import choose_customers
from pages.components.exceptions.code_setting import choose_code
from pages.components.exceptions.conflicts import settle_conflicts
from pages.components.exceptions.corrections import correct, value_to_correct
from pages.components.exceptions.decisions import decide
from pages.components.flows.tables import RowChoices, counterpart
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.flows import group_headline, in_source, show_plan, start_preview
from pages.components.shared.inputs import codes_or_error, lists_of
from pages.components.shared.layout import answer_or_error, ask_live, attempt, facts_table, note, result_of, small
from pages.components.shared.missing_rows import has_rows_together, missing_rows
from pages.components.shared.rows import code_caption, dimension_label, field_text, named_facts, part_choice
from pages.components.shared.wording import (
    Markdown,
    field_name,
    flow_name,
    number,
    plain,
    quantity_text,
    say,
    system_name,
    table_name,
    text,
    value_text,
)

MAX_ALIKE = 8
# Fields of a line that help a person to create its article in the books.
SOLD = ("article", "text", "price_incl", "price_excl", "vat_code", "vat_percent")
MAX_CHOICES = 10  # records of a group that are linked in one form
OFF, AS_POSTING = "nothing", "posting"  # values of the setting that says how a flow books documents


def noun(app: Application, group: CauseGroup) -> str:
    """Return the noun for the records of a group: `customer`, or the noun of the flow."""
    is_customer = group.cause == CUSTOMER_CHANGED or group.facts.get("documents")
    return "customer" if is_customer else app.flows.noun(group.flow)


def preview_group(app: Application, group: CauseGroup, version: int | None = None) -> None:
    """Start a preview of a group and show it. A refusal is shown on the page that is open.

    `version` selects an earlier mapping.
    """
    of = group.group_key
    show_plan(of.flow, lambda: app.runs.try_again(of.flow, of.cause, person(), of.field, of.detail, version))


def repair(app: Application, group: CauseGroup) -> None:
    """Draw the repair of a group: a form for its missing value, otherwise the place where it is repaired."""
    way = app.flows.spec(group.flow).repair_of(group.cause)
    if has_rows_together(app, group):
        missing_rows(app, group.flow)
    elif row := missing_row(app.flows.spec(group.flow), group.cause, group.facts):
        _row(app, group, row)
    elif articles := missing_articles(group.cause, group.facts):
        _articles(app, group, articles)
    elif way.by is RepairKind.DOUBT and group.facts.get("reference"):
        _doubt_questions(app, group)
    elif way.by is RepairKind.PROOF:
        _proof_button(app, group)
    elif way.by is RepairKind.FLOW:
        _book_first(app, way)
        _setting(app, group)
        _nothing_written_note(app, group)
    elif way.by in (RepairKind.CHOICE, RepairKind.SETTING, RepairKind.CONFLICT) or way.options:
        _question(app, group, way)
    elif (field := value_to_correct(app, group)) is not None:
        _value_repair(app, group, field)
    else:
        _other_place(app, group)


def _question(app: Application, group: CauseGroup, way: Repair) -> None:
    """Draw the question of a repair. Its answer is saved and the group is previewed."""
    record_noun, carry_out = noun(app, group), partial(_repair, app, group)
    match way.by:
        case RepairKind.CHOICE:
            choose_customers(app, group, record_noun, carry_out)
            _setting(app, group)
        case RepairKind.SETTING:
            choose_code(app, group, record_noun, carry_out)
            _setting(app, group)
        case RepairKind.CONFLICT:
            settle_conflicts(app, group, record_noun, carry_out)
        case _:
            decide(app, group, way.options, record_noun, carry_out)
    _nothing_written_note(app, group)


def _value_repair(app: Application, group: CauseGroup, field: Field) -> None:
    """Draw the choice between a correction in the source system and a correction in the console."""
    way = controls.segmented_control(
        text("value_way_here"),
        ("source", "here"),
        default="source",
        required=True,
        key=f"value-{group.cause}",
        format_func=lambda option: text(f"value_way_{option}", system=system_name(app.flows[group.flow].source)),
        label_visibility="collapsed",
    )
    if way == "here":
        correct(app, group, field, noun(app, group), lambda repair: _repair(app, group, repair))
        _nothing_written_note(app, group)
    else:
        _other_place(app, group)


def _nothing_written_note(app: Application, group: CauseGroup) -> None:
    note(text("repair_writes_nothing", system=system_name(app.flows[group.flow].target)))


def _repair(app: Application, group: CauseGroup, repair: Callable[[], None]) -> None:
    if attempt(repair):
        preview_group(app, group)
    st.rerun()


# ---- a row of a value table


def _row(app: Application, group: CauseGroup, row: MissingRow) -> None:
    """Ask for the counterpart of a code, and whether the new row is valid for all records or only for parked ones."""
    flow, table = app.flows[group.flow], row.table
    lists, theirs = lists_of(app, table), codes_or_error(app, table.theirs)
    if lists is None or theirs is None:
        return
    sides = RowChoices(app, table, lists, theirs)
    code = dimension_label(app, table.code, row.code, lists[table.code.name])
    st.markdown(text("row_question", code=f"**{plain(code)}**", table=f"**{plain(table_name(table.name))}**"))
    with st.grid(2, min_column_width=230) as grid:
        part_codes = {}
        for part in table.parts:
            if (asked_for := row.key_values.get(part.name, "")) or part.is_required:
                with grid.cell():
                    every = (EVERY,) if table.for_all else ()
                    among = (asked_for, *every) if part.is_required else ("", asked_for)
                    part_codes[part.name] = part_choice(app, part, lists[part.name], f"part-{part.name}", among)
        with grid.cell():
            other = counterpart(sides, text("row_at", system=system_name(flow.target)), "counterpart")
    label = quantity_text(f"btn_row_{noun(app, group)}", group.count)
    if controls.button(label, type="primary", icon=":material/build:", key="add_row", disabled=not other):
        _repair(app, group, lambda: app.tables.add(table.name, table.key(part_codes), other, person()))
    _nothing_written_note(app, group)


# ---- replacement articles


def _articles(app: Application, group: CauseGroup, articles: Sequence[str]) -> None:
    if first_flow := app.first_week.begins_with():
        _articles_first(app, first_flow, "articles_first")
    st.markdown(text("article_question"))
    way = controls.segmented_control(
        text("article_question"),
        ("one", "all", "create"),
        default="one",
        required=True,
        key="article_way",
        format_func=lambda option: text(f"article_{option}"),
        label_visibility="collapsed",
    )
    shown_articles = articles[:MAX_CHOICES]
    if way == "create":
        _create_first(app, group, shown_articles)
        return
    if way == "all":
        note(text("article_collective_about"))
        names = {"": text("article_collective")}
    else:
        names = {code: text("article_instead", article=_article_caption(app, code)) for code in shown_articles}
    article_codes = {code: _article(app, label, f"article-{code}") for code, label in names.items()}
    if way == "one" and len(shown_articles) < len(articles):
        note(text("article_more", number=number(len(articles) - len(shown_articles))))
    ready = any(article_codes.values())
    label = quantity_text(f"btn_repair_{noun(app, group)}", group.count)
    if controls.button(label, type="primary", icon=":material/build:", key="use_articles", disabled=not ready):
        _repair(app, group, lambda: _keep_articles(app, group, article_codes))
    _nothing_written_note(app, group)


def _article_caption(app: Application, code: str) -> Markdown:
    """Return an article of the till with its name, escaped."""
    return plain(named_facts(app, {"article": code})["article"])


def _article(app: Application, label: Markdown, key: str) -> str:
    """Ask for an article of the books by code, or by name among the articles that were sent to the till."""
    typed = (controls.text_input(label, key=key, autocomplete="off", placeholder=text("article_find")) or "").strip()
    if not typed:
        return ""
    if _known_article(app, typed):
        return typed
    alike = answer_or_error(lambda: app.stock.articles_named(typed, MAX_ALIKE))
    if alike is None:
        return ""
    if not alike:
        note(f":orange[:material/error: {text('article_unknown', article=plain(typed))}]")
        return ""
    chosen = controls.radio(
        text("article_alike"),
        list(alike),
        index=None,
        key=f"{key}-alike",
        format_func=lambda code: plain(code_caption(code, alike)),
    )
    return str(chosen) if chosen and _known_article(app, str(chosen)) else ""


def _known_article(app: Application, code: str) -> bool:
    """Return True if the books have an article, and show its name."""
    articles: list[Record | None] | None = ask_live(app, f"article {code}", lambda: [app.exceptions.article(code)])
    article = articles[0] if articles else None
    if article is not None:
        name = plain(value_text(article.flat().get("name")))
        note(f":green[:material/check_circle:] {text('article_found', article=plain(code), name=name)}")
    return article is not None


def _create_first(app: Application, group: CauseGroup, articles: Sequence[str]) -> None:
    """Show the till's data of missing articles that must be created in the books, with a button that looks again."""
    note(text("article_create_about"))
    sold = ask_live(app, f"sold {group.flow} {articles}", lambda: app.exceptions.sold(group.group_key, articles)) or {}
    for code in articles:
        line = sold.get(code)
        if line is None:
            note(f"**{plain(code)}** · {text('article_none_sold')}")
            continue
        line_values = line.flat()
        shown_values = {name: line_values[name] for name in SOLD if line_values.get(name) not in EMPTY}
        system = app.flows[group.flow].source
        facts_table(
            {
                plain(field_name(name)): plain(field_text(app, system, name, value))
                for name, value in shown_values.items()
            }
        )
    label = quantity_text(f"btn_again_{noun(app, group)}", group.count)
    if controls.button(label, type="primary", icon=":material/refresh:", key="again"):
        absent = result_of(lambda: [code for code in articles if app.exceptions.article(code) is None])
        if absent == []:
            _repair(app, group, lambda: _keep_articles(app, group, {code: code for code in articles}))
        for code in absent or ():
            note(f":orange[:material/error: {text('article_unknown', article=plain(code))}]")
    _nothing_written_note(app, group)


def _keep_articles(app: Application, group: CauseGroup, article_codes: Mapping[str, str]) -> None:
    if "" in article_codes:
        app.flows.change(group.flow, {"collective_article": article_codes[""]}, person())
    for code, other in article_codes.items():
        if code and other:
            app.tables.add(ARTICLES, code.strip(), other, person())


# ---- writes in doubt


def _doubt_questions(app: Application, group: CauseGroup) -> None:
    """Ask a person for each record of the group whether the target has it, because a lookup could not settle that."""
    system = system_name(group.facts["system"])
    answers: list[tuple[OpenIssue, str | None]] = []
    for open_issue in app.exceptions.issues_of(group.group_key, limit=MAX_CHOICES):
        facts = open_issue.issue.facts
        st.markdown(f"**{text('doubt_question', record=plain(open_issue.title), system=system)}**")
        number_sentence = (
            text("doubt_number", system=system, number=plain(facts["number"])) if facts.get("number") else ""
        )
        note(f"{text('doubt_about', reference=plain(facts['reference']))} {number_sentence}")
        way = controls.segmented_control(
            text("doubt_question", record=plain(open_issue.title), system=system),
            ("look", "there", "not_there"),
            default="look",
            required=True,
            key=f"doubt-{open_issue.id}",
            format_func=lambda option: text(f"doubt_{option}"),
            label_visibility="collapsed",
        )
        if way == "there":
            number = controls.text_input(
                text("doubt_under"),
                value=open_issue.issue.facts.get("number", ""),
                key=f"number-{open_issue.id}",
                autocomplete="off",
            )
            if (number or "").strip():
                answers.append((open_issue, number.strip()))
        elif way == "not_there":
            note(text("doubt_again_about"))
            answers.append((open_issue, None))
    label = quantity_text(f"btn_again_{noun(app, group)}", group.count)
    if controls.button(label, type="primary", icon=":material/refresh:", key="again"):
        _repair(app, group, lambda: _answer(app, answers))
    _nothing_written_note(app, group)


def _answer(app: Application, answers: Sequence[tuple[OpenIssue, str | None]]) -> None:
    for open_issue, reference in answers:
        app.exceptions.answer(open_issue, reference, person())


# ---- repairs in another place


def _needed_cause(app: Application, group: CauseGroup) -> CauseGroup | None:
    """Return the cause of the parked record that a group waits for. Its repair solves both."""
    if app.flows.spec(group.flow).repair_of(group.cause).by is not RepairKind.NEEDED:
        return None
    facts = group.facts
    matching_groups = app.exceptions.groups(group.flow, find=facts.get("needed") or facts.get("key", ""))
    return next(
        (
            candidate
            for candidate in matching_groups
            if candidate.cause == facts.get("cause", candidate.cause) and candidate.group_key != group.group_key
        ),
        None,
    )


def _day(app: Application, group: CauseGroup) -> dict[str, str]:
    """Return the address of the day that a group is about, or an empty mapping."""
    if app.flows.spec(group.flow).repair_of(group.cause).by is not RepairKind.DAY:
        return {}
    day, _, branch = next(
        (open_issue.issue.key for open_issue in app.exceptions.issues_of(group.group_key, limit=1)), ""
    ).partition("/")
    return {"day": day, "branch": branch}


def _other_place(app: Application, group: CauseGroup) -> None:
    """Show where a cause is repaired, link there, and draw the retry."""
    try_again = quantity_text("btn_try_again", group.count)
    sentences = say(group.cause, {"system": app.flows[group.flow].target, **group.facts, "try_again": try_again})
    key = (group.facts.get("article") or group.facts.get("key", "")) if group.count == 1 else ""
    if correct := in_source(app, group.flow, group.cause, group.field, key):
        st.markdown(correct)
    else:
        st.markdown(plain(sentences.do or sentences.data))
    needed_group, day = _needed_cause(app, group), _day(app, group)
    by = app.flows.spec(group.flow).repair_of(group.cause).by
    place = repair_address(app.flows.spec(group.flow), group.cause, group.field, group.facts)
    if by is RepairKind.SYSTEM and cause(group.cause).apart:  # only the check that found it can find it solved
        return
    with st.container(horizontal=True, gap="small"):
        if needed_group and st.button(
            text("try_other_cause", cause=group_headline(app, needed_group)),
            icon=":material/arrow_forward:",
            key="to_needed",
            type="primary",
        ):
            st.query_params["cause"] = group_address(needed_group.group_key)
            st.rerun()
        if day and st.button(text("btn_to_day"), icon=":material/calendar_month:", key="to_day", type="primary"):
            st.switch_page("pages/days.py", query_params=day)
        tries = by in (RepairKind.SYSTEM, RepairKind.AGAIN)
        _setting(app, group, primary=not tries)
        if controls.button(try_again, icon=":material/refresh:", key="again", type="primary" if tries else "secondary"):
            preview_group(app, group)
    if place and not tries:
        small(f":gray[{text('place_question')}]")
    _nothing_written_note(app, group)


def _setting(app: Application, group: CauseGroup, *, primary: bool = False) -> None:
    """Draw the link to the setting that repairs a cause, if there is one. That page links back."""
    place = repair_address(app.flows.spec(group.flow), group.cause, group.field, group.facts)
    if place and st.button(
        text(f"btn_to_{place['tab']}"),
        icon=":material/tune:",
        key="to_setting",
        type="primary" if primary else "secondary",
    ):
        st.switch_page("pages/flows.py", query_params={**place, "cause": group_address(group.group_key)})


# ---- another query to the target


def _proof_button(app: Application, group: CauseGroup) -> None:
    """Draw the button that reads the value from the target again, so that a correction made there is seen at once."""
    st.markdown(plain(say(group.cause, {"system": app.flows[group.flow].target, **group.facts}).do))
    system = system_name(app.flows[group.flow].target)
    if controls.button(text("btn_ask_again", system=system), type="primary", icon=":material/help:", key="ask_again"):
        keys = list(
            {open_issue.issue.key for open_issue in app.exceptions.issues_of(group.group_key, limit=MAX_GROUP_RECORDS)}
        )
        is_answered = result_of(lambda: app.prices.check_prices_again(group.flow, keys))
        if is_answered is not None:
            over = app.exceptions.group(group.group_key) is None
            message_key = ("proof_over" if over else "proof_same") if is_answered else "proof_untold"
            st.session_state["said"] = text(message_key, system=system)
        st.rerun()
    _nothing_written_note(app, group)


def _articles_first(app: Application, flow: str, reason: str) -> None:
    """Show why articles must be linked first, and draw the button that previews their flow."""
    flow_caption = flow_name(flow)
    st.markdown(text(reason, flow=flow_caption))
    if controls.button(text("btn_book_first", flow=flow_caption), icon=":material/difference:", key="articles_first"):
        start_preview(app, flow)


def _book_first(app: Application, way: Repair) -> None:
    """Show which documents the day needs, and draw the button that previews their flow, after setting it if needed."""
    if first_flow := app.first_week.begins_with():
        _articles_first(app, first_flow, "book_first_articles")
    is_off = app.flows.settings(way.flow).model_dump()[way.name] == OFF
    flow_caption = flow_name(way.flow)
    st.markdown(text("book_first_set" if is_off else "book_first", flow=flow_caption))
    label = text("btn_book_first_set" if is_off else "btn_book_first", flow=flow_caption)
    if controls.button(label, type="primary", icon=":material/difference:", key="book_first"):
        values = {way.name: AS_POSTING} if is_off else {}
        if attempt(lambda: app.flows.change(way.flow, values, person())):
            start_preview(app, way.flow)
        st.rerun()
