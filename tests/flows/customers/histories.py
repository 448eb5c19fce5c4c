"""Random histories of customers in both systems, and their expected rows.

The second opinion knows the person behind each name, telephone number and e-mail address. A record of either system
stays that of its person, and no flow creates a second one. No two persons share an e-mail address: an equal one is
sufficient evidence that two records are one customer.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from integration.core.customer_merges import CustomerNumbers
from integration.core.records import Kind
from tests.consoles import WHO, Console
from tests.people import make_actor
from tests.stores import stores_in

FIRST_NAMES = ("Anna", "Bram", "Chantal", "Dirk", "Eva", "Fatima", "Gijs", "Hanna")
LAST_NAMES = ("Jansen", "de Wit", "Smit", "Bakker", "Visser", "Mulder", "Bos", "Peters", "Hendriks", "Dekker")
STREETS = ("Kerklaan", "Molenweg", "Dorpsstraat", "Singel")


@dataclass
class Person:
    """One person: the record numbers that people gave it, and its current e-mail address."""

    number: int
    name: str
    email: str
    debtor: str = ""
    relations: list[str] = field(default_factory=list)
    same_as: str = ""  # name of the person with whom it was merged


class CustomerHistory:
    """A shop in which random things happen to customers."""

    def __init__(self, console: Console, seed: int) -> None:
        self.console = console
        self.random = Random(seed)  # noqa: S311 - no secret: the same history for a seed
        self.people: list[Person] = []
        self.owner_of: dict[str, str] = {}  # e-mail addresses and telephone numbers, by the name of their person
        self.given_debtors: set[str] = set()
        self.given_relations: dict[str, str] = {}  # relation numbers that a cashier made, with the name
        self.steps: list[str] = []
        self.serial = 0

    # ---- what people do

    def _person(self) -> Person:
        self.serial += 1
        name = f"{self.random.choice(FIRST_NAMES)} {self.random.choice(LAST_NAMES)}{self.serial:02}"
        person = Person(self.serial, name, "")
        person.email = self._new_email(person)
        self.people.append(person)
        return person

    def _new_email(self, person: Person) -> str:
        self.serial += 1
        email = f"{person.name.split()[0].lower()}{self.serial}@klant.example"
        self.owner_of[email] = person.name
        return email

    def _new_phone(self, person: Person) -> str:
        self.serial += 1
        phone = f"06{self.serial:08}"
        self.owner_of[phone] = person.name
        return phone

    def _contact_values(self, person: Person) -> dict[str, str]:
        street = f"{self.random.choice(STREETS)} {person.number}"
        return {
            "ACCT_NAME": person.name, "MAIL_BUS": person.email, "TEL_BUS": self._new_phone(person),
            "ADDRESS1": street, "POST_CODE": "3511 AB", "CITY": "Utrecht", "CNT_CODE": "NL", "ACCT_NR": "1300",
        }  # fmt: skip

    def debtor(self) -> None:
        person = self._person()
        person.debtor = f"H{person.number:04}"
        values = {"SUB_NR": person.debtor, "SRC_CODE": f"H{person.number}", **self._contact_values(person)}
        self.console.sandbox.accountview.add("CONTACT", values)
        self.given_debtors.add(person.debtor)

    def relation(self) -> None:
        self._make_relation(self._person())

    def relation_of_a_debtor(self) -> None:
        if debtors := [person for person in self.people if person.debtor and not person.relations]:
            self._make_relation(self.random.choice(debtors))

    def _make_relation(self, person: Person) -> None:
        number = self.console.till_client.customer(person.name, person.email, telephone=self._new_phone(person))
        person.relations.append(number)
        self.given_relations[number] = person.name

    def order(self) -> None:
        if buyers := [person for person in self.people if person.relations]:
            number = self.random.choice(self.random.choice(buyers).relations)
            article = next(row for row in self.console.sandbox.state("ARTICLE") if str(row["ART_CODE"]).isdigit())
            self.console.till_client.order(str(article["ART_CODE"]), relation=number)

    def phone_in_the_books(self) -> None:
        self._edit_debtor(lambda person: {"TEL_BUS": self._new_phone(person)})

    def email_in_the_books(self) -> None:
        self._edit_debtor(lambda person: {"MAIL_BUS": self._new_email(person)})

    def _edit_debtor(self, change: Callable[[Person], dict[str, str]]) -> None:
        if debtors := [person for person in self.people if person.debtor]:
            person = self.random.choice(debtors)
            self.console.sandbox.accountview.edit("CONTACT", person.debtor, change(person))

    def email_at_the_till(self) -> None:
        if buyers := [person for person in self.people if person.relations]:
            person = self.random.choice(buyers)
            number = self.random.choice(person.relations)
            self.console.sandbox.till.edit("relations", number, {"email": self._new_email(person)})

    def number_given_to_another_person(self) -> None:
        if debtors := [person for person in self.people if person.debtor]:
            former, person = self.random.choice(debtors), self._person()
            former.debtor, person.debtor = "", former.debtor
            self.console.sandbox.accountview.edit("CONTACT", person.debtor, self._contact_values(person))

    def merge(self) -> None:
        """Merge two customers that are in both systems. From then on they are one person."""
        pairs = dict(stores_in(self.console.application).links.first_pairs("customers", Kind.RELATION, 10_000))
        linked = [person for person in self.people if person.debtor in pairs and not person.same_as]
        if len(linked) > 1:
            stays, goes = self.random.sample(linked, 2)
            first, second = (CustomerNumbers(person.debtor, pairs[person.debtor]) for person in (stays, goes))
            self.console.application.customer_merges.merge(first, second, "same person", make_actor(WHO))
            for person in self.people:
                if goes.name in (person.name, person.same_as):
                    person.same_as = stays.name

    # ---- the history

    def live(self, rounds: int) -> None:
        """Let things happen, and run both flows of customers after each round."""
        self.console.run("products")  # orders need the articles
        events = [
            self.debtor, self.debtor, self.relation, self.relation_of_a_debtor, self.order, self.phone_in_the_books,
            self.email_in_the_books, self.email_at_the_till, self.number_given_to_another_person,
            self.merge,
        ]  # fmt: skip
        for _ in range(rounds):
            for event in self.random.choices(events, k=self.random.randrange(1, 7)):
                event()
                self.steps.append(event.__name__)
            flows = ["customers", "orders"]
            self.random.shuffle(flows)
            for flow in flows:
                self.console.run(flow)
                self.steps.append(flow)

    # ---- the second opinion

    def faults(self) -> Iterator[str]:
        """Yield the records that became those of another person, and those that a flow created twice."""
        person_of = {person.name: person.same_as or person.name for person in self.people}
        relations = [row for row in self._rows("relations", "mplus") if row.get("name") in person_of]
        for row in relations:
            number, name = str(row["relationNumber"]), str(row["name"])
            if person_of[self.given_relations.get(number, name)] != person_of[name]:
                yield f"relation {number} of {self.given_relations[number]} became {name}"
            phone = str(row.get("telephone") or "")
            if person_of[self.owner_of.get(phone, name)] != person_of[name]:
                yield f"relation {number} of {name} has the telephone number of {self.owner_of[phone]}"
        own_names = [str(row["name"]) for row in relations if str(row["relationNumber"]) not in self.given_relations]
        yield from (
            f"relation of {name} created {count} times" for name, count in Counter(own_names).items() if count > 1
        )
        debtors = [row for row in self._rows("CONTACT") if row["ACCT_NAME"] in person_of]
        own_names = [str(row["ACCT_NAME"]) for row in debtors if str(row["SUB_NR"]) not in self.given_debtors]
        yield from (
            f"debtor of {name} created {count} times" for name, count in Counter(own_names).items() if count > 1
        )
        for row in debtors:
            name, phone = str(row["ACCT_NAME"]), str(row.get("TEL_BUS") or "")
            if person_of[self.owner_of.get(phone, name)] != person_of[name]:
                yield f"debtor {row['SUB_NR']} of {name} has the telephone number of {self.owner_of[phone]}"

    def _rows(self, table: str, system: str = "accountview") -> list[dict[str, Any]]:
        return list(
            self.console.sandbox.state(table, system) if system == "mplus" else self.console.sandbox.state(table)
        )


def _created_twice(kind: str, names: list[str]) -> Iterator[str]:
    return (f"{kind} of {name} created {count} times" for name, count in Counter(names).items() if count > 1)
