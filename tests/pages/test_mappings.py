"""The page of mappings: a rule built by choosing, tried on real records, published, and gone back on."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from integration import words
from integration.application.application import Application
from integration.core.link_evidence import Evidence
from integration.core.links import Link
from integration.core.records import Kind
from integration.core.rules import Rule, RuleCall
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.flows.functions.toolbox import FUNCTIONS
from pages.components.shared.application import person
from tests.pages.conftest import Open, commit_run, press, preview_products, texts, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in

ARTICLES = 220  # more than an effect is told of
NAME = "product.name"


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A shop with a plan of its articles, by which the last records are known."""
    commit_run(connected_application, preview_products(connected_application))
    return connected_application


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove drafts after a test, and publish the shipped mapping again."""
    yield
    if "shop" in request.fixturenames:
        shop: Application = request.getfixturevalue("shop")
        for flow in shop.flows:
            shop.drafts.discard(flow, make_actor("test"))
        if shop.mappings.published("products").mapping.rules != shop.drafts.version("products", 1).rules:
            shop.drafts.take_version("products", 1, make_actor("test"))
            shop.drafts.publish("products", make_actor("test"), "as it was shipped")


def open_mappings(open_page: Open, flow: str = "products", **address: str) -> AppTest:
    test = open_page("mappings", flow=flow, **address)
    assert not test.exception
    return test


def rule_of(app: Application, target: str = NAME, flow: str = "products") -> Rule:
    """Return a rule as it is worked on."""
    draft = app.drafts.draft(flow)
    rules = (draft.mapping if draft else app.mappings.published(flow).mapping).rules
    return next(rule for rule in rules if rule.target == target)


def widget_key(test: AppTest, of: str, ending: str) -> str:
    """Return the key of the only widget of a type whose key has this ending."""
    (key,) = [widget.key for widget in test.get(of) if widget.key and str(widget.key).endswith(ending)]
    return str(key)


def rules_in_table(test: AppTest) -> dict[str, list[str]]:
    table = test.dataframe[0].value
    return {row[0]: row for row in table.astype(str).to_numpy().tolist()}


# ---- empty and full


def test_without_a_connection_the_page_leads_to_the_set_up(fresh: Application, open_page: Open) -> None:
    assert not any(status.connected for status in fresh.connections.statuses())

    test = press(open_page("mappings"), "to_set_up")

    assert not test.exception
    assert "Set-up" in test.title[0].value


@pytest.mark.long
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("flow", "part"),
    [
        ("products", "product"), ("products", "article"), ("products", "group"), ("stock", "level"),
        ("customers", "relation"), ("orders", "sales_order"), ("orders", "line"), ("orders", "debtor"),
        ("orders", "address"), ("orders", "tables"), ("products", "changes"), ("products", "history"),
    ],
)  # fmt: skip
def test_every_part_of_every_mapping_opens(open_page: Open, flow: str, part: str) -> None:
    test = open_mappings(open_page, flow, part=part)

    assert "Version 1" in texts(test)
    assert "failure" not in test.session_state


def test_fields_are_offered_with_caption_own_name_type_and_a_sample(shop: Application, open_page: Open) -> None:
    test = open_mappings(open_page, field=NAME)

    offered = test.selectbox(key=widget_key(test, "selectbox", "-source")).options

    name = next(option for option in offered if "ART_DESC1" in option)
    assert name.startswith("Omschrijving (ART_DESC1) · Text · ")
    assert len(name) > len("Omschrijving (ART_DESC1) · Text · ")
    field_names = {
        field.name for field in shop.lists.fields("accountview", shop.flows["products"].counted_stage.source)
    }
    assert len(offered) >= len(field_names)


@pytest.mark.long
@pytest.mark.usefixtures("shop")
def test_rules_can_be_found_and_a_search_cleared(open_page: Open) -> None:
    test = open_mappings(open_page, flow="orders", part="debtor")
    everything = len(rules_in_table(test))
    test = test.text_input(key="_find").set_value("postcode").run()
    assert 0 < len(rules_in_table(test)) < everything

    test = test.text_input(key="_find").set_value("nothing is called so").run()
    test = press(test, "clear")

    assert not test.exception
    assert len(rules_in_table(test)) == everything


# ---- building a rule


def test_a_chain_of_functions_is_added_to_reordered_and_taken_from(shop: Application, open_page: Open) -> None:
    assert [call.name for call in rule_of(shop).functions] == ["trim"]
    test = open_mappings(open_page, field=NAME)
    added = next(
        str(selectbox.key)
        for selectbox in test.selectbox
        if selectbox.key and "-add-" in str(selectbox.key) and "rule" in str(selectbox.key)
    )

    test = test.selectbox(key=added).set_value("upper").run()
    assert [call.name for call in rule_of(shop).functions] == ["trim", "upper"]

    test = press(test, widget_key(test, "button", "-1-up"))
    assert [call.name for call in rule_of(shop).functions] == ["upper", "trim"]

    test = press(test, widget_key(test, "button", "-0-out"))
    assert not test.exception
    assert [call.name for call in rule_of(shop).functions] == ["trim"]
    assert shop.drafts.draft("products") is None


def test_every_function_can_be_chosen_and_has_a_field_for_each_argument(shop: Application, open_page: Open) -> None:
    calls = [
        RuleCall(
            name,
            tuple(
                "x" if not parameter.options else parameter.options[0]
                for parameter in arguments
                if parameter.is_required
            ),
        )
        for name, arguments in FUNCTIONS.items()
    ]
    shop.drafts.put_rule("products", Rule(target=NAME, source="name", functions=tuple(calls)), person())

    test = open_mappings(open_page, field=NAME)

    fields = [*test.text_input, *test.selectbox, *test.multiselect]
    drawn = {str(widget.key).rpartition("rule-")[2]: widget.label for widget in fields if widget.key}
    for place, (name, arguments) in enumerate(FUNCTIONS.items()):
        labels = [label for key, label in drawn.items() if f"-{place}-{name}-" in key]
        assert labels == [words.sentence(f"argument_{parameter.name}") for parameter in arguments] or set(labels) == {
            words.sentence(f"argument_{parameter.name}") for parameter in arguments
        }, name
    added = next(
        selectbox for selectbox in test.selectbox if f"{NAME}-" in str(selectbox.key) and "-add-" in str(selectbox.key)
    )
    assert len(added.options) == len(FUNCTIONS)


def test_an_argument_is_kept_as_the_kind_it_is(shop: Application, open_page: Open) -> None:
    shop.drafts.put_rule(
        "products",
        Rule(target=NAME, source="name", functions=(RuleCall("substring", (Decimal(1), Decimal(40))),)),
        person(),
    )
    test = open_mappings(open_page, field=NAME)
    field = next(
        str(text_input.key)
        for text_input in test.text_input
        if "substring" in str(text_input.key) and text_input.value == "40"
    )

    test.text_input(key=field).set_value("12").run()

    (call,) = rule_of(shop).functions
    assert [str(argument) for argument in call.args] == ["1", "12"]
    assert not any(isinstance(argument, str) for argument in call.args)


def test_an_expression_answers_at_once_with_the_value_or_a_sentence(shop: Application, open_page: Open) -> None:
    test = open_mappings(open_page, field=NAME)
    test = test.segmented_control(key=widget_key(test, "button_group", "-side")).set_value("expression").run()

    test = test.text_area(key=widget_key(test, "text_area", "-expression")).set_value("upper(name) + '!'").run()
    assert rule_of(shop).expression == "upper(name) + '!'"
    gives = rules_in_table(test)["Name"][-1]
    assert gives.endswith("!")
    assert gives == gives.upper()

    test = test.text_area(key=widget_key(test, "text_area", "-expression")).set_value("upper(name").run()
    page_text = texts(test)
    assert "This rule cannot work yet: the expression cannot be read from here on: (name" in page_text
    assert test.button(key="publish").disabled


@pytest.mark.parametrize(("expression", "expected"), [("9**9**9", "a power is")])
def test_a_hostile_expression_is_answered_with_a_sentence(
    shop: Application, open_page: Open, expression: str, expected: str
) -> None:
    shop.drafts.put_rule("products", Rule(target=NAME, expression=expression), person())

    assert expected in texts(open_mappings(open_page, field=NAME))


def test_a_field_gets_a_rule_and_loses_it_again(shop: Application, open_page: Open) -> None:
    test = open_mappings(open_page, part="article")
    adding = next(
        str(selectbox.key) for selectbox in test.selectbox if str(selectbox.key).startswith("add-products-article")
    )
    target = next(option for option in test.selectbox(key=adding).options if "brand" in option.casefold())
    assert " · " in target

    test = press(test.selectbox(key=adding).set_value("article.brand").run(), "add_rule")
    assert rule_of(shop, "article.brand").source == ""
    assert test.query_params["field"] == "article.brand"
    assert test.button(key="publish").disabled

    test = press(test, "rule_remove")
    assert not test.exception
    assert shop.drafts.draft("products") is None


def test_next_and_previous_walk_through_the_rules(shop: Application, open_page: Open) -> None:
    fields = [
        rule.target for rule in shop.mappings.published("products").mapping.rules if rule.target.startswith("article.")
    ]
    test = open_mappings(open_page, part="article", field=fields[0])
    assert test.button(key="rule_before").disabled

    test = press(test, "rule_after")
    assert test.query_params["field"] == fields[1]

    test = press(test, "rule_before")
    assert test.query_params["field"] == fields[0]


# ---- trying


def test_a_record_is_tried_field_by_field_with_why_this_value(shop: Application, open_page: Open) -> None:
    test = open_mappings(open_page, part="article", field="article.price", record="10011")

    assert rules_in_table(test)["Price"][-1] not in ("", "–")
    why = test.table[-1].value
    steps = " ".join(map(str, why.to_numpy().ravel())) + " ".join(map(str, why.index))
    assert "1\\." in steps
    assert "Result" in steps
    article = shop.exceptions.article("10011")
    assert article is not None


@pytest.mark.usefixtures("shop")
def test_a_record_that_is_missing_is_said(open_page: Open) -> None:
    test = open_mappings(open_page, record="nobody-sells-this")

    assert "nobody-sells-this" in texts(test)
    assert "Try a record" in texts(test) or not test.exception


# ---- value tables


# ---- draft, effect, publishing


def draft_name_rule(app: Application, source: str = "name") -> None:
    app.drafts.put_rule("products", Rule(target=NAME, source=source, functions=(RuleCall("upper", ()),)), person())


def test_a_draft_outlives_the_window_and_differs_from_what_is_published(shop: Application, open_page: Open) -> None:
    draft_name_rule(shop)

    test = open_mappings(open_page, part="changes")

    page_text = texts(test)
    assert "Draft" in test.title[0].value
    assert "1 rule changed" in page_text
    difference = test.dataframe[0].value
    assert "Conversions" in set(difference["what"])
    assert test.button(key="publish").label == f"Publish version {shop.drafts.current('products') + 1}"
    test = press(test, "discard_draft")
    assert shop.drafts.draft("products") is None
    assert "No changes" in texts(test) or not test.exception


@pytest.mark.long
@pytest.mark.usefixtures("shop")
def test_the_effect_on_the_last_records_is_counted_and_listed(shop: Application, open_page: Open) -> None:
    draft_name_rule(shop)
    test = press(open_mappings(open_page, part="product"), "find_effect")

    assert not test.exception
    effect = shop.drafts.effect("products", shop.drafts.draft("products").mapping)  # type: ignore[union-attr]
    assert effect.checked_count == 200
    assert f"{effect.records} of {effect.checked_count}" in texts(test).replace("the last ", "")
    table = test.dataframe[1].value
    assert len(table) == len(effect.differences)
    assert (table["now"].str.upper() == table["becomes"].str.upper()).all()


def test_a_draft_is_published_with_a_note(shop: Application, open_page: Open) -> None:
    before = shop.drafts.current("products")
    draft_name_rule(shop)
    test = press(open_mappings(open_page), "publish")
    assert test.text_input(key="publish_note") is not None
    assert "Plans of the earlier version" in texts(test) or "publish_now" in {button.key for button in test.button}

    shop.drafts.publish("products", person(), "Names in capitals")

    page_text = texts(open_mappings(open_page))
    assert f"Version {before + 1}" in page_text
    assert "Names in capitals" in page_text


def test_an_earlier_version_is_looked_at_and_gone_back_to(shop: Application, open_page: Open) -> None:
    draft_name_rule(shop)
    number = shop.drafts.publish("products", person(), "to be regretted")
    test = open_mappings(open_page, part="history", version="1")
    assert len(test.dataframe[0].value) == number

    test = press(test, "go_back")

    assert not test.exception
    draft = shop.drafts.draft("products")
    assert draft is not None
    assert draft.mapping.rules == shop.drafts.version("products", 1).rules
    shop.drafts.publish("products", person(), "back to what was shipped")
    assert shop.mappings.published("products").mapping.rules == shop.drafts.version("products", 1).rules


def test_a_mapping_that_another_person_published_is_shown_and_the_draft_remains(
    shop: Application, open_page: Open
) -> None:
    draft_name_rule(shop)
    mapping = shop.mappings.published("products")
    theirs = tuple(rule for rule in mapping.mapping.rules if rule.target != "product.text")
    shop.mappings.publish("products", type(mapping.mapping)(1, theirs), mapping.version, make_actor("Bram"), "no texts")

    test = open_mappings(open_page)
    page_text = texts(test)
    assert "Bram" in page_text
    assert test.button(key="publish").disabled
    assert rule_of(shop).functions == (RuleCall("upper", ()),)

    test = press(test, "rebase")
    assert not test.exception
    assert not test.button(key="publish").disabled
    assert rule_of(shop).functions == (RuleCall("upper", ()),)
    draft = shop.drafts.draft("products")
    assert draft is not None
    assert "product.text" not in {rule.target for rule in draft.mapping.rules}


# ---- duplicate customers


def test_two_customers_are_dismissed_proposed_merged_and_separated_here(shop: Application, open_page: Open) -> None:
    run = wait_for_run(shop, shop.runs.preview(PreviewRequest("customers", make_actor(), Mode.COMPLETE)))
    commit_run(shop, run)
    links, els = stores_in(shop).links, {"": {"email": "els@one-person.example"}}
    pairs = links.first_pairs("customers", Kind.RELATION, 2)
    links.keep("customers", [Link(Kind.RELATION, *pair, evidence=Evidence(els, els)) for pair in pairs])
    candidates = shop.customer_merges.candidates()
    (index,) = [
        n
        for n, entry in enumerate(candidates)
        if {customer.debtor for customer in entry.customers} == {key for key, _ in pairs}
    ]
    candidate = candidates[index]

    test = open_mappings(open_page, "customers", part="merges")
    test = press(test.selectbox(key="merge_pair").set_value(index).run(), "merge_dismiss")
    assert candidate not in shop.customer_merges.candidates()
    (pair,) = shop.customer_merges.list_dismissed_pairs()
    test = press(test, f"propose {pair.customers}")
    assert shop.customer_merges.candidates()[index] == candidate

    test = test.selectbox(key="merge_pair").set_value(index).run()
    assert [row for row in test.table[0].value.to_numpy().tolist() if row[0] == words.sentence("merge_documents", "en")]
    assert test.button(key="merge_now").disabled
    test = test.text_input(key="merge_reason").set_value("same person").run()
    test = test.radio(key=f"merge_stays {candidate.customers}").set_value(0).run()
    press(test, "merge_now")

    (merge,) = shop.customer_merges.list_merges()
    assert (merge.stays, merge.goes) == candidate.customers
    (run, *_) = shop.runs.latest("customers")
    assert wait_for_run(shop, run.id).state is RunState.READY  # the other relation becomes inactive
    test = open_mappings(open_page, "customers", part="merges")
    press(test, f"separate {merge.goes}")
    assert shop.customer_merges.list_merges() == []
    wait_for_run(shop, shop.runs.latest("customers")[0].id)
