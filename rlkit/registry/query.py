"""A small, safe filter language: ``algorithm = 'ppo' and metrics.mean_return > 400 and 'baseline' in tags``.

The text is parsed by Python's own parser and never evaluated: a short list of node types is turned into closures,
and anything else is refused.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeVar

from rlkit.errors import QueryError, did_you_mean

Field = tuple[str, ...]
"""The way to a value in a document: ``("metrics", "mean_return")``."""

_Value = Callable[[Mapping[str, Any]], Any]
_D = TypeVar("_D", bound=Mapping[str, Any])

_MAX_LENGTH = 10_000
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


class Filter:
    """A search expression, ready to be applied to documents; TinyDB takes it wherever it takes a query.

    A field that a document lacks is None there: it equals ``none``, and neither ``<`` nor ``in`` ever holds.

    Args:
        text: The expression.

    Raises:
        QueryError: The text is not an expression of this language.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields: list[Field] = []
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
                return reduce(_both if isinstance(operation, ast.And) else _either, map(self._compiled, values))
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
        steps = zip(node.ops, values, node.comparators, values[1:], strict=False)
        return reduce(_both, (_compared(type(order), left, node, right) for order, left, node, right in steps))

    def _field(self, node: ast.Name | ast.Attribute | ast.Subscript) -> _Value:
        if isinstance(node, ast.Name) and node.id.lower() in _LITERALS:
            constant = _LITERALS[node.id.lower()]
            return lambda _document: constant
        field = self._path(node)
        self.fields.append(field)
        return getter(field)

    def _path(self, node: ast.expr) -> Field:
        match node:
            case ast.Name(id=name):
                return (name,)
            case ast.Attribute(value=value, attr=name):
                return (*self._path(value), name)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                return (*self._path(value), name)
        raise self._refused(node)

    def _constant(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=str() | int() | float() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return [self._constant(part) for part in parts]
        raise self._refused(node)

    def _refused(self, node: ast.AST) -> QueryError:
        problem = f"The search {self.text!r} has {ast.unparse(node)!r}, which a search cannot have."
        return QueryError(problem, _EXAMPLE)


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


def check_fields(fields: Iterable[Field], documents: Sequence[Mapping[str, Any]]) -> None:
    """Refuse fields that no version has, since they are most likely misspelt.

    A part that is empty in every version, such as the metrics before the first one is recorded, may be asked
    for anything.

    Args:
        fields: What a search or an order names.
        documents: All versions.

    Raises:
        QueryError: A field is unknown; the message offers the nearest one.
    """
    for field in fields:
        if not documents or any(_has(document, field) for document in documents):
            continue
        if len(field) > 1 and not any(value_at(document, field[:1]) for document in documents):
            continue
        known = {name for document in documents for name in _names(document)}
        problem = f"No version has a field {'.'.join(field)!r}."
        raise QueryError(problem, did_you_mean(".".join(field), known))


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
    filled.sort(key=operator.itemgetter(0), reverse=order_by.startswith("-"))
    return [document for _, document in filled] + empty


def order_field(order_by: str) -> Field:
    """Return the field that ``order_by`` names.

    Raises:
        QueryError: It is no string.
    """
    if not isinstance(order_by, str):
        problem = f"order_by must be the name of a field, and {order_by!r:.80} is a {type(order_by).__name__}."
        raise QueryError(problem, "Write for example: order_by='-metrics.mean_return'")
    return tuple(order_by.removeprefix("-").strip().split("."))


def _parsed(text: str) -> ast.expr:
    if not text.strip() or len(text) > _MAX_LENGTH:
        problem = f"A search must have between 1 and {_MAX_LENGTH} characters."
        raise QueryError(problem, _EXAMPLE)
    try:
        return ast.parse(_TOKENS.sub(_pythonic, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        problem = f"The search {text!r} cannot be understood: {reason}."
        raise QueryError(problem, _EXAMPLE) from None


def _pythonic(token: re.Match[str]) -> str:
    if token["equal"]:
        return "=="
    if token["word"] in _KEYWORDS:
        return token[0].lower()
    return token[0]


def _has(document: Mapping[str, Any], field: Field) -> bool:
    holder = value_at(document, field[:-1])
    return isinstance(holder, Mapping) and field[-1] in holder and not field[0].startswith("_")


def _names(document: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    for key, value in document.items():
        if key.startswith("_") and not prefix:
            continue
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{key}.")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before text before the rest, so that unlike values can stand in one list."""
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (2, str(value))
