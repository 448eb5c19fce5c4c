"""Two relations or two debtors that are one person are merged by a person, on the sandbox."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.core.customer_merges import CustomerNumbers, merged_key
from integration.core.errors import IntegrationError
from integration.core.link_evidence import Evidence
from integration.core.links import Link
from integration.core.plan import Action
from integration.core.records import Kind
from integration.core.states import RunState
from tests.consoles import Console, open_application
from tests.people import make_actor
from tests.stores import stores_in


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose customers are at the till."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        console.run("customers")
        yield console


def links(console: Console, flow: str, kind: Kind) -> dict[str, str]:
    link_store = stores_in(console.application).links
    return dict(link_store.first_pairs(flow, kind, 10_000))


def relation(console: Console, number: str) -> dict[str, Any]:
    return next(row for row in console.sandbox.state("relations", "mplus") if str(row["relationNumber"]) == number)


def two_customers(console: Console) -> tuple[CustomerNumbers, CustomerNumbers]:
    """Return two linked customers with active relations that no test has merged."""
    pairs = sorted(links(console, "customers", Kind.RELATION).items())
    relations = {str(row["relationNumber"]): row for row in console.sandbox.state("relations", "mplus")}
    merged = {
        number.debtor
        for merge in console.application.customer_merges.list_merges()
        for number in (merge.stays, merge.goes)
    }
    active = [pair for pair in pairs if pair[0] not in merged and relations[pair[1]].get("active") is not False]
    return CustomerNumbers(*active[0]), CustomerNumbers(*active[1])


def test_two_customers_become_one_and_can_be_separated_again(console: Console) -> None:
    merges = console.application.customer_merges
    stays, goes = two_customers(console)
    keys = merges.merge(stays, goes, "same person", make_actor())

    assert keys == (stays.debtor, merged_key(goes.relation))
    pairs = links(console, "customers", Kind.RELATION)
    assert (pairs[stays.debtor], goes.debtor in pairs) == (stays.relation, False)
    pairs = links(console, "orders", Kind.DEBTOR)
    assert (pairs[stays.relation], pairs[goes.relation]) == (stays.debtor, stays.debtor)
    plan = console.preview("customers", *keys)
    assert {key: row.change.action for key, row in console.lines(plan).items() if row.change} == {
        merged_key(goes.relation): Action.RETIRE
    }
    console.commit(plan)
    assert relation(console, goes.relation)["active"] is False
    assert relation(console, stays.relation).get("active") is not False
    assert console.preview("customers").state is RunState.DONE  # the merged debtor is not created again

    (merge,) = merges.list_merges()
    keys = merges.separate(merge, "", make_actor())
    assert keys == (stays.debtor, goes.debtor)
    assert links(console, "customers", Kind.RELATION)[goes.debtor] == goes.relation
    assert links(console, "orders", Kind.DEBTOR)[goes.relation] == goes.debtor
    console.run("customers", *keys)
    assert relation(console, goes.relation).get("active") is not False
    assert console.preview("customers").state is RunState.DONE


def test_a_merge_is_refused_that_is_impossible_or_would_be_undone_in_the_middle(console: Console) -> None:
    merges = console.application.customer_merges
    stays, goes = two_customers(console)
    with pytest.raises(IntegrationError, match="merge_impossible"):
        merges.merge(stays, CustomerNumbers(relation=stays.relation), "", make_actor())
    merges.merge(stays, CustomerNumbers(relation=goes.relation), "", make_actor())  # its debtor goes too
    assert goes in [merge.goes for merge in merges.list_merges()]
    with pytest.raises(IntegrationError, match="merge_impossible"):
        merges.merge(stays, goes, "", make_actor())


def decisions(console: Console, number: int) -> list[tuple[str, str, str, dict[str, str]]]:
    """Return action, person, reason and numbers of the newest audit entries, the oldest first."""
    facts = ("debtor", "relation", "from_debtor", "from_relation")
    entries = console.application.audit.entries(limit=number)
    return [
        (entry.action, entry.actor, entry.reason, {name: entry.facts[name] for name in facts if name in entry.facts})
        for entry in reversed(entries)
    ]


def test_decisions_about_two_customers_are_in_the_audit_log(console: Console) -> None:
    merges, stores = console.application.customer_merges, stores_in(console.application)
    stays, goes = two_customers(console)
    numbers = {"debtor": stays.debtor, "relation": stays.relation}
    numbers |= {"from_debtor": goes.debtor, "from_relation": goes.relation}
    els = {"": {"email": "els@one-person.example"}}
    pairs = [(customer.debtor, customer.relation) for customer in (stays, goes)]
    stores.links.keep(
        "customers", [Link(Kind.RELATION, *numbers_pair, evidence=Evidence(els, els)) for numbers_pair in pairs]
    )

    def is_proposed() -> bool:
        return any({*candidate.customers} == {stays, goes} for candidate in merges.candidates())

    assert is_proposed()
    for _ in range(2):
        merges.dismiss_pair(stays, CustomerNumbers(goes.debtor), "father and son", make_actor("els"))
    assert not is_proposed()
    (pair,) = merges.list_dismissed_pairs()
    merges.undo_dismissal(pair, make_actor("bram"))
    assert is_proposed()
    merges.merge(stays, goes, "same person", make_actor("els"))
    merge = next(candidate for candidate in merges.list_merges() if candidate.goes == goes)
    merges.separate(merge, "", make_actor("bram"))
    audited_decisions = [
        decision for decision in decisions(console, 8) if decision[0].startswith("customer") and decision[3] == numbers
    ]
    assert audited_decisions == [
        ("customer_pair_dismissed", "els", "father and son", numbers),
        ("customer_pair_proposed_again", "bram", "", numbers),
        ("customers_merged", "els", "same person", numbers),
        ("customers_separated", "bram", "", numbers),
    ]


def test_a_merge_ends_the_question_which_of_two_relations_a_debtor_is(console: Console) -> None:
    application = console.application
    debtor = {"SUB_NR": "30001", "ACCT_NAME": "Tweeling", "MAIL_BUS": "twee@ling.example", "CITY": "Zeist"}
    debtor |= {"ACCT_NR": "1300", "CNT_CODE": "NL", "COUNTRY": "Nederland", "CUR_CODE": "EUR"}
    first, second = (console.till_client.customer("Tweeling", "twee@ling.example") for _ in range(2))
    console.sandbox.accountview.add("CONTACT", debtor)
    console.run("customers")
    pair = next(candidate.customers for candidate in application.customer_merges.candidates() if not candidate.shared)
    assert {customer.relation for customer in pair} == {str(first), str(second)}
    keys = application.customer_merges.merge(*pair, "same person", make_actor())
    console.run("customers", *keys, "30001")
    console.run("customers")
    assert links(console, "customers", Kind.RELATION)["30001"] == pair[0].relation


def test_a_merged_customer_is_erased_by_any_of_their_numbers(console: Console) -> None:
    stays, goes = two_customers(console)
    console.application.customer_merges.merge(stays, goes, "", make_actor())
    persons = console.application.data_subjects
    customers = [persons.customer(debtor=customer.debtor) for customer in (stays, goes)]
    customers += [persons.customer(relation=customer.relation) for customer in (stays, goes)]
    numbers = {("debtor", stays.debtor), ("relation", stays.relation), ("debtor", goes.debtor)}
    numbers |= {("relation", goes.relation)}
    assert [set(customer.numbers) for customer in customers] == [numbers] * 4
    persons.erase(customers[1], goes.debtor, make_actor())
    parked = stores_in(console.application).links.get("customers", Kind.RELATION, [merged_key(goes.relation)])
    assert parked[merged_key(goes.relation)].agreed is None
