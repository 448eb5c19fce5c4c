"""Finds places where a page draws Markdown that may contain untrusted text.

Read from the source, as a type checker would: words of ours, numbers and days are Markdown, and so is what `plain` made
of foreign text; put together they still are. A name is if all that it is given is, a parameter, a result or a field of
a class if its annotation says `Markdown`. Whoever says so is looked at in turn. All else may be foreign.
"""

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Of Streamlit, what reads Markdown: the place of each such argument, then their names. `st.` or a container before it.
ELEMENTS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            "markdown", "title", "header", "subheader", "caption", "write", "success", "info", "warning", "error",
            "toast", "spinner", "status", "dialog", "popover", "expander", "toggle", "checkbox", "selectbox", "pills",
            "multiselect", "text_input", "text_area", "number_input", "date_input", "button", "form_submit_button",
            "download_button", "link_button", "menu_button", "tabs", "radio", "segmented_control", "table",
        ),
        (1, ("help", "label", "body")),
    ),
    "metric": (2, ("delta", "help")),
    "progress": (0, ("text",)),
    "page_link": (0, ("label", "help")),
    "Page": (0, ("title",)),
}  # fmt: skip
# Whose choices are Markdown too, by `format_func`; those of the others are text, and come through `option_name`.
MARKDOWN_CHOICES = {"segmented_control", "pills", "radio", "menu_button"}
TEXT_CHOICES = {"selectbox", "multiselect"}
# Shown by one function each, and by nobody else.
ROOMS = {
    "dataframe": "tables.py", "data_editor": "tables.py", "plotly_chart": "charts.py", "json": "tables.py",
    "code": "tables.py", "image": "pictures.py", "html": "application.py app.py bars.py sparkline.py",
    "badge": "layout.py",
}  # fmt: skip
NOT_DRAWN = {"text", "exception", "help", "chat_message", "iframe"}  # nobody needs them
# Words of ours: their facts, given by name, have to be Markdown where the whole is drawn as such.
WORDS = {"text", "term", "quantity_text", "flow_text", "flow_term"}
# What gives words of ours, numbers or days, or is `plain`.
SAFE = {
    "plain", "link", "coded",
    "number", "amount_text", "euros", "percentage", "span", "moment", "duration", "clock_time",
    "whole_day", "month_name",
    "long_day", "short_day", "table_day", "typed_number", "system_name", "flow_name",
    "source_to_target", "len", "int", "sum",
}  # fmt: skip
KEEPING = {"join", "lower", "rstrip", "strip", "capitalize", "format"}  # of text: Markdown stays Markdown
AROUND = {"capital", "list", "tuple", "dict", "filter", "sorted", "fromkeys", "zip", "next", "iter", "str"}
FIGURE_TYPES = {"int", "float", "Decimal", "datetime"}
CONTAINERS = {"st", "bar", "actions", "at", "place", "tools", "download"}
NUMBERS = {"version", "base", "runs"}  # facts that are numbers of ours
FIGURES = (ast.Sub, ast.Mult, ast.FloorDiv, ast.Div)


def says(annotation: ast.expr | None, aliases: set[str]) -> bool:
    """Return True if an annotation declares Markdown."""
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()
    return bool(names & aliases)


def _scoped_name(file: str, name: str) -> str:
    """Return the name of a function in the whole code; a private name includes its file."""
    return f"{file} {name}" if name.startswith("_") else name


@dataclass
class Declarations:
    """Declarations of functions and classes in all pages."""

    aliases: set[str] = field(default_factory=lambda: {"Markdown"})
    results: set[str] = field(default_factory=set)  # functions whose result is Markdown
    places: dict[str, dict[str, int]] = field(default_factory=dict)  # functions with the parameters that are
    fields: dict[str, set[str]] = field(default_factory=dict)  # classes with the fields that are
    gives: dict[str, str] = field(default_factory=dict)  # functions that give a thing of a class

    def learn(self, tree: ast.Module, file: str) -> None:  # noqa: C901 - one branch for each sort of thing
        """Read the declarations of a file."""
        for statement in tree.body:
            if (
                isinstance(statement, ast.Assign)
                and isinstance(statement.targets[0], ast.Name)
                and isinstance(statement.value, ast.Subscript)
            ):
                self.aliases |= {statement.targets[0].id} if says(statement.value, self.aliases) else set()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                if says(node.returns, self.aliases):
                    self.results.add(_scoped_name(file, node.name))
                for part in ast.walk(node.returns) if node.returns else ():
                    if isinstance(part, ast.Name) and self.fields.get(part.id):
                        self.gives[node.name] = part.id
                parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                marked = {
                    parameter.arg: at
                    for at, parameter in enumerate(parameters)
                    if says(parameter.annotation, self.aliases)
                }
                if marked:
                    self.places[_scoped_name(file, node.name)] = marked
            elif isinstance(node, ast.ClassDef):
                attributes = [
                    attribute
                    for attribute in node.body
                    if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name)
                ]
                marked_fields = {
                    attribute.target.id: at  # type: ignore[union-attr]
                    for at, attribute in enumerate(attributes)
                    if says(attribute.annotation, self.aliases)
                }
                properties = {
                    method.name
                    for method in node.body
                    if isinstance(method, ast.FunctionDef) and says(method.returns, self.aliases)
                }
                self.fields[node.name] = {*marked_fields, *properties}
                if marked_fields:
                    self.places[node.name] = marked_fields


@dataclass
class Scope:
    """A function or a file: the values of each name, and the parameters."""

    node: ast.AST
    declarations: Declarations
    file: str
    outer: "Scope | None" = None
    arguments: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)
    classes: dict[str, str] = field(default_factory=dict)  # names that hold a thing of a class of the pages
    trusted: set[str] = field(default_factory=set)  # being looked at

    def __post_init__(self) -> None:
        for node in _own_nodes(self.node):
            self._record_bindings(node)

    def _record_bindings(self, node: ast.AST) -> None:  # noqa: C901 - one branch for each sort of statement
        match node:
            case ast.arg(arg=name, annotation=annotation):
                if says(annotation, self.declarations.aliases) or _is_figure_type(annotation):
                    self.marked.add(name)
                else:
                    self.arguments.setdefault(name, []).append(None)
                for part in ast.walk(annotation) if annotation else ():
                    if isinstance(part, ast.Name) and self.declarations.fields.get(part.id):
                        self.classes[name] = part.id
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, value=value, annotation=annotation) if value is not None:
                self._bind(target, value)
            case ast.AugAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                self._bind(target, value)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                self._bind_each(target, value)
            case ast.With(items=items):
                for item in items:
                    if isinstance(item.optional_vars, ast.Name):
                        self.arguments.setdefault(item.optional_vars.id, []).append(None)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend" | "update"), args=args):
                self.arguments.setdefault(name, []).extend(args)
            case ast.MatchAs(name=name) if name:
                self.arguments.setdefault(name, []).append(None)
            case _:
                pass

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(id=name), _:
                self.arguments.setdefault(name, []).append(value)
                if isinstance(value, ast.Call) and _call_name(value) in self.declarations.gives:
                    self.classes[name] = self.declarations.gives[_call_name(value)]
            case ast.Subscript(value=ast.Name(id=name), slice=key), _:
                self.arguments.setdefault(name, []).extend((key, value))
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                for element, element_value in zip(targets, values, strict=True):
                    self._bind(element, element_value)
            case ast.Tuple(elts=targets), ast.IfExp(body=body, orelse=orelse):
                for side in (body, orelse):
                    self._bind(target, side)
            case ast.Tuple(elts=targets), _:
                for element in targets:
                    self._bind(element, value)
            case _:
                pass

    def _bind_each(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and _call_name(value) == "enumerate" and isinstance(target, ast.Tuple):
            self._bind(target.elts[0], ast.Constant(0))
            self._bind_each(target.elts[1], value.args[0])
            return
        if isinstance(value, ast.Call) and _call_name(value) == "zip" and isinstance(target, ast.Tuple):
            for element, element_value in zip(target.elts, value.args, strict=False):
                self._bind_each(element, element_value)
            return
        if (
            isinstance(value, ast.Call)
            and _call_name(value) in ("items", "values")
            and isinstance(value.func, ast.Attribute)
        ):
            value = value.func.value
        bare = value.value if isinstance(value, ast.Subscript) else value
        if isinstance(bare, ast.Name) and isinstance(target, ast.Name) and self.class_of(bare.id):
            self.classes[target.id] = self.class_of(bare.id)
        self._bind(target, value)

    def class_of(self, name: str) -> str:
        return self.classes.get(name) or (self.outer.class_of(name) if self.outer else "")

    def is_markdown(self, node: ast.expr | None) -> bool:  # noqa: C901, PLR0911 - one branch for each sort of expression
        every = self.is_markdown
        match node:
            case ast.Constant():
                return True
            case ast.JoinedStr(values=values):
                before = [ast.Constant(""), *values]
                return all(
                    every(part.value) or _is_look(previous, part.value)
                    for previous, part in zip(before, values, strict=False)
                    if isinstance(part, ast.FormattedValue)
                )
            case ast.BinOp(left=left, op=op, right=right):
                return (
                    isinstance(op, FIGURES) or (every(left) and every(right)) or _is_figure(left) or _is_figure(right)
                )
            case ast.UnaryOp() | ast.Compare():
                return True
            case ast.BoolOp(values=values) | ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
                return all(map(every, values))
            case ast.Subscript(value=ast.Dict(values=values)):
                return all(map(every, values))
            case ast.Dict(keys=keys, values=values):
                return all(every(part) for part in (*keys, *values) if part is not None)
            case ast.IfExp(body=body, orelse=orelse):
                return every(body) and every(orelse)
            case ast.NamedExpr(value=value) | ast.Starred(value=value) | ast.Lambda(body=value):
                return every(value)
            case ast.ListComp(elt=elt) | ast.GeneratorExp(elt=elt) | ast.SetComp(elt=elt):
                return every(elt)
            case ast.DictComp(key=key, value=value):
                return every(key) and every(value)
            case ast.Subscript(value=value):
                return every(value)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                return attr in self.declarations.fields.get(self.class_of(name), ()) or self._is_figure_of(attr)
            case ast.Name(id=name):
                return self._is_markdown_name(name)
            case ast.Call():
                return self._is_markdown_call(node)
            case _:
                return False

    def _is_figure_of(self, attr: str) -> bool:
        return attr in ("version", "count", "sign")  # numbers of ours; the sign of a look

    def _is_markdown_name(self, name: str) -> bool:
        if (
            name in self.marked
            or name in self.trusted
            or name in SAFE
            or _scoped_name(self.file, name) in self.declarations.results
            or name.isupper()
        ):
            return True
        if name in self.arguments:
            self.trusted.add(name)
            try:
                return all(value is not None and self.is_markdown(value) for value in self.arguments[name])
            finally:
                self.trusted.discard(name)
        if self.outer is not None:
            return self.outer._is_markdown_name(name)
        return False

    def _is_markdown_fact(self, keyword: ast.keyword) -> bool:
        """Return True if a keyword passes Markdown: one such fact, or several facts that were passed on together."""
        several = keyword.value
        if keyword.arg is None and isinstance(several, ast.Name) and several.id in self.arguments:
            return all(
                self.is_markdown(value.value if isinstance(value, ast.DictComp) else value)
                for value in self.arguments[several.id]
            )
        return self.is_markdown(several)

    def _is_markdown_call(self, node: ast.Call) -> bool:
        name = _call_name(node)
        if name in WORDS:
            return all(keyword.arg in NUMBERS or self._is_markdown_fact(keyword) for keyword in node.keywords)
        if name in SAFE or _scoped_name(self.file, name) in self.declarations.results:
            return True
        if name in KEEPING and isinstance(node.func, ast.Attribute):
            return self.is_markdown(node.func.value) and all(map(self.is_markdown, node.args))
        if name in ("get", "items", "values", "keys", "pop") and isinstance(node.func, ast.Attribute):
            return self.is_markdown(node.func.value) and all(map(self.is_markdown, node.args[1:]))
        if name == "map":
            return self.is_markdown(node.args[0])
        if name in AROUND:
            return all(map(self.is_markdown, node.args))
        return False


def _is_look(before: ast.expr, value: ast.expr) -> bool:
    """Return True if a part of a string is the name of an icon or of a colour, which are our own texts."""
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
    ends = {"icon": ":material/", "colour": ":"}.get(name)
    text = before.value if isinstance(before, ast.Constant) else None
    return ends is not None and isinstance(text, str) and text.endswith(ends)


def _is_figure_type(annotation: ast.expr | None) -> bool:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()
    return bool(names) and names <= FIGURE_TYPES


def _is_figure(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _call_name(node: ast.Call) -> str:
    return (
        node.func.id
        if isinstance(node.func, ast.Name)
        else node.func.attr
        if isinstance(node.func, ast.Attribute)
        else ""
    )


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function or file without those of nested functions."""
    waiting = deque(ast.iter_child_nodes(node))
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        waiting = deque([*ast.walk(node.args), *(node.body if isinstance(node.body, list) else [node.body])])
    while waiting:
        child = waiting.popleft()
        yield child
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(child))


def scopes(node: ast.AST, declarations: Declarations, file: str, outer: Scope | None = None) -> Iterator[Scope]:
    """Yield the scope of a file or function and of every function in it."""
    scope = Scope(node, declarations, file, outer)
    yield scope
    for child in _own_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from scopes(child, declarations, file, scope)


def untrusted_places(files: list[Path]) -> list[str]:
    """Return each place that may draw untrusted text, with file and line."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    declarations = Declarations()
    for _ in range(2):  # what is learnt first may be said by what was read before
        for file, tree in trees.items():
            declarations.learn(tree, str(file))
    places = []
    for file, tree in trees.items():
        for scope in scopes(tree, declarations, str(file)):
            places += [f"{file.name}:{line}: {finding}" for line, finding in _untrusted_places(scope, file.name)]
    return sorted(places)


def _untrusted_places(scope: Scope, file: str) -> Iterator[tuple[int, str]]:
    """Yield untrusted text that a function draws, or returns as Markdown."""
    node, declarations = scope.node, scope.declarations
    promises = isinstance(node, ast.FunctionDef) and _scoped_name(scope.file, node.name) in declarations.results - SAFE
    for child in _own_nodes(node):
        match child:
            case ast.Return(value=value) | ast.Yield(value=value) | ast.YieldFrom(value=value) if promises:
                if value is not None and not scope.is_markdown(value):
                    yield value.lineno, f"gives {ast.unparse(value)[:80]}"
            case ast.Call():
                yield from (
                    (child.lineno, f"{_call_name(child)} draws {part}")
                    for part in _untrusted_arguments(child, scope, file)
                )
            case _:
                pass


def _untrusted_arguments(call: ast.Call, scope: Scope, file: str) -> Iterator[str]:
    name, of_streamlit = _call_name(call), isinstance(call.func, ast.Attribute)
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if (
        of_streamlit
        and ast.unparse(call.func).startswith("st.")
        and (name in NOT_DRAWN or file not in ROOMS.get(name, file))
    ):
        yield "what has a function of its own"
    drawn: list[ast.expr] = []
    if of_streamlit and name in ELEMENTS and ast.unparse(call.func).partition(".")[0].strip("(") in CONTAINERS:
        places, names = ELEMENTS[name]
        drawn = [*call.args[:places], *(keywords[parameter] for parameter in names if parameter in keywords)]
        choices = keywords.get("format_func")
        if name in MARKDOWN_CHOICES:
            drawn += [choices] if choices is not None else call.args[1:2]
        elif name in TEXT_CHOICES and not (isinstance(choices, ast.Call) and _call_name(choices) == "option_name"):
            source = ast.unparse(choices)[:60] if choices is not None else "as they are"
            if choices is not None or not all(map(scope.is_markdown, call.args[1:2])):
                yield f"choices that come not through `option_name`: {source}"
    for place, at in scope.declarations.places.get(_scoped_name(scope.file, name), {}).items():
        if place in keywords:
            drawn.append(keywords[place])
        elif at < len(call.args) and not of_streamlit:
            drawn.append(call.args[at])
    yield from (ast.unparse(expression)[:100] for expression in drawn if not scope.is_markdown(expression))
