"""Each term has one sentence, shown at the term and in the glossary."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest, Run
from integration.services.runs.exceptions import group_address
from integration.words import LANGUAGES, has_term, term
from pages.components.shared.glossary import WORDS
from tests.pages.conftest import Open, commit_run, preview_products, texts, wait_for_run
from tests.pages.test_every_cause import meet_cause
from tests.people import make_actor

PAGES = Path(__file__).parents[4] / "pages"
LIST = PAGES / "components" / "shared" / "meanings.py"


def test_each_word_has_a_sentence_of_its_own_in_every_language() -> None:
    for word, sentence in WORDS.items():
        assert has_term(word), word
        terms = {term(sentence, language) for language in LANGUAGES}
        assert len(terms) == len(LANGUAGES), sentence
    assert len(set(WORDS.values())) == len(WORDS)


def test_each_sentence_is_asked_for_where_its_word_stands() -> None:
    drawn = "\n".join(path.read_text(encoding="utf-8") for path in PAGES.rglob("*.py") if path != LIST)

    def is_used(word: str) -> bool:
        usages = (f'meaning("{word}")', f'"{word}": "{word}"', f': "{word}"', f'text("{WORDS[word]}")', f'("{word}",')
        return any(usage in drawn for usage in usages) or f'"{word}", "' in drawn or f', "{word}")' in drawn

    assert [word for word in WORDS if not is_used(word)] == []


def help_of(test: AppTest) -> str:
    """Return all help texts of a page and all other sentences on the page."""
    elements: list[Any] = [*test.title, *test.header, *test.markdown, *test.metric, *test.button, *test.selectbox]
    columns = [str(dataframe.proto.columns) for dataframe in test.dataframe]
    return "\n".join(
        [texts(test), *columns, *(str(getattr(element, "help", "") or element.proto.help) for element in elements)]
    )


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Run:
    """A console with an example of each thing: a committed run, waiting records and a draft."""
    committed_run = commit_run(connected_application, preview_products(connected_application))
    wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)),
    )
    return committed_run


PLACES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "preview": ({"flow": "orders"}, ("preview", "btn_read_all", "commit")),
    "runs": ({}, ("run", "proven", "unchanged", "skipped", "parked")),
    "exceptions": ({}, ("exception",)),
    "flows": ({"flow": "products"}, ("flow", "content_part", "offer_part")),
    "mappings": ({"flow": "products"}, ("mapping", "value_table", "field_ownership")),
    "days": ({}, ("drift_title",)),
    "administration": ({}, ("four_eyes_title",)),
}


@pytest.mark.long
@pytest.mark.parametrize("page", PLACES)
def test_a_word_is_explained_where_it_stands(shop: Run, open_page: Open, page: str) -> None:
    del shop
    address, words = PLACES[page]
    test = open_page(page, **address)
    assert not test.exception
    help_text = help_of(test)
    assert [word for word in words if term(WORDS[word]) not in help_text] == []


@pytest.mark.long
def test_a_run_explains_its_outcomes_its_plan_and_how_it_is_reversed(shop: Run, open_page: Open) -> None:
    help_text = help_of(open_page("runs", run=shop.id))
    assert [word for word in ("plan", "undo", "proven", "parked") if term(WORDS[word]) not in help_text] == []


@pytest.mark.long
def test_a_conflict_is_explained_with_its_question(connected_application: Application, open_page: Open) -> None:
    group = meet_cause(connected_application, "products", "field_conflict")
    assert term(WORDS["conflict"]) in help_of(open_page("exceptions", cause=group_address(group.group_key)))
