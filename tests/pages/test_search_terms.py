"""Search terms: each leads to a place that opens and shows its name."""

import pytest

from integration.application.application import Application
from integration.words import capital, term
from integration.words.search_terms import SearchTarget, search_targets
from tests.pages.conftest import Open, texts

# What the vendor of the till calls things, with what a Dutch and an English reader say instead, and where each leads.
VENDOR = {
    "Steuernummer": ("btw-nummer", "tax number", "field_vat_number"),
    "Steuercode pro Land": ("belastingcode per land", "tax code per country", "table_vat_codes_sales"),
    "Standard-Steuercode": ("standaard btw-code", "default tax code", "table_vat_codes_sales"),
    "Einnahmekonto nach Land": ("omzetrekening per land", "income account by country", "table_revenue_accounts"),
    "Bestellstatus": ("bestelstatus", "order status", "setting_delivery"),
    "Standard-Schuldner": ("standaarddebiteur", "default debtor", "setting_default_debtor"),
    "Kundenupdate": ("klanten bijwerken", "customer update", "nav_mappings"),
    "Angebot erstellen": ("offerte maken", "create quotation", "setting_proposals"),
    "Erstelle Inhalte": ("inhoud aanmaken", "create content", "part_content"),
    "Eigenschaften": ("eigenschappen", "properties", "settings_variants"),
    "Merkmale": ("kenmerken", "attributes", "field_colour"),
    "Kategorien": ("categorieën", "categories", "setting_groups"),
    "Pfand": ("statiegeld", "deposit", "table_balance_accounts"),
    "Versandkosten": ("verzendkosten", "shipping costs", "setting_shipping"),
}


@pytest.mark.parametrize("word", VENDOR)
def test_what_the_vendor_calls_it_is_found_first_in_three_languages(
    connected_application: Application, word: str
) -> None:
    dutch, english, caption = VENDOR[word]
    firsts = {query: connected_application.search.places(query)[0].caption for query in (word, dutch, english)}
    assert firsts == dict.fromkeys((word, dutch, english), caption)


@pytest.mark.parametrize("word", ["Eigenschaften/Merkmale", "eigenschappen / kenmerken", "properties/attributes"])
def test_a_search_finds_each_of_two_words_with_a_slash(connected_application: Application, word: str) -> None:
    captions = {place.caption for place in connected_application.search.places(word)}
    assert {"settings_variants", "field_colour"} <= captions


@pytest.mark.parametrize(
    ("word", "caption"), [("Versandkoten", "setting_shipping"), ("standart debitor", "setting_default_debtor")]
)
def test_a_slip_of_the_fingers_finds_it_all_the_same(
    connected_application: Application, word: str, caption: str
) -> None:
    assert connected_application.search.places(word)[0].caption == caption
    assert connected_application.search.places("qwertz") == []


@pytest.mark.long
def test_every_word_is_among_the_few_that_are_shown(connected_application: Application) -> None:
    lost = [
        word
        for line in search_targets()
        for word in line.words
        if not any(
            (place.page, dict(place.query_parameters)) == (line.page, line.query_parameters)
            for place in connected_application.search.places(word)
        )
    ]
    assert lost == []


def _target_id(line: SearchTarget) -> str:
    return f"{line.page} {' '.join(line.query_parameters.values())}"


@pytest.mark.long
@pytest.mark.parametrize("line", search_targets(), ids=_target_id)
@pytest.mark.usefixtures("connected_application")
def test_every_word_leads_to_its_very_setting(open_page: Open, line: SearchTarget) -> None:
    test = open_page(line.page, **line.query_parameters)
    assert not test.exception
    labels = (str(element.label) for kind in KINDS for element in test.get(kind) if hasattr(element, "label"))
    page_text = "\n".join([texts(test), *labels, *(str(element.value) for element in test.caption)])
    assert capital(term(line.caption)) in page_text or line.caption.startswith(("nav_", "tab_"))
    if line.page == "flows" and line.query_parameters["tab"] == "settings":
        assert " Here]" in page_text  # the card is marked, and brought into sight


KINDS = ("selectbox", "toggle", "radio", "text_input", "number_input", "multiselect", "button_group", "checkbox")
