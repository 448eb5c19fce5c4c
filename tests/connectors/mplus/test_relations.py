"""Customers at the till, against the till sandbox: found by exact evidence, written whole."""

import itertools
from decimal import Decimal
from typing import Any

import httpx
import pytest
from lxml import etree

from integration.connectors.mplus.client import NAMESPACE, Client, qualified
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.relations import TillRelations
from integration.core.errors import InDoubtError, RejectedError
from integration.core.plan import differences
from integration.core.records import Kind, Record, Unreadable, Value
from integration.sandbox.server import Sandbox
from tests.builders import a_create, an_update_at
from tests.connectors.contract import CustomerTargetContract
from tests.connectors.mplus.tills import NOWHERE, a_till, answering, call_names, create, look
from tests.fakes import Links
from tests.timeouts import LATE, wait_until

SERIALS = itertools.count(1)
ARTICLES = 10


@pytest.fixture
def serial() -> int:
    """A number no other test uses."""
    return next(SERIALS)


def a_customer(key: str, **values: Value) -> Record:
    """Return a customer with a name."""
    return Record(Kind.RELATION, key, {"name": f"Klant {key}", **values})


@pytest.fixture
def customer(serial: int) -> Record:
    """A customer with every word of ours."""
    return a_customer(
        f"D{serial}",
        company="Jansen Fietsen B.V.",
        contact="Femke Jansen",
        street="Oudegracht 12",
        postcode="3511 AB",
        city="Utrecht",
        country="NL",
        delivery_street="Laan 1",
        delivery_postcode="3701 AA",
        delivery_city="Zeist",
        delivery_country="NL",
        phone="030-1234567",
        mobile="06-12345678",
        email=f"Femke.{serial}@Jansen.example",
        website="https://jansen.example",
        vat_number=f"NL8001000{serial:02}B01",
        chamber_number="30000000",
        external_id=f"D{serial}",
        code=f"J-{serial}",
        price_group="2",
        discount_percent=Decimal(15),
        payment_days=Decimal(30),
        credit_limit=Decimal("2500.50"),
        vat_method="exclusive",
        iban="NL91ABNA0417164300",
        active=True,
    )


def stored_relation(sandbox: Sandbox, number: str) -> dict[str, Any]:
    """Return a relation as the till keeps it."""
    return next(
        relation for relation in sandbox.state("relations", "mplus") if str(relation["relationNumber"]) == number
    )


def add_unknown_fields(till: Mplus, number: str) -> None:
    """Give a relation a field that no description has and one that we never write, as a newer till would."""
    client = Client(till.settings)
    relation = next(client.read("getRelations", request={"relationNumbers": [number]}).iter(qualified("relation")))
    etree.SubElement(relation, qualified("birthStone")).text = "opal"
    client.write_whole("updateRelation", relation)
    client.close()


class TestContract(CustomerTargetContract):
    """The contract of every target of customers."""

    @pytest.fixture
    def connector(self, till: Mplus) -> Mplus:
        """A connection that knows nothing yet."""
        return till

    @pytest.fixture
    def customer(self, serial: int) -> Record:
        """A customer no other test has."""
        marks = {"email": f"klant.{serial}@post.example", "vat_number": f"NL8002000{serial:02}B01"}
        return a_customer(f"D{serial}", city="Houten", phone="030-1", **marks)


def test_every_word_of_ours_is_written_and_read_back_equal(till: Mplus, links: Links, customer: Record) -> None:
    current = create(till, customer, links)
    assert differences(customer, current.record) == ()
    assert (current.reference, current.evidence) == (links.references[Kind.RELATION, customer.key], "link")


def test_a_create_answers_the_marker_that_a_look_shows(till: Mplus, links: Links, customer: Record) -> None:
    result = till.write(a_create(customer), None, links, "t")
    assert look(till, customer, links).marker == result.marker


def test_a_new_relation_carries_our_key_as_its_external_id(
    sandbox: Sandbox, till: Mplus, links: Links, serial: int
) -> None:
    current = create(till, a_customer(f"D{serial}"), links)
    assert stored_relation(sandbox, current.reference)["extRelationId"] == f"D{serial}"


def test_an_update_keeps_fields_we_do_not_know_and_fields_we_do_not_own(
    sandbox: Sandbox, till: Mplus, links: Links, customer: Record
) -> None:
    number = create(till, customer, links).reference
    sandbox.till.edit("relations", number, {"points": 12, "extraText": "Belt eerst"})
    add_unknown_fields(till, number)
    before = stored_relation(sandbox, number)
    current = look(till, customer, links)
    result = till.write(an_update_at(current.record, {"contact": "Koen Jansen"}), current, links, "t")
    after = stored_relation(sandbox, number)
    moved = {"contact", "syncMarker", "changeTimestamp"}
    assert (after["contact"], after["birthStone"], after["points"]) == ("Koen Jansen", "opal", 12)
    assert {name: after[name] for name in after if name not in moved} == {
        name: before[name] for name in before if name not in moved
    }
    assert list(after) == list(before)
    assert result.marker == look(till, customer, links).marker


def test_an_update_keeps_the_order_of_the_interface_where_it_adds_a_field(
    till: Mplus, links: Links, serial: int
) -> None:
    desired = a_customer(f"D{serial}", active=True)
    current = create(till, desired, links)
    added: dict[str, Value] = {"city": "Zeist", "vat_method": "shifted", "company": "Zeist B.V."}
    till.write(an_update_at(current.record, added), current, links, "t")
    assert differences(Record(desired.kind, desired.key, added), look(till, desired, links).record) == ()


def test_a_field_can_be_emptied(till: Mplus, links: Links, customer: Record) -> None:
    current = create(till, customer, links)
    till.write(an_update_at(current.record, {"email": "", "phone": ""}), current, links, "t")
    assert look(till, customer, links).record.values["email"] == ""


def test_a_discount_travels_in_the_unit_of_the_installation(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, discounts_in="hundredths")
    desired = a_customer(f"D{serial}", discount_percent=Decimal("0.5"))
    current = create(till, desired, links)
    assert stored_relation(sandbox, current.reference)["discountPercentage"] == 50
    assert differences(desired, current.record) == ()
    till.close()


def test_a_custom_field_of_relations_is_written_and_read_back(till: Mplus, links: Links, serial: int) -> None:
    field = next(field for field in till.fields(Kind.RELATION) if field.custom and field.type == "text")
    desired = a_customer(f"D{serial}", **{field.name: "Hout"})
    current = create(till, desired, links)
    assert differences(desired, current.record) == ()
    till.write(an_update_at(current.record, {field.name: "Staal"}), current, links, "t")
    assert look(till, desired, links).record.values[field.name] == "Staal"


def test_another_simple_field_is_written_under_its_wire_name(till: Mplus, links: Links, serial: int) -> None:
    desired = a_customer(f"D{serial}", reminderEmail="boek@jansen.example", directDebit=True)
    assert differences(desired, create(till, desired, links).record) == ()


def test_what_was_edited_while_we_were_writing_is_not_undone(
    sandbox: Sandbox, till: Mplus, links: Links, customer: Record
) -> None:
    current = create(till, customer, links)
    sandbox.till.edit("relations", current.reference, {"points": 40})
    with pytest.raises(RejectedError, match="target_changed_since_plan"):
        till.write(an_update_at(current.record, {"city": "Zeist"}), current, links, "t")
    assert stored_relation(sandbox, current.reference)["points"] == 40


@pytest.mark.parametrize(
    ("evidence", "values"),
    [
        ("external_id", {}),
        ("external_id", {"external_id": "W-{serial}"}),
        ("vat_number", {"vat_number": "nl 8001.00.{serial}.b77"}),
        ("email", {"email": " femke.{serial}@JANSEN.example "}),
    ],
)
def test_a_customer_without_a_link_is_found_by_exact_evidence(
    sandbox: Sandbox, links: Links, serial: int, evidence: str, values: dict[str, str]
) -> None:
    marks: dict[str, Value] = {
        "external_id": f"W-{serial}" if "external_id" in values else f"D{serial}" if not values else "",
        "vat_number": f"NL800100{serial}B77",
        "email": f"Femke.{serial}@Jansen.example",
    }
    till = a_till(sandbox)
    result = till.write(a_create(a_customer(f"X{serial}", **marks)), None, links, "t")
    desired = a_customer(f"D{serial}", **{name: text.format(serial=serial) for name, text in values.items()})
    current = look(till, desired, Links())
    assert (current.reference, current.evidence, current.other_references) == (result.reference, evidence, ())
    till.close()


def test_a_vat_number_without_its_country_is_of_the_one_that_a_relation_is_in(
    till: Mplus, links: Links, serial: int
) -> None:
    number = f"8003000{serial:02}"
    existing = create(till, a_customer(f"X{serial}", vat_number=number, country="PT"), links)
    assert till.lookup([a_customer(f"D{serial}", vat_number=f"DE{number}")], Links()) == {}
    current = look(till, a_customer(f"D{serial}", vat_number=f"PT {number}"), Links())
    assert (current.reference, current.evidence) == (existing.reference, "vat_number")


def test_a_part_of_an_address_and_a_blank_one_match_nobody(till: Mplus, links: Links, serial: int) -> None:
    create(till, a_customer(f"X{serial}", email=f"jan.{serial}@jansen.example.nl", vat_number=""), links)
    create(till, a_customer(f"Y{serial}", email="", vat_number=""), links)
    customers = [
        a_customer(f"D{serial}", email=f"jan.{serial}@jansen.example"),
        a_customer(f"E{serial}", email="", vat_number=" "),
        a_customer(f"F{serial}"),
    ]
    assert till.lookup(customers, Links()) == {}


def test_stronger_evidence_comes_first(till: Mplus, links: Links, serial: int) -> None:
    by_email = create(till, a_customer(f"X{serial}", email=f"a.{serial}@b.example"), links)
    by_vat = create(till, a_customer(f"Y{serial}", vat_number=f"NL9{serial}B01"), links)
    desired = a_customer(f"D{serial}", email=f"a.{serial}@b.example", vat_number=f"NL9{serial}B01")
    assert look(till, desired, Links()).reference == by_vat.reference
    own = till.write(a_create(a_customer(f"D{serial}")), None, links, "t")
    current = look(till, desired, Links())
    assert (current.reference, current.evidence) == (own.reference, "external_id")
    links.references[Kind.RELATION, desired.key] = by_email.reference
    assert (look(till, desired, links).reference, look(till, desired, links).evidence) == (by_email.reference, "link")


def test_several_relations_that_fit_are_all_named_and_the_lowest_active_one_is_held(
    sandbox: Sandbox, till: Mplus, links: Links, serial: int
) -> None:
    email = f"samen.{serial}@post.example"
    numbers = [create(till, a_customer(f"{name}{serial}", email=email), links).reference for name in "XYZ"]
    desired = a_customer(f"D{serial}", email=email.upper())
    current = look(till, desired, Links())
    assert (current.reference, current.other_references) == (numbers[0], tuple(numbers[1:]))
    sandbox.till.edit("relations", numbers[0], {"active": False})
    current = look(till, desired, Links())
    assert (current.reference, current.other_references) == (numbers[1], (numbers[2],))


def test_an_inactive_relation_is_found_by_its_external_id_and_not_by_its_address(
    till: Mplus, links: Links, serial: int
) -> None:
    email = f"oud.{serial}@post.example"
    create(till, a_customer(f"X{serial}", email=email, active=False), links)
    assert till.lookup([a_customer(f"D{serial}", email=email)], Links()) == {}
    assert look(till, a_customer(f"X{serial}"), Links()).record.values["active"] is False


def test_a_relation_linked_to_another_customer_is_not_found_by_its_address(
    till: Mplus, links: Links, serial: int
) -> None:
    email = f"filiaal.{serial}@post.example"
    create(till, a_customer(f"X{serial}", email=email), links)
    other = a_customer(f"D{serial}", email=email)
    assert till.lookup([other], links) == {}
    linked = links.references[Kind.RELATION, f"X{serial}"]
    free = till.write(a_create(a_customer(f"F{serial}", email=email)), None, Links(), "t").reference
    current = look(till, other, links)
    assert (current.reference, current.other_references) == (free, (linked,))


def test_a_relation_that_carries_the_external_id_of_another_is_not_who_shares_an_address(
    sandbox: Sandbox, till: Mplus, serial: int
) -> None:
    email = f"samen.{serial}@post.example"
    first_customer, other = (a_customer(f"{name}{serial}", email=email, external_id=f"{name}{serial}") for name in "XY")
    with sandbox.switches.armed("cut_after", operation="createRelation"), pytest.raises(InDoubtError):
        till.write(a_create(first_customer), None, Links(), "t")
    with sandbox.switches.armed("cut_before", operation="createRelation"), pytest.raises(InDoubtError):
        till.write(a_create(other), None, Links(), "t")
    current = till.lookup([first_customer, other], Links())
    assert current.keys() == {first_customer.key}
    assert current[first_customer.key].evidence == "external_id"


def test_a_customer_whose_linked_relation_is_gone_is_left_out(till: Mplus, links: Links, customer: Record) -> None:
    create(till, customer, Links())
    links.references[Kind.RELATION, customer.key] = "99999999"
    assert till.lookup([customer], links) == {}


@pytest.mark.parametrize("fault", ["cut_after", "garbage", "half"])
def test_a_relation_made_without_an_answer_is_found_again(
    sandbox: Sandbox, till: Mplus, links: Links, fault: str, customer: Record
) -> None:
    till.lookup([customer], links)  # what is known from before does not hide it
    with sandbox.switches.armed(fault, operation="createRelation"), pytest.raises(InDoubtError):
        till.write(a_create(customer), None, links, "t")
    current = look(till, customer, links)
    assert (current.evidence, differences(customer, current.record)) == ("external_id", ())
    assert len(sandbox.ledger.writes()) == 1


def test_a_relation_that_becomes_visible_late_is_found_behind_later_ones(
    sandbox: Sandbox, till: Mplus, links: Links, serial: int
) -> None:
    late, prompt = a_customer(f"D{serial}"), a_customer(f"E{serial}")
    with sandbox.switches.armed("late", operation="createRelation", seconds=LATE):
        till.write(a_create(late), None, links, "t")
    till.write(a_create(prompt), None, links, "t")
    assert set(till.lookup([late, prompt], links)) == {prompt.key}
    wait_until(lambda: late.key in till.lookup([late], links), "the late relation")


def test_many_customers_are_matched_in_few_calls(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_relations=500)
    customers = [a_customer(f"D{serial}-{place}") for place in range(30)]
    for record in customers[:20]:
        till.write(a_create(record), None, links, "t")
    till.lookup(customers, links)
    sandbox.ledger.clear()
    assert len(till.lookup(customers, links)) == 20
    assert call_names(sandbox) == ["getRelations", "getRelations"]  # what changed since, and those that fit
    till.close()


def test_linked_customers_are_read_in_one_call_for_a_portion(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_relations=10)
    customers = [a_customer(f"D{serial}-{place}") for place in range(25)]
    for record in customers:
        links.references[record.kind, record.key] = till.write(a_create(record), None, links, "t").reference
    sandbox.ledger.clear()
    assert set(till.lookup(customers, links)) == {record.key for record in customers}
    assert call_names(sandbox) == ["getRelations"] * 3
    till.close()


@pytest.mark.parametrize("page", [1, 3, 8, 1000])
def test_every_relation_is_known_whatever_the_size_of_a_page(
    sandbox: Sandbox, links: Links, serial: int, page: int
) -> None:
    till = a_till(sandbox, page_relations=page)
    relations = {str(relation["relationNumber"]): relation for relation in sandbox.state("relations", "mplus")}
    customers = [
        a_customer(f"{serial}-{number}", email=relation.get("email")) for number, relation in relations.items()
    ]
    till.lookup(customers[:1], links)
    result = till.write(a_create(a_customer(f"D{serial}")), None, links, "t")
    current_records = till.lookup([*customers, a_customer(f"D{serial}")], Links())
    assert current_records[f"D{serial}"].reference == result.reference
    with_address = {number for number, relation in relations.items() if relation.get("email") and relation["active"]}
    numbers = {
        number for current in current_records.values() for number in (current.reference, *current.other_references)
    }
    assert with_address <= numbers
    till.close()


def test_changes_come_in_pages_each_relation_once_and_then_nothing(sandbox: Sandbox, links: Links, serial: int) -> None:
    till = a_till(sandbox, page_relations=3)
    since = till.read_changes(Kind.RELATION, "").stamp
    assert since
    current_records = [create(till, a_customer(f"D{serial}-{place}"), links) for place in range(8)]
    batches = [till.read_changes(Kind.RELATION, since)]
    while batches[-1].after:
        batches.append(till.read_changes(Kind.RELATION, since, batches[-1].after))
    markers = {record.key: record.values["marker"] for batch in batches for record in batch.records}
    assert markers == {current.reference: current.marker for current in current_records}
    assert till.read_changes(Kind.RELATION, batches[-1].stamp or "").records == ()
    till.close()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "bel\x07"}, "characters_not_supported"),
        ({"vat_method": "soms"}, "characters_not_supported"),
        ({"discount_percent": Decimal("2.5")}, "characters_not_supported"),
        ({"custom:bestaat niet": "x"}, "field_unknown"),
        ({"marker": "7"}, "field_unknown"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_before_any_call(
    sandbox: Sandbox, till: Mplus, links: Links, values: dict[str, Value], code: str, serial: int
) -> None:
    change = a_create(a_customer(f"D{serial}", **values))
    with pytest.raises(RejectedError) as caught:
        till.write(change, None, links, "t")
    assert (caught.value.code, caught.value.facts["customer"]) == (code, f"D{serial}")
    assert sandbox.ledger.writes() == []
    with pytest.raises(RejectedError, match=code):
        till.require_storable(change)


def test_an_update_of_a_relation_that_is_gone_is_refused(till: Mplus, links: Links, customer: Record) -> None:
    current = create(till, customer, links)
    with pytest.raises(RejectedError, match="target_record_missing"):
        till.write(an_update_at(current.record, {"city": "Zeist"}), None, links, "t")


def test_a_change_takes_one_call(sandbox: Sandbox, till: Mplus, links: Links, customer: Record) -> None:
    current = create(till, customer, links)
    change = an_update_at(current.record, {"city": "Zeist", "email": "nieuw@jansen.example"})
    sandbox.ledger.clear()
    till.write(change, current, links, "t")
    assert till.calls(change) == till.calls(a_create(customer)) == len(sandbox.ledger.writes()) == 1


def test_fields_have_one_name_each_and_what_the_till_counts_itself_is_not_offered(till: Mplus) -> None:
    names = [field.name for field in till.fields(Kind.RELATION)]
    assert len(names) == len(set(names))
    assert {"name", "company", "email", "vat_number", "reminderEmail"} <= set(names)
    assert not {"marker", "points", "balance", "accountBalance", "syncMarker"} & set(names)


# ---- contact persons


def people(sandbox: Sandbox, number: str) -> list[dict[str, Any]]:
    """Return the contact persons of a relation as the till has them, without empty values."""
    contacts = stored_relation(sandbox, number).get("contactList", {}).get("relation", [])
    return [{name: value for name, value in contact.items() if value} for contact in contacts]


def test_a_contact_person_is_written_with_a_new_customer_and_read_back(
    till: Mplus, sandbox: Sandbox, serial: int
) -> None:
    links = Links()
    desired = a_customer(f"C{serial}", contact_person="A. de Vries", contact_person_email="a@devries.example")
    current = create(till, desired, links)
    assert differences(desired, current.record) == ()
    assert people(sandbox, current.reference) == [{"name": "A. de Vries", "email": "a@devries.example"}]
    without = create(till, a_customer(f"W{serial}", contact_person=""), links)
    assert people(sandbox, without.reference) == []


def test_a_contact_person_stands_in_front_of_those_of_others_who_stay_as_they_are(
    till: Mplus, sandbox: Sandbox, serial: int
) -> None:
    links = Links()
    desired = a_customer(f"C{serial}")
    current = create(till, desired, links)
    theirs = {"relation": [{"name": "P. Bakker", "mobile": "06-1"}, {"name": "A. de Vries", "mobile": "06-2"}]}
    sandbox.till.edit("relations", current.reference, {"contactList": theirs})
    current = look(till, desired, links)
    assert current.record.values["contact_person"] == "P. Bakker"
    for name in ("A. de Vries", "N. Nieuw"):
        till.write(an_update_at(current.record, {"contact_person": name}), current, links, "t")
        current = look(till, desired, links)
        assert current.record.values["contact_person"] == name
    assert people(sandbox, current.reference) == [
        {"name": "N. Nieuw"},
        {"name": "A. de Vries", "mobile": "06-2"},
        {"name": "P. Bakker", "mobile": "06-1"},
    ]
    till.write(an_update_at(current.record, {"contact_person_email": "n@nieuw.example"}), current, links, "t")
    assert people(sandbox, current.reference)[0] == {"name": "N. Nieuw", "email": "n@nieuw.example"}


def test_a_contact_person_that_is_gone_from_the_books_is_taken_out_again(
    till: Mplus, sandbox: Sandbox, serial: int
) -> None:
    links = Links()
    desired = a_customer(f"C{serial}", contact_person="A. de Vries")
    current = create(till, desired, links)
    till.write(an_update_at(current.record, {"contact_person": None}), current, links, "t")
    assert people(sandbox, current.reference) == []
    assert "contact_person" not in look(till, desired, links).record.values


# ---- what does not say which one it is


def relations_answer(*relations: str) -> str:
    """Return an answer with these relations."""
    elements = "".join(f"<relation>{relation}</relation>" for relation in relations)
    return f'<GetRelationsResponse xmlns="{NAMESPACE}"><relationList>{elements}</relationList></GetRelationsResponse>'


@pytest.mark.parametrize(
    ("spoilt", "field"),
    [
        ("", "relationNumber"),
        ("<relationNumber/>", "relationNumber"),
        ("<relationNumber>0</relationNumber>", "relationNumber"),
        ("<relationNumber>x</relationNumber>", "relationNumber"),
        ("<relationNumber>6</relationNumber><active>misschien</active>", "active"),
    ],
)
def test_whom_a_relation_that_cannot_be_read_fits_waits_and_the_others_go_on(
    links: Links, spoilt: str, field: str
) -> None:
    rest = "<syncMarker>{}</syncMarker><email>{}@x.example</email>"
    stored_relations = {
        1: f"{spoilt}{rest.format(1, 'a')}",
        2: f"<relationNumber>7</relationNumber>{rest.format(2, 'b')}",
        3: f"<relationNumber>8</relationNumber>{rest.format(3, 'a')}",
    }

    def answer(request: httpx.Request) -> str:
        request_element = etree.fromstring(request.content)
        bound = request_element.findtext(f".//{qualified('syncMarker')}")
        if bound is not None:
            return relations_answer(
                *(relation for marker, relation in stored_relations.items() if marker >= int(bound))
            )
        numbers = [element.text for element in request_element.iter(qualified("relationNumbers"))]
        return relations_answer(
            *(
                relation
                for relation in stored_relations.values()
                if any(f"Number>{number}<" in relation for number in numbers)
            )
        )

    client = answering(answer)
    relations = TillRelations(NOWHERE, client, TillFields(NOWHERE, client))
    customers = [a_customer(key, email=f"{key}@x.example") for key in ("a", "b", "c")]
    for _ in range(2):
        current = relations.lookup(customers, links)
        assert current.keys() == {"a", "b"}
        assert isinstance(current["a"].record, Unreadable)
        assert (current["a"].record.field, current["a"].other_references) == (field, ("8",))
        assert current["b"].reference == "7"
    stored_relations[1] = f"<relationNumber>6</relationNumber>{rest.format(4, 'a')}"
    stored_relations[4] = stored_relations.pop(1)
    assert (current_record := relations.lookup(customers, links)["a"]).reference == "6"
    assert not isinstance(current_record.record, Unreadable)


@pytest.mark.parametrize("number", ["", "<relationNumber/>", "<relationNumber>x</relationNumber>"])
def test_a_linked_relation_that_does_not_say_its_number_waits_alone(links: Links, number: str) -> None:
    """Relation 7 exists without its number in the answer, and relation 9 was deleted."""
    rest = "<syncMarker>1</syncMarker>"
    stored_relations = {"6": f"<relationNumber>6</relationNumber>{rest}", "7": f"{number}{rest}"}

    def answer(request: httpx.Request) -> str:
        numbers = [
            element.text or "" for element in etree.fromstring(request.content).iter(qualified("relationNumbers"))
        ]
        return relations_answer(
            *(stored_relations[relation_number] for relation_number in numbers if relation_number in stored_relations)
        )

    client = answering(answer)
    links.references = {(Kind.RELATION, f"D{relation_number}"): relation_number for relation_number in ("6", "7", "9")}
    current_records = TillRelations(NOWHERE, client, TillFields(NOWHERE, client)).lookup(
        [a_customer(f"D{relation_number}") for relation_number in "679"], links
    )
    assert {key: isinstance(current.record, Unreadable) for key, current in current_records.items()} == {
        "D6": False,
        "D7": True,
    }
    assert current_records["D7"].reference == "7"
