"""Answers in the shape of AccountView: table names with arrays of rows, lines beside their headers."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from integration.sandbox.accountview.conventions import Conventions, EmptyAnswerForm
from integration.sandbox.accountview.dictionary import Definition, SandboxObject
from integration.sandbox.accountview.query import Refusal, shown
from integration.sandbox.accountview.tables import Projection, Row
from integration.sandbox.faults import FaultAnswer

Document = tuple[Row, Sequence[Row]]

FIELDS: Final = "DCT_FLD"
_PROJECTIONS: Final = 64


class ServerAnswers:
    """Writes rows out; which fields of which table were asked before is remembered."""

    def __init__(self, definitions: Mapping[str, Definition], conventions: Conventions) -> None:
        self._definitions = definitions
        self._conventions = conventions
        self._projections: OrderedDict[tuple[str, ...], Projection] = OrderedDict()

    def page(
        self,
        object_: SandboxObject,
        rows: Sequence[Row],
        children: Mapping[str, Sequence[Row]],
        names: tuple[str, ...] = (),
    ) -> FaultAnswer:
        """Header rows with their lines, and of both the named fields. When only header fields are named: no lines."""
        if names and object_.table == FIELDS:  # clients page by its id without asking for it
            names = (*names, f"{FIELDS}_ID")
        own, of_lines = self._split(object_, names)
        id_of = object_.table if self._definitions[object_.table].related else ""
        header = self._projection(object_.table, own, id_of)
        if not rows and self._conventions.no_hit != "empty":
            return self.nothing(self._conventions.no_hit, object_)
        parts = [self._array(object_.table, [header.write(row, number) for number, row in enumerate(rows)])]
        if object_.detail and (of_lines or not names):
            parts.append(self._lines(object_, rows, children, of_lines))
        parts += [f'"{table}":[]' for table in object_.empty]
        return FaultAnswer(200, f"{{{','.join(parts)}}}".encode())

    def documents(self, object_: SandboxObject, made: Sequence[Document]) -> FaultAnswer:
        """What was just written, complete."""
        return self.page(object_, [row for row, _ in made], {row.key: lines for row, lines in made})

    def _lines(
        self,
        object_: SandboxObject,
        rows: Iterable[Row],
        children: Mapping[str, Sequence[Row]],
        names: tuple[str, ...],
    ) -> str:
        projection = self._projection(object_.detail, names, object_.table)
        found = [
            projection.write(line, number) for number, row in enumerate(rows) for line in children.get(row.key, ())
        ]
        return self._array(object_.detail, found)

    def _split(self, object_: SandboxObject, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Which of the names are of the header, and which of its lines."""
        if not object_.detail:
            return names, ()
        header, line = self._definitions[object_.table], self._definitions[object_.detail]
        of_lines = tuple(name for name in names if header.find(name) is None and line.find(name))
        return tuple(name for name in names if name not in of_lines), of_lines

    def _projection(self, table: str, names: tuple[str, ...], id_of: str) -> Projection:
        asked = (table, id_of, *names)
        if asked not in self._projections:
            definition = self._definitions[table]
            self._projections[asked] = Projection(definition, shown(definition, names), self._conventions, id_of)
            if len(self._projections) > _PROJECTIONS:
                self._projections.popitem(last=False)
        return self._projections[asked]

    def _array(self, table: str, rows: Sequence[str]) -> str:
        if self._conventions.one_row_as_object and len(rows) == 1:
            return f'"{table}":{rows[0]}'
        return f'"{table}":[{",".join(rows)}]'

    def nothing(self, how: EmptyAnswerForm, object_: SandboxObject) -> FaultAnswer:
        """Nothing found, told in one of the ways there are."""
        match how:
            case "empty":
                return as_json({object_.table: []})
            case "absent":
                return as_json({})
            case "no_body":
                return FaultAnswer(200, b"")
            case "no_content":
                return FaultAnswer(204, b"")
            case "not_found_bare":
                return FaultAnswer(self._conventions.missing_status, b"")
            case "not_found":
                return error("Er zijn geen gegevens gevonden.", self._conventions.missing_status)

    def refused(self, no: Refusal) -> FaultAnswer:
        """The error that a refusal becomes."""
        business = 200 if self._conventions.errors_as_ok else self._conventions.invalid_status
        return error(no.message, no.status or business)


def as_json(told: object, status: int = 200) -> FaultAnswer:
    """Anything as JSON."""
    return FaultAnswer(status, json.dumps(told, ensure_ascii=False).encode())


def error(message: str, status: int) -> FaultAnswer:
    """An error in the documented body."""
    return as_json({"ErrorType": "AccountViewError", "ErrorNumbers": None, "ErrorMessage": message}, status)
