"""Pictures of products: a product gets the first picture of its articles, compared by content."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from integration.core.errors import IntegrationError
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.plan import Action, Change, Policy
from integration.core.records import Kind, Record
from integration.core.rules import EMPTY, as_text
from integration.core.staged_records import StagedRecord
from integration.flows.spec import TargetRecord

CONTENT = "content"
# A picture that somebody replaced at the till stays. If both sides changed, it is a conflict.
OWNED: Policy = {f"{Kind.PICTURE}.{CONTENT}": Ownership.KEEP_UNLESS_CHANGED}

# Returns for each file name the picture with `content` and `size`, or why there is none.
Read = Callable[[Sequence[str]], Sequence[Record | IntegrationError]]


def _read_no_files(files: Sequence[str]) -> Sequence[Record | IntegrationError]:
    del files
    return ()


@dataclass(frozen=True, slots=True)
class ProductPictures:
    """Stages pictures: `field` is the article field with the file name; empty means that pictures are off.

    `linked` returns the products with a picture that we sent.
    """

    field: str = ""
    read_files: Read = _read_no_files
    linked: Callable[[Sequence[str]], Mapping[str, Record]] = lambda _: {}

    def staged(self, articles: Sequence[Record], parent: Callable[[Record], str]) -> list[StagedRecord]:
        """Return for each article its picture, the reason why it has none, or the removal of its former picture."""
        if not self.field:
            return []
        files = {article.key: as_text(article.values.get(self.field)).strip() for article in articles}
        file_names = list(dict.fromkeys(filter(None, files.values())))
        pictures = dict(zip(file_names, self.read_files(file_names), strict=True)) if file_names else {}
        bare = [parent(article) for article in articles if not files[article.key]]
        sent_pictures = self.linked(bare) if bare else {}
        staged = []
        for article in articles:
            key, title = parent(article), as_text(article.values.get("name")) or article.key
            picture = pictures.get(files[article.key])
            if isinstance(picture, IntegrationError):
                facts = {"key": article.key, "article": article.key, **picture.facts}
                staged.append(
                    StagedRecord(article.key, key, title, issue=Issue(picture.code, article.key, "picture", facts))
                )
            elif picture is not None:
                values = {"product": key, "file": files[article.key], **picture.values}
                staged.append(
                    StagedRecord(article.key, key, title, record=Record(Kind.PICTURE, key, values, source=article.key))
                )
            elif key in sent_pictures:
                removal = Record(Kind.PICTURE, key, {"product": key, CONTENT: None}, source=article.key)
                staged.append(StagedRecord(article.key, key, title, record=removal))
        return staged


def product_picture(members: Sequence[StagedRecord]) -> TargetRecord:
    """Return the first picture of a product's articles; it is removed when no article names one any more."""
    parked = tuple(member.issue for member in members if member.issue)
    with_picture = [member for member in members if member.record is not None]
    chosen = next(
        (member for member in with_picture if member.record and member.record.values[CONTENT] not in EMPTY), None
    )
    if chosen is None and not parked:
        chosen = next(iter(with_picture), None)
    title = (chosen or members[0]).title
    return TargetRecord(chosen.record if chosen else None, title, parked=parked)


def picture_removal(change: Change) -> Change:
    """Return the undo of a created picture: a change that removes the picture."""
    nothing = Record(Kind.PICTURE, change.key, {CONTENT: None})
    return replace(change, action=Action.UPDATE, desired=nothing, before=change.desired, agreed=nothing, kept_paths=())
