"""Answers in AccountView's form: table names with arrays of rows, and lines next to their headers."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from integration.sandbox.accountview.conventions import Conventions, EmptyAnswerForm
from integration.sandbox.accountview.dictionary import Definition, SandboxObject
from integration.sandbox.accountview.query import Refusal, answer_fields
from integration.sandbox.accountview.tables import Projection, Row
from integration.sandbox.faults import FaultAnswer

Document = tuple[Row, Sequence[Row]]

FIELDS: Final = "DCT_FLD"
_PROJECTIONS: Final = 64


class ServerAnswers:
    """Writes rows as JSON, and caches the projections of earlier queries."""

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
        """Return header rows with their lines, limited to the named fields. Only header fields: no lines."""
        if names and object_.table == FIELDS:  # clients page by this id without naming it
            names = (*names, f"{FIELDS}_ID")
        own, of_lines = self._split(object_, names)
        id_of = object_.table if self._definitions[object_.table].related else ""
        header = self._projection(object_.table, own, id_of)
        if not rows and self._conventions.no_hit != "empty":
            return self.empty_result(self._conventions.no_hit, object_)
        parts = [self._array(object_.table, [header.write(row, number) for number, row in enumerate(rows)])]
        if object_.detail and (of_lines or not names):
            parts.append(self._lines(object_, rows, children, of_lines))
        parts += [f'"{table}":[]' for table in object_.empty]
        return FaultAnswer(200, f"{{{','.join(parts)}}}".encode())

    def documents(self, object_: SandboxObject, documents: Sequence[Document]) -> FaultAnswer:
        """Return the written documents, complete."""
        return self.page(object_, [row for row, _ in documents], {row.key: lines for row, lines in documents})

    def _lines(
        self,
        object_: SandboxObject,
        rows: Iterable[Row],
        children: Mapping[str, Sequence[Row]],
        names: tuple[str, ...],
    ) -> str:
        projection = self._projection(object_.detail, names, object_.table)
        encoded = [
            projection.write(line, number) for number, row in enumerate(rows) for line in children.get(row.key, ())
        ]
        return self._array(object_.detail, encoded)

    def _split(self, object_: SandboxObject, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of header fields, and the names of line fields."""
        if not object_.detail:
            return names, ()
        header, line = self._definitions[object_.table], self._definitions[object_.detail]
        of_lines = tuple(name for name in names if header.find(name) is None and line.find(name))
        return tuple(name for name in names if name not in of_lines), of_lines

    def _projection(self, table: str, names: tuple[str, ...], id_of: str) -> Projection:
        cache_key = (table, id_of, *names)
        if cache_key not in self._projections:
            definition = self._definitions[table]
            self._projections[cache_key] = Projection(
                definition, answer_fields(definition, names), self._conventions, id_of
            )
            if len(self._projections) > _PROJECTIONS:
                self._projections.popitem(last=False)
        return self._projections[cache_key]

    def _array(self, table: str, rows: Sequence[str]) -> str:
        if self._conventions.one_row_as_object and len(rows) == 1:
            return f'"{table}":{rows[0]}'
        return f'"{table}":[{",".join(rows)}]'

    def empty_result(self, how: EmptyAnswerForm, object_: SandboxObject) -> FaultAnswer:
        """Return an empty result in the given form."""
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
        """Return the error answer for a refusal."""
        business = 200 if self._conventions.errors_as_ok else self._conventions.invalid_status
        return error(no.message, no.status or business)


def as_json(content: object, status: int = 200) -> FaultAnswer:
    """Return a value as a JSON answer."""
    return FaultAnswer(status, json.dumps(content, ensure_ascii=False).encode())


def error(message: str, status: int) -> FaultAnswer:
    """Return an error in the documented form."""
    return as_json({"ErrorType": "AccountViewError", "ErrorNumbers": None, "ErrorMessage": message}, status)
