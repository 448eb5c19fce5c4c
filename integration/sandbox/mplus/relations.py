"""Relations: customers, suppliers and others, found by number, by marker and by their contents."""

from collections.abc import Callable

from integration.sandbox.mplus.catalogue import Markers, Stored, hash_of
from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import RefusedError, WireFields, day_of, element, written

PAGE = 1000
SEARCHABLE = frozenset(
    {
        "extRelationId",
        "name",
        "address",
        "zipcode",
        "city",
        "country",
        "deliveryAddress",
        "deliveryZipcode",
        "deliveryCity",
        "deliveryCountry",
        "contact",
        "telephone",
        "mobile",
        "email",
        "website",
        "relationCode",
        "categoryId",
        "cardNumber",
        "bankAccountNumber",
    }
)


class Relation(Stored):
    """One relation as XML, with the values for searches."""

    __slots__ = ("number", "terms")

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.terms: dict[str, str] = {}


class Relations:
    """Operations that read and change relations."""

    def __init__(self, context: TillContext, reference: Reference) -> None:
        self._context = context
        self._reference = reference
        self.relations: dict[int, Relation] = {}
        self.markers: Markers[Relation] = Markers()

    def addressed(self, number: int) -> dict[str, object]:
        """Return the name and addresses of a relation for a new document; nothing without a number."""
        if not number:
            return {}
        relation = self.fields(number)
        address = {name: relation.text(name) for name in ("name", "contact", "address", "zipcode", "city", "country")}
        return {"relationName": relation.text("name"), "deliveryAddress": address, "invoiceAddress": address}

    def operations(self) -> dict[str, Handler]:
        return {
            "createRelation": lambda request: self.create(request.child("relation")),
            "updateRelation": lambda request: self.update(request.child("relation")),
            "getRelation": self._get,
            "getRelations": self._get_all,
            "findRelation": lambda request: self._find_answer(
                self._find_matching(request.child("relation"), lambda term, text: term in text)
            ),
            "findRelationV2": self._find_v2,
        }

    def fields(self, number: int) -> WireFields:
        """Return the fields of a relation; empty if there is none."""
        relation = self.relations.get(number)
        return self._context.contract.reread(relation.xml, "Relation") if relation else WireFields()

    def create(self, relation: WireFields) -> WireFields:
        """Create a relation and return the answer."""
        number = relation.number("relationNumber") or self._free_number()
        if number in self.relations:
            message = f"Relation number {number} is already in use"
            return self._create_refusal("-FAILED-RELATION-NUMBER-ALREADY-TAKEN", message)
        if strange := self._reference.strange_fields(relation, self._reference.relation_fields):
            return self._create_refusal("-FAILED", f"Custom field {strange[0]} does not exist")
        base = self._context.build("Relation", {"active": True, "createTimestamp": self._context.now})
        marker = self._put(number, self._context.contract.merged("Relation", base, self._with_fault(relation)))
        values = {
            "relationNumber": number,
            "changeTimestamp": self._context.now,
            "syncMarker": marker,
            "errorMessage": "",
        }
        return self._context.build("CreateRelationResponse", {"result": "CREATE-RELATION-RESULT-OK", **values})

    def update(self, relation: WireFields) -> WireFields:
        """Update a relation and return the answer; omitted fields stay unchanged."""
        number = relation.number("relationNumber")
        if number not in self.relations:
            return self._update_answer("-NOT-FOUND", f"Relation {number} does not exist")
        if strange := self._reference.strange_fields(relation, self._reference.relation_fields):
            return self._update_answer("-FAILED", f"Custom field {strange[0]} does not exist")
        old = self.fields(number)
        if self._context.conventions.omitted_fields == "emptied":
            old = old.select_names("relationNumber", "createTimestamp")
        marker = self._put(number, self._context.contract.merged("Relation", old, self._with_fault(relation)))
        return self._update_answer("-OK", "", changeTimestamp=self._context.now, syncMarker=marker)

    def state(self) -> list[dict[str, object]]:
        return [self._context.contract.plain("Relation", self.fields(number)) for number in self.relations]

    def _put(self, number: int, fields: WireFields) -> int:
        marker = self.markers.new_marker()
        own = {"relationNumber": number, "syncMarker": marker, "changeTimestamp": self._context.now}
        fields = self._context.contract.merged("Relation", fields, self._context.build("Relation", own))
        new = number not in self.relations
        relation = self.relations.setdefault(number, Relation(number))
        relation.put(written(fields), marker, self._context.late)
        relation.terms = {name: value.casefold() for name, value in fields if isinstance(value, str)}
        self.markers.enter(marker, relation, new=new)
        return marker

    def _get(self, request: WireFields) -> WireFields:
        relation = self.relations.get(request.number("relationNumber"))
        if relation is None or not relation.visible_xml:
            return WireFields([("result", "GET-RELATION-RESULT-NOT-FOUND"), ("relation", WireFields())])
        return WireFields([("result", "GET-RELATION-RESULT-OK"), ("relation", relation.visible_xml)])

    def _get_all(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        numbers, category = set(ask.numbers("relationNumbers")), ask.text("categoryId")
        limit = min(ask.number("syncMarkerLimit") or PAGE, PAGE)
        fitting = (
            relation
            for relation in self.markers.objects_since(ask.number("syncMarker"))
            if (not numbers or relation.number in numbers)
            and not (len(numbers) > 1 and relation.number in self._context.conventions.only_alone)
            and (not category or relation.terms.get("categoryId") == category)
        )
        page = [relation for relation, _ in zip(fitting, range(limit), strict=False)]
        if self._context.conventions.order_within_answer == "mixed":
            page.sort(key=lambda relation: hash_of(relation.number))
        relation_list = b"".join(element("relation", relation.visible_xml) for relation in page)
        return WireFields([("relationList", relation_list)])

    def _find_v2(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        if not ask.flag("exactMatch"):
            return self._find_answer(self._find_matching(ask.child("relation"), lambda term, text: term in text))
        relation = self._find_matching(ask.child("relation"), lambda term, text: term == text)
        if (
            relation
            and self._context.conventions.exact_match_minds_case
            and not self._is_literal(relation, ask.child("relation"))
        ):
            relation = None
        return self._find_answer(relation)

    def _find_matching(self, relation: WireFields, fits: Callable[[str, str], bool]) -> Relation | None:
        """Return the relation with the lowest number that matches every term, or None."""
        if relation.number("relationNumber"):
            raise RefusedError("Do not use relationNumber when trying to find a relation. Use getRelation instead.")
        terms = [
            (name, value.strip().casefold())
            for name, value in relation
            if isinstance(value, str) and value.strip() and name in SEARCHABLE
        ]
        custom = relation.child("customFieldList").children("customField")
        birth = day_of(relation.child("birthDate"))
        if not terms and not custom and not birth:
            return None
        for number in sorted(self.relations):
            candidate = self.relations[number]
            if (
                candidate.visible_xml
                and all(fits(term, candidate.terms.get(name, "")) for name, term in terms)
                and (not custom or self._has_custom(number, custom, fits))
                and (not birth or day_of(self.fields(number).child("birthDate")) == birth)
            ):
                return candidate
        return None

    def _has_custom(self, number: int, custom_fields: list[WireFields], fits: Callable[[str, str], bool]) -> bool:
        texts = {
            row.text("fieldName"): row.text("strValue").casefold()
            for row in self.fields(number).child("customFieldList").children("customField")
        }
        return all(fits(row.text("strValue").casefold(), texts.get(row.text("fieldName"), "")) for row in custom_fields)

    def _is_literal(self, relation: Relation, terms: WireFields) -> bool:
        fields = self.fields(relation.number)
        return all(fields.text(name) == value for name, value in terms if isinstance(value, str) and name in SEARCHABLE)

    def _find_answer(self, relation: Relation | None) -> WireFields:
        if relation is None:
            return WireFields([("result", "FIND-RELATION-RESULT-NOT-FOUND")])
        return WireFields([("result", "FIND-RELATION-RESULT-OK"), ("relation", relation.visible_xml)])

    def _free_number(self) -> int:
        number = self._context.count("relation")
        return self._free_number() if number in self.relations else number

    def _with_fault(self, relation: WireFields) -> WireFields:
        """Return the relation with a wrong name, if the current fault asks for that."""
        return relation.replaced("name", f"{relation.text('name')} ~") if self._context.wrong else relation

    def _create_refusal(self, result: str, message: str) -> WireFields:
        values = {"result": f"CREATE-RELATION-RESULT{result}", "relationNumber": 0, "errorMessage": message}
        return self._context.build("CreateRelationResponse", values)

    def _update_answer(self, result: str, message: str, **values: object) -> WireFields:
        content = {"result": f"UPDATE-RELATION-RESULT{result}", "errorMessage": message, **values}
        return self._context.build("UpdateRelationResponse", content)
