"""A small, safe filter language: ``algorithm = 'ppo' and metrics.mean_return > 400 and 'baseline' in tags``.

The text is parsed by Python's own parser and never evaluated: a short list of node types is turned into closures,
and anything else is refused.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from types import UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin

from rlkit.errors import QueryError, did_you_mean

Field = tuple[str, ...]
"""The way to a value in a document: ``("metrics", "mean_return")``."""

_Value = Callable[[Mapping[str, Any]], Any]
_D = TypeVar("_D", bound=Mapping[str, Any])

_MAX_LENGTH = 10_000
_MAX_DEPTH = 40
_EXAMPLE = "Write for example: algorithm = 'ppo' and metrics.mean_return > 400 and 'baseline' in tags"
_LITERALS = {"none": None, "null": None, "true": True, "false": False}
# A quoted string is left alone; a single = becomes ==; the words of SQL may be in capitals, as they are there.
_TOKENS = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<compare>[<>!=]=)|(?P<equal>=)|(?P<word>\b[A-Z]+\b)""",
)
_KEYWORDS = {"AND", "OR", "NOT", "IN"}


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def both_fit(left: Any, right: Any) -> bool:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        return (numbers or (isinstance(left, str) and isinstance(right, str))) and compare(left, right)

    return both_fit


def _contains(item: Any, container: Any) -> bool:
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    return isinstance(container, list | tuple | dict) and item in container


_ORDERS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    **{order: _ordered(compare) for order, compare in _ORDERS.items()},
    ast.In: _contains,
    ast.NotIn: lambda item, container: not _contains(item, container),  # codespell:ignore notin
}


@dataclass(frozen=True)
class Constant:
    """A value that stands in an expression."""

    value: Any


class Comparison(NamedTuple):
    """One comparison of an expression.

    Attributes:
        text: The comparison as it is written.
        left: A constant or a field; None for an expression.
        operation: How they are compared.
        right: As ``left``.
    """

    text: str
    left: Constant | Field | None
    operation: type[ast.cmpop]
    right: Constant | Field | None


class Filter:
    """A search expression, ready to be applied to documents; TinyDB takes it wherever it takes a query.

    A field that a document lacks is None there: it equals ``none``, and neither ``<`` nor ``in`` ever holds.

    Args:
        text: The expression.

    Attributes:
        fields: The fields that it names.
        comparisons: What it compares: see :func:`check_comparisons`.

    Raises:
        QueryError: The text is not an expression of this language.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields: list[Field] = []
        self.comparisons: list[Comparison] = []
        self.matches = self._compiled(_parsed(text))

    def __call__(self, value: Mapping[str, Any]) -> bool:
        """Tell whether a document fulfils the expression."""
        return bool(self.matches(value))

    def is_cacheable(self) -> bool:
        """Tell TinyDB not to remember results: the same text may be compiled again."""
        return False

    def _compiled(self, node: ast.expr) -> _Value:
        match node:
            case ast.BoolOp(op=operation, values=values):
                return _joined(_both if isinstance(operation, ast.And) else _either, map(self._compiled, values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self._compiled(operand)
                return lambda document: not inner(document)
            case ast.Compare():
                return self._comparison(node)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._field(node)
            case _:
                constant = self._constant(node)
                return lambda _document: constant

    def _comparison(self, node: ast.Compare) -> _Value:
        values = [self._compiled(value) for value in [node.left, *node.comparators]]
        if not all(type(compare) in _COMPARISONS for compare in node.ops):
            raise self._refused(node)
        # 1 < x < 2 is two comparisons
        sides = [node.left, *node.comparators]
        for order, left, right in zip(node.ops, sides, sides[1:], strict=False):
            told = ast.unparse(ast.Compare(left, [order], [right]))
            self.comparisons.append(Comparison(told, self._side(left), type(order), self._side(right)))
        steps = zip(node.ops, values, node.comparators, values[1:], strict=False)
        return _joined(_both, (_compared(type(order), left, node, right) for order, left, node, right in steps))

    def _side(self, node: ast.expr) -> Constant | Field | None:
        if not _is_literal(node) and isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            return _path(node)
        try:
            return Constant(self._constant(node))
        except QueryError:  # an expression in parentheses
            return None

    def _field(self, node: ast.Name | ast.Attribute | ast.Subscript) -> _Value:
        if _is_literal(node):
            constant = self._constant(node)
            return lambda _document: constant
        field = _path(node)
        if field is None:
            raise self._refused(node)
        self.fields.append(field)
        return getter(field)

    def _constant(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=str() | int() | float() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Name(id=name) if name.lower() in _LITERALS:
                return _LITERALS[name.lower()]
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return [self._constant(part) for part in parts]
        raise self._refused(node)

    def _refused(self, node: ast.AST) -> QueryError:
        problem = f"The search {self.text!r:.200} has {ast.unparse(node)!r:.200}, which a search cannot have."
        return QueryError(problem, _EXAMPLE)


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.lower() in _LITERALS


def _path(node: ast.expr) -> Field | None:
    """Return the field that is written as ``git.commit`` or ``metrics['eval/return']``; None for anything else."""
    path: list[str] = []
    while True:
        match node:
            case ast.Name(id=name):
                return (name, *reversed(path))
            case ast.Attribute(value=node, attr=name) | ast.Subscript(value=node, slice=ast.Constant(value=str(name))):
                path.append(name)
            case _:
                return None


def _joined(join: Callable[[_Value, _Value], _Value], values: Iterable[_Value]) -> _Value:
    """Join values two by two, so that a thousand of them are ten calls deep."""
    left = list(values)
    while len(left) > 1:
        pairs = zip(left[::2], left[1::2], strict=False)
        left = [*(join(one, other) for one, other in pairs), *(left[-1:] if len(left) % 2 else [])]
    return left[0]


# A search asks ten thousand documents: closures of two parts take a third of the time of loops over lists.
def _both(left: _Value, right: _Value) -> _Value:
    return lambda document: left(document) and right(document)


def _either(left: _Value, right: _Value) -> _Value:
    return lambda document: left(document) or right(document)


def _compared(operation: type[ast.cmpop], left: _Value, node: ast.expr, right: _Value) -> _Value:
    if operation in _ORDERS and isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        order, number = _ORDERS[operation], node.value
        # What most searches do: metrics.mean_return > 400.
        return lambda document: isinstance(value := left(document), int | float) and order(value, number)
    compare = _COMPARISONS[operation]
    return lambda document: compare(left(document), right(document))


def getter(field: Field) -> _Value:
    """Return what looks up a field: ``value_at`` with the way to the value given beforehand."""
    if len(field) == 1:
        (key,) = field
        return lambda document: document.get(key)
    if len(field) == 2:  # noqa: PLR2004 - such as metrics.mean_return, which most searches ask for
        first, second = field

        def value(document: Mapping[str, Any]) -> Any:
            holder = document.get(first)
            return holder.get(second) if isinstance(holder, dict) else None

        return value
    return lambda document: value_at(document, field)


def value_at(document: Mapping[str, Any], field: Field) -> Any:
    """Look up a field.

    Args:
        document: Nested dicts.
        field: The way to the value.

    Returns:
        The value, or None where there is none.
    """
    value: Any = document
    for key in field:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def written(field: Field) -> str:
    """Write a field as a search names it: ``metrics.mean_return``, ``metrics['eval/return']``."""
    first, *rest = field
    plain = (part.isidentifier() and not iskeyword(part) for part in rest)
    return first + "".join(
        f".{part}" if is_plain else f"[{part!r}]" for part, is_plain in zip(rest, plain, strict=True)
    )


def check_fields(fields: Iterable[Field], documents: Sequence[Mapping[str, Any]], known: Collection[str]) -> None:
    """Refuse fields that no version has, since they are most likely misspelt.

    A part that is empty in every version, such as the metrics before the first one is recorded, may be asked
    for anything.

    Args:
        fields: What a search or an order names.
        documents: All versions.
        known: Fields that a version can have, without what is inside them.

    Raises:
        QueryError: A field is unknown; the message offers the nearest one.
    """
    for field in fields:
        if field[0] not in known:
            near = difflib.get_close_matches(field[0], known, 1) if len(field) > 1 else []
            names = [*known, *(name for document in documents for name in _names(document))]
            meant = written((near[0], *field[1:])) if near else ""
            remedy = f"Did you mean {meant!r}?" if meant else did_you_mean(written(field), names)
            raise QueryError(f"A version has no field {written(field)!r:.200}.", remedy)
        if not documents or any(_has(document, field) for document in documents):
            continue
        if len(field) > 1 and not any(value_at(document, field[:1]) for document in documents):
            continue
        names = [name for document in documents for name in _names(document)]
        problem = f"No version has a field {written(field)!r:.200}."
        raise QueryError(problem, did_you_mean(written(field), names))


_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "none"}
_CONTAINERS = {list: "a list", tuple: "a list", dict: "a table"}


def _kinds(annotation: Any) -> set[str] | None:
    """Return the kinds of values that a type allows, in words; None for any."""
    if annotation is Any:
        return None
    origin = get_origin(annotation) or annotation
    if origin in (Union, UnionType):
        parts = [_kinds(part) for part in get_args(annotation)]
        return None if None in parts else set().union(*parts)  # type: ignore[arg-type] # no None is left
    return {_KINDS.get(origin) or _CONTAINERS.get(origin) or "something else"}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a list")


def _inside(annotation: Any) -> Any:
    """Return the type of what is inside a table or a list; any where that is not known."""
    for part in [annotation, *get_args(annotation)] if get_origin(annotation) in (Union, UnionType) else [annotation]:
        if get_origin(part) in _CONTAINERS and get_args(part):
            return get_args(part)[1 if get_origin(part) is dict else 0]
    return Any


def _kinds_of(side: Constant | Field | None, types: Mapping[str, Any]) -> set[str] | None:
    if isinstance(side, Constant):
        return {_kind(side.value)}
    if side is None:
        return {"true or false"}
    annotation = types.get(side[0], Any)
    for _ in side[1:]:
        annotation = _inside(annotation)
    kinds = _kinds(annotation)
    return None if kinds is None else {*kinds, "none"}


def check_comparisons(comparisons: Iterable[Comparison], types: Mapping[str, Any]) -> None:
    """Refuse comparisons that can never hold, such as ``version = '1'``: a search would find nothing, and not say why.

    Args:
        comparisons: What a search compares.
        types: The type of each field.

    Raises:
        QueryError: One can never hold; the message says what the field is.
    """
    for comparison in comparisons:
        left, right = (_kinds_of(side, types) for side in (comparison.left, comparison.right))
        if comparison.operation in (ast.In, ast.NotIn):  # codespell:ignore notin
            _check_membership(comparison, left, types)
        elif left is not None and right is not None:
            ordered = comparison.operation in _ORDERS
            fitting = (left & right) - ({"none", "true or false", "a list", "a table"} if ordered else set())
            if not fitting:
                raise _never(comparison, left, right)


def _check_membership(comparison: Comparison, left: set[str] | None, types: Mapping[str, Any]) -> None:
    container = comparison.right
    if isinstance(container, Constant) and isinstance(container.value, list):
        for part in container.value:
            kind = {_kind(part)}
            if left is not None and not left & kind:
                raise _never(comparison, left, kind)
        return
    kinds = _kinds_of(container, types)
    if kinds is None or left is None:
        return
    inside: set[str] | None = {"text"}  # part of a text, or a key of a table
    if "a list" in kinds and isinstance(container, tuple):
        inside = _kinds(_inside(types.get(container[0], Any)))
    if not kinds & {"text", "a list", "a table"} or (inside is not None and not left & inside):
        raise _never(comparison, left, kinds)


def _never(comparison: Comparison, left: set[str], right: set[str]) -> QueryError:
    """Return the error for a comparison that can never hold, with the way to write the constant in it."""
    sides = ((comparison.left, left), (comparison.right, right))
    told = [f"{written(side)} is {_words(kinds)}" for side, kinds in sides if isinstance(side, tuple)]
    problem = f"{comparison.text:.200} can never hold: {' and '.join(told) or 'these are of different kinds'}."
    return QueryError(problem, "Write text in quotes, and numbers without: version = 3 and created > '2025-06'.")


def _words(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds - {"none"})) or "none"


def ordered(documents: Iterable[_D], order_by: str) -> list[_D]:
    """Sort documents by one field; those without a value come last in either direction.

    Args:
        documents: What to sort.
        order_by: A field such as ``"created"``; with ``-`` before it, the largest comes first.

    Returns:
        The sorted documents; those with equal values keep their order.
    """
    get = getter(order_field(order_by))
    filled: list[tuple[Any, _D]] = []
    empty: list[_D] = []
    for document in documents:
        value = get(document)
        if _is_missing(value):
            empty.append(document)
        else:
            filled.append((_rank(value), document))
    filled.sort(key=operator.itemgetter(0), reverse=order_by.strip().startswith("-"))
    return [document for _, document in filled] + empty


def order_field(order_by: str) -> Field:
    """Return the field that ``order_by`` names.

    Raises:
        QueryError: It names none.
    """
    if not isinstance(order_by, str):
        problem = f"order_by must be the name of a field, and {order_by!r:.80} is a {type(order_by).__name__}."
        raise QueryError(problem, "Write for example: order_by='-metrics.mean_return'")
    text = order_by.strip().removeprefix("-").strip()
    try:
        field = _path(_parsed(text))
    except QueryError:
        field = None
    if field is None:
        problem = f"order_by must be the name of a field, and it is {order_by!r:.80}."
        first, dot, rest = text.partition(".")
        example = f"-{written((first, rest))}" if dot and first.isidentifier() else "-metrics.mean_return"
        raise QueryError(problem, f"Write for example: order_by={example!r:.120}")
    return field


def _parsed(text: str) -> ast.expr:
    if not text.strip() or len(text) > _MAX_LENGTH:
        problem = f"A search must have between 1 and {_MAX_LENGTH} characters."
        raise QueryError(problem, _EXAMPLE)
    try:
        parsed = ast.parse(_TOKENS.sub(_pythonic, text).strip(), mode="eval").body
        _check_depth(parsed)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        problem = f"The search {text!r:.200} cannot be understood: {reason}."
        raise QueryError(problem, _EXAMPLE) from None
    return parsed


def _check_depth(node: ast.AST) -> None:
    """Refuse what is nested so deeply that to walk through it could take more calls than Python allows.

    Raises:
        ValueError: It is.
    """
    level: list[ast.AST] = [node]
    for _ in range(_MAX_DEPTH):
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]
    if level:
        message = f"it is nested more than {_MAX_DEPTH} levels deep"
        raise ValueError(message)


def _pythonic(token: re.Match[str]) -> str:
    if token["equal"]:
        return "=="
    if token["word"] in _KEYWORDS:
        return token[0].lower()
    return token[0]


def _has(document: Mapping[str, Any], field: Field) -> bool:
    holder = value_at(document, field[:-1])
    return isinstance(holder, Mapping) and field[-1] in holder and not field[0].startswith("_")


def _names(document: Mapping[str, Any], above: Field = ()) -> Iterable[str]:
    for key, value in document.items():
        if key.startswith("_") and not above:
            continue
        yield written((*above, key))
        if isinstance(value, Mapping):
            yield from _names(value, (*above, key))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before text before the rest, so that unlike values can stand in one list."""
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (2, str(value))
