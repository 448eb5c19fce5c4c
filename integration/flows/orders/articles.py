"""Articles of the books on which the lines of a document are booked."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from integration.core.compiled import CompiledMapping
from integration.core.records import Record
from integration.core.rules import as_text
from integration.flows.orders.parties import CompletedDocument, require_mapped
from integration.flows.orders.sold import sale_lines
from integration.flows.settings import TILL, RecordRejected
from integration.flows.spec import RenamedCode

ARTICLES = "articles"
LONGEST_ARTICLE = 15  # characters of an article code in the books; longer codes cannot exist there


@dataclass(frozen=True, slots=True)
class LineArticles:
    """The rule that gives the article of a line, and the substitutes for articles that the books do not have."""

    rule: CompiledMapping
    stand_in: Mapping[str, str]  # rows of the value table of articles
    collective: str  # collective article for other lines; empty: such a document waits
    renamed: Callable[[], Mapping[str, RenamedCode]] = dict  # numbers of the till that now belong to another article

    def article_codes(self, document: CompletedDocument) -> dict[str, str]:
        """Return the article code of every line that sells something; empty for a line without a code.

        Raises RecordRejected.
        """
        codes = {}
        for line in sale_lines(document.record):
            mapped = self.rule.apply(line)
            require_mapped(mapped.issues, document)
            codes[line.key] = as_text(mapped.values.get("line.article")).strip()
        return codes

    def stand_ins(self, document: CompletedDocument, codes: Mapping[str, str]) -> dict[str, str]:
        """Return by line the substitute article from the table of articles."""
        if not self.stand_in:
            return {}
        lines = {line.key: line for line in sale_lines(document.record)}
        substitutes = {
            key: self.stand_in.get(code or _article_label(lines[key]), "").strip() for key, code in codes.items()
        }
        return {key: code for key, code in substitutes.items() if code}

    def resolved_articles(
        self, document: CompletedDocument, codes: Mapping[str, str], known_codes: Collection[str]
    ) -> dict[str, str]:
        """Return the articles on which the lines are booked: their own, a substitute, or the collective article.

        Raises RecordRejected with all missing articles if there is no collective article: `article_not_linked` if none
        of them has an article code at the till. Also raises it for a substitute whose row was saved for another article
        of the till.
        """
        stand_ins = self.stand_ins(document, codes).items()
        substitutes = {key: code for key, code in stand_ins if codes[key] not in known_codes and code in known_codes}
        self._require_same_articles(document, {key: code for key, code in substitutes.items() if not codes[key]})
        resolved = {**codes, **substitutes}
        missing = [key for key, code in resolved.items() if code not in known_codes]
        if missing and not self.collective:
            lines = {line.key: line for line in sale_lines(document.record)}
            lacking = dict.fromkeys(resolved[key] or _article_label(lines[key]) for key in missing)
            cause = "article_missing" if any(resolved[key] for key in missing) else "article_not_linked"
            raise RecordRejected(cause, "line.article", article=", ".join(lacking), document=document.title)
        return {**resolved, **dict.fromkeys(missing, self.collective)}

    def _require_same_articles(self, document: CompletedDocument, stand_ins: Mapping[str, str]) -> None:
        """Raise RecordRejected for a substitute whose row was saved for another article with the same number."""
        renamed = self.renamed() if stand_ins else {}
        lines = {line.key: line for line in sale_lines(document.record)} if renamed else {}
        for key, article in stand_ins.items():
            code = _article_label(lines[key]) if lines else ""
            if code in renamed:
                facts = {"code": code, "article": article, **renamed[code]._asdict(), "system": TILL.system}
                raise RecordRejected("row_article_changed", "line.article", document=document.title, **facts)


def _article_label(line: Record) -> str:
    """Return the number or text of an article without a code, as one item of a list that is separated by commas."""
    label = as_text(line.values.get("article")) or as_text(line.values.get("text")) or "?"
    return label.replace(", ", " ")
