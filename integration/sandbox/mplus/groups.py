"""Article groups: a tree of categories that contain products."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from integration.sandbox.mplus.catalogue import Catalogue, Markers, Product
from integration.sandbox.mplus.context import Handler, TillContext
from integration.sandbox.mplus.contract import WireFields

ROOT = 0


@dataclass(eq=False)
class Group:
    """One group. `members` holds the position of each product, `last` the highest position ever used."""

    number: int
    parent: int
    name: str
    text: str
    sort_order: int
    last: int = 0
    marker: int = 0
    is_deleted: bool = False
    visible_at: float = 0.0
    members: dict[int, int] = field(default_factory=dict)

    @property
    def is_visible(self) -> bool:
        """True if readers see the group already."""
        return time.monotonic() >= self.visible_at

    @property
    def seen_marker(self) -> int:
        """Marker that readers get."""
        return self.marker

    def put(self, product: Product, place: int = 0) -> None:
        """Give a product a position, by default the last."""
        self.last = max(self.last, place) if place else self.last + 1
        self.members[product.number] = product.places[self.number] = place or self.last

    def in_order(self) -> list[int]:
        """Return the products by position."""
        return sorted(self.members, key=lambda number: (self.members[number], number))


class Groups:
    """Group tree, and the operations that read and change it."""

    def __init__(self, context: TillContext, catalogue: Catalogue) -> None:
        self._context = context
        self._catalogue = catalogue
        self.markers: Markers[Group] = Markers()
        self.groups: dict[int, Group] = {}

    def operations(self) -> dict[str, Handler]:
        return {
            "getArticleGroups": self._read_tree,
            "getArticleGroupChanges": self._read_changes,
            "newArticleGroup": lambda request: self._create_group(request.child("request")),
            "updateArticleGroup": lambda request: self._update(request.child("request")),
            "deleteArticleGroup": lambda request: self._delete(request.child("request")),
            "addProductsToArticleGroup": lambda request: self._add(request.child("request")),
            "replaceProductsOfArticleGroup": lambda request: self._replace(request.child("request")),
            "deleteProductsFromArticleGroup": lambda request: self._remove(request.child("request")),
        }

    def group(self, number: int) -> Group | None:
        """Return the group with this number, or None if it does not exist or is deleted."""
        group = self.groups.get(number)
        return None if group is None or group.is_deleted else group

    def children(self, parent: int, *, deleted: bool = False) -> list[Group]:
        """Return the direct subgroups in order."""
        below = [
            group for group in self.groups.values() if group.parent == parent and (deleted or not group.is_deleted)
        ]
        return sorted(below, key=lambda group: (group.sort_order, group.number))

    def create(self, parent: int, name: str, text: str, sort_order: int = 0) -> Group:
        """Create a group, last among its siblings unless a position is given."""
        place = sort_order or max((group.sort_order for group in self.children(parent)), default=0) + 1
        group = Group(self._context.count("group"), parent, name, text, place)
        group.visible_at = time.monotonic() + self._context.late if self._context.late else 0.0
        self.groups[group.number] = group
        self._assign_marker(group, new=True)
        return group

    def place(self, product: Product, places: dict[int, int]) -> None:
        """Put a product into exactly these groups; position 0 means last. Unknown groups are ignored."""
        for number in [group_number for group_number in product.places if group_number not in places]:
            self._take_out(self.groups[number], [product])
        for number, position in places.items():
            group = self.group(number)
            if group and (number not in product.places or position not in {0, product.places[number]}):
                group.put(product, position)
                self._assign_marker(group)

    def state(self) -> list[dict[str, object]]:
        """Return all groups, including deleted ones."""
        return [
            {
                "groupNumber": group.number,
                "parentGroupNumber": group.parent,
                "name": group.name,
                "text": group.text,
                "sortOrder": group.sort_order,
                "syncMarker": group.marker,
                "isDeleted": group.is_deleted,
                "productNumbers": group.in_order(),
            }
            for group in self.groups.values()
        ]

    def rename(self, number: int, name: str) -> None:
        group = self.groups[number]
        group.name = name
        self._assign_marker(group)

    def _read_tree(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        tops = ask.numbers("groupNumbers")
        group_numbers = self._changed_numbers(ask)
        roots = [group for group in self.children(ROOT, deleted=True) if not tops or group.number in tops]
        articles = ask.flag("retrieveArticleNumbers")
        nodes = [node for group in roots if (node := self._node(group, group_numbers, articles=articles))]
        return self._context.build("GetArticleGroupsResponse", {"articleGroupList": nodes})

    def _node(self, group: Group, group_numbers: set[int], *, articles: bool) -> dict[str, object] | None:
        below = [
            self._node(child, group_numbers, articles=articles) for child in self.children(group.number, deleted=True)
        ]
        nodes = [node for node in below if node]
        if not nodes and group.number not in group_numbers:
            return None
        products = group.in_order()
        return {
            **_head(group),
            "subGroupList": nodes,
            "productNumbers": products,
            "articleNumbers": list(self._articles_of(products)) if articles else None,
        }

    def _articles_of(self, products: Iterable[int]) -> Iterator[int]:
        for number in products:
            product = self._catalogue.product(number)
            yield from product.articles if product else ()

    def _read_changes(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        numbers = ask.numbers("groupNumbers")
        changed_numbers = self._changed_numbers(ask)
        rows = [
            {
                **_head(group),
                "parentGroupNumber": group.parent,
                "subGroupNumbers": [child.number for child in self.children(group.number)],
                "productNumbers": group.in_order(),
            }
            for group in self.groups.values()
            if group.number in changed_numbers and (not numbers or group.number in numbers)
        ]
        return self._context.build("GetArticleGroupChangesResponse", {"changedArticleGroupList": rows})

    def _changed_numbers(self, ask: WireFields) -> set[int]:
        marker, limit = ask.number("syncMarker"), ask.number("syncMarkerLimit")
        deleted = ask.has_name("syncMarker") and self._context.conventions.deleted_groups == "with marker"
        visible_groups = (group for group in self.markers.objects_since(marker) if group.is_visible)
        changed = [group.number for group in visible_groups if deleted or not group.is_deleted]
        return set(changed[: limit or None])

    def _create_group(self, ask: WireFields) -> WireFields:
        parent = ask.number("parentGroupNumber")
        if parent != ROOT and not self.group(parent):
            return self._answer("NewArticleGroupResponse", "NEW-ARTICLE-GROUP-RESULT-PARENT-NOTFOUND", groupNumber=0)
        if not ask.text("name").strip():
            return self._answer("NewArticleGroupResponse", "NEW-ARTICLE-GROUP-RESULT-FAILED", groupNumber=0)
        group = self.create(parent, self._name(ask), ask.text("text"), ask.number("sortOrder"))
        return self._answer("NewArticleGroupResponse", "NEW-ARTICLE-GROUP-RESULT-OK", groupNumber=group.number)

    def _update(self, ask: WireFields) -> WireFields:
        group = self.group(ask.number("groupNumber"))
        if group is None:
            return self._answer("UpdateArticleGroupResponse", "SAVE-ARTICLE-GROUP-RESULT-NOT-FOUND")
        parent = ask.number("parentGroupNumber", group.parent)
        if parent != ROOT and (not self.group(parent) or parent in self._subtree(group)):
            return self._answer("UpdateArticleGroupResponse", "SAVE-ARTICLE-GROUP-RESULT-FAILED")
        group.parent = parent
        group.name = self._name(ask) if ask.has_name("name") else group.name
        group.text = ask.text("text", group.text)
        group.sort_order = ask.number("sortOrder", group.sort_order)
        self._assign_marker(group)
        return self._answer("UpdateArticleGroupResponse", "SAVE-ARTICLE-GROUP-RESULT-OK")

    def _delete(self, ask: WireFields) -> WireFields:
        group = self.group(ask.number("groupNumber"))
        if group is None:
            return self._answer("DeleteArticleGroupResponse", "DELETE-ARTICLE-GROUP-RESULT-NOTFOUND")
        for number in self._subtree(group):
            deleted_group = self.groups[number]
            self._take_out(deleted_group, self._products(deleted_group.members))
            deleted_group.is_deleted = True
            self._assign_marker(deleted_group)
        return self._answer("DeleteArticleGroupResponse", "DELETE-ARTICLE-GROUP-RESULT-OK")

    def _add(self, ask: WireFields) -> WireFields:
        group, products = self._group_and_products(ask)
        if group is None or products is None:
            return self._answer("AddProductsToArticleGroupResponse", "ADD-PRODUCTS-TO-ARTICLE-GROUP-RESULT-NOT-FOUND")
        position = ask.number("position")
        if position:
            order = [number for number in group.in_order() if number not in {product.number for product in products}]
            order[position - 1 : position - 1] = [product.number for product in products]
            self._arrange(group, order)
        else:
            for product in products:
                if product.number not in group.members:
                    group.put(product)
                    self._catalogue.touch(product)
            self._assign_marker(group)
        return self._answer("AddProductsToArticleGroupResponse", "ADD-PRODUCTS-TO-ARTICLE-GROUP-RESULT-OK")

    def _replace(self, ask: WireFields) -> WireFields:
        type_ = "ReplaceProductsOfArticleGroupResponse"
        group, products = self._group_and_products(ask)
        if group is None or products is None:
            return self._answer(type_, "REPLACE-PRODUCTS-OF-ARTICLE-GROUP-RESULT-NOT-FOUND")
        keep = {product.number for product in products}
        removed = self._products(number for number in list(group.members) if number not in keep)
        self._take_out(group, removed)
        self._arrange(group, list(dict.fromkeys(product.number for product in products)))
        return self._answer(type_, "REPLACE-PRODUCTS-OF-ARTICLE-GROUP-RESULT-OK")

    def _remove(self, ask: WireFields) -> WireFields:
        type_ = "DeleteProductsFromArticleGroupResponse"
        group = self.group(ask.number("groupNumber"))
        if group is None:
            return self._answer(type_, "DELETE-PRODUCTS-FROM-ARTICLE-GROUP-RESULT-NOT-FOUND")
        numbers = list(group.members) if ask.flag("removeAll") else ask.child("productNumbers").numbers("number")
        self._take_out(group, self._products(number for number in numbers if number in group.members))
        self._assign_marker(group)
        return self._answer(type_, "DELETE-PRODUCTS-FROM-ARTICLE-GROUP-RESULT-OK")

    def _group_and_products(self, ask: WireFields) -> tuple[Group | None, list[Product] | None]:
        numbers = ask.child("productNumbers").numbers("number")
        products = self._products(numbers)
        return self.group(ask.number("groupNumber")), products if len(products) == len(numbers) else None

    def _products(self, numbers: Iterable[int]) -> list[Product]:
        return [product for number in numbers if (product := self._catalogue.products.get(number))]

    def _arrange(self, group: Group, order: list[int]) -> None:
        for place, number in enumerate(order, start=1):
            if group.members.get(number) != place:
                product = self._catalogue.products[number]
                group.put(product, place)
                self._catalogue.touch(product)
        self._assign_marker(group)

    def _take_out(self, group: Group, products: Iterable[Product]) -> None:
        for product in list(products):
            group.members.pop(product.number, None)
            product.places.pop(group.number, None)
            self._catalogue.touch(product)
        self._assign_marker(group)

    def _subtree(self, group: Group) -> list[int]:
        return [group.number, *(number for child in self.children(group.number) for number in self._subtree(child))]

    def _assign_marker(self, group: Group, *, new: bool = False) -> None:
        group.marker = self.markers.new_marker()
        self.markers.enter(group.marker, group, new=new)

    def _name(self, ask: WireFields) -> str:
        return f"{ask.text('name')} ~" if self._context.wrong else ask.text("name")

    def _answer(self, type_: str, result: str, **values: object) -> WireFields:
        return self._context.build(type_, {"result": result, **values})


def _head(group: Group) -> dict[str, object]:
    return {
        "groupNumber": group.number,
        "syncMarker": group.marker,
        "name": group.name,
        "text": group.text,
        "sortOrder": group.sort_order,
        "isDeleted": True if group.is_deleted else None,
    }
