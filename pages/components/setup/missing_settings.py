"""Sentences about settings that a flow lacks. VAT codes include their percentage."""

from dataclasses import replace

from integration.application.application import Application
from integration.core.errors import Reason
from integration.flows.settings import ValueTable
from integration.flows.tables import VAT_CODES
from integration.services.setup import QuestionState
from pages.components.shared.rows import captions_of, row_label
from pages.components.shared.wording import Markdown, number, plain, text

COUNTS = ("number", "total")  # facts that are quantities and no codes


def missing_setting_sentence(why: Reason) -> Markdown:
    """Return a sentence of the set-up with its facts escaped, because they come from the systems."""
    facts = {name: number(int(fact)) if name in COUNTS else plain(fact) for name, fact in why.facts.items()}
    return text(why.code, **facts)


def missing_setting_text(app: Application, asked_question: QuestionState, why: Reason) -> Markdown:
    """Return what a flow lacks. VAT codes and rows have their usual labels."""
    table = (
        app.flows.spec(asked_question.flow).table(asked_question.question.table)
        if asked_question.question.table
        else None
    )
    if table is None or table.ours is None or table.ours.name != VAT_CODES:
        return missing_setting_sentence(why)
    fact_texts = {
        name: ", ".join(_row(app, table, key) for key in fact.split(", ")) for name, fact in why.facts.items()
    }
    return missing_setting_sentence(replace(why, facts=fact_texts))


def _row(app: Application, table: ValueTable, key: str) -> str:
    """Return the label of a row. An unreadable key is returned unchanged."""
    lists = {
        part.name: {dimension.mark: captions_of(app, dimension.code_list) for dimension in part.choices}
        for part in table.parts
    }
    return row_label(app, table, key, lists)
