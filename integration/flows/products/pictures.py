"""Pictures of products: a product gets the first picture of its articles, compared by content."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from integration.core.errors import IntegrationError
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.plan import Action, Change, Policy
from integration.core.records import Kind, Record
from integration.core.rules import EMPTY, as_text
from integration.core.staged import Staged
from integration.flows.spec import TargetRecord

CONTENT = "content"
# A picture that somebody replaced at the till stays. If both sides changed, it is a conflict.
OWNED: Policy = {f"{Kind.PICTURE}.{CONTENT}": Ownership.KEEP_UNLESS_CHANGED}

# Returns for each file name the picture with `content` and `size`, or why there is none.
Read = Callable[[Sequence[str]], Sequence[Record | IntegrationError]]


def _nothing(files: Sequence[str]) -> Sequence[Record | IntegrationError]:
    del files
    return ()


@dataclass(frozen=True, slots=True)
class ProductPictures:
    """Stages pictures: `field` is the article field with the file name; empty means that pictures are off.

    `linked` returns the products with a picture that we sent.
    """

    field: str = ""
    read: Read = _nothing
    linked: Callable[[Sequence[str]], Mapping[str, Record]] = lambda _: {}

    def staged(self, articles: Sequence[Record], parent: Callable[[Record], str]) -> list[Staged]:
        """Return for each article its picture, the reason why it has none, or the removal of its former picture."""
        if not self.field:
            return []
        files = {one.key: as_text(one.values.get(self.field)).strip() for one in articles}
        asked = list(dict.fromkeys(filter(None, files.values())))
        found = dict(zip(asked, self.read(asked), strict=True)) if asked else {}
        bare = [parent(one) for one in articles if not files[one.key]]
        sent = self.linked(bare) if bare else {}
        staged = []
        for one in articles:
            key, title = parent(one), as_text(one.values.get("name")) or one.key
            there = found.get(files[one.key])
            if isinstance(there, IntegrationError):
                facts = {"key": one.key, "article": one.key, **there.facts}
                staged.append(Staged(one.key, key, title, issue=Issue(there.code, one.key, "picture", facts)))
            elif there is not None:
                values = {"product": key, "file": files[one.key], **there.values}
                staged.append(Staged(one.key, key, title, record=Record(Kind.PICTURE, key, values, source=one.key)))
            elif key in sent:
                gone = Record(Kind.PICTURE, key, {"product": key, CONTENT: None}, source=one.key)
                staged.append(Staged(one.key, key, title, record=gone))
        return staged


def product_picture(members: Sequence[Staged]) -> TargetRecord:
    """Return the first picture of a product's articles; it is removed when no article names one any more."""
    parked = tuple(one.issue for one in members if one.issue)
    there = [one for one in members if one.record is not None]
    chosen = next((one for one in there if one.record and one.record.values[CONTENT] not in EMPTY), None)
    if chosen is None and not parked:
        chosen = next(iter(there), None)
    title = (chosen or members[0]).title
    return TargetRecord(chosen.record if chosen else None, title, parked=parked)


def picture_removal(change: Change) -> Change:
    """Return the change that removes a picture that was added where there was none."""
    nothing = Record(Kind.PICTURE, change.key, {CONTENT: None})
    return replace(change, action=Action.UPDATE, wanted=nothing, before=change.wanted, agreed=nothing, kept=())
