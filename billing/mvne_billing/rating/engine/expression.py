"""Typed expressions over whole numbers: each knows the least and the greatest value that it can have.

From these bounds follow the types of the generated SQL: 64-bit integers while they hold everything, 128 bits where
they do not, never a float. The bounds also fold away what cannot happen: a column that is 0 everywhere costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

#: What a 32-bit integer holds.
INT = (-(2**31), 2**31 - 1)
#: What a 64-bit integer holds.
LONG = (-(2**63), 2**63 - 1)
#: What every dialect's widest integer holds: 38 decimal digits.
WIDE = (-(10**38) + 1, 10**38 - 1)


class OutOfBounds(ArithmeticError):
    """A number of this tariff could outgrow 38 digits; rate it by the reference."""


@dataclass(frozen=True)
class Expr:
    """A value of a row. `store` is its type: a whole number's is `tiny`, `small`, `int`, `long` or `wide`.

    `low` and `high` bound whole numbers; a flag (`bool`) that is always true or false has them too, as 1 or 0.
    """

    op: str
    args: tuple[Expr, ...] = ()
    value: object = None
    store: str = "long"
    low: int = 0
    high: int = 0

    def __add__(self, other: Expr | int) -> Expr:
        one = whole(other)
        if one.is_zero:
            return self
        return one if self.is_zero else _arithmetic("+", self, one, self.low + one.low, self.high + one.high)

    def __sub__(self, other: Expr | int) -> Expr:
        one = whole(other)
        if one.is_zero:
            return self
        if self == one:
            return lit(0)
        return _arithmetic("-", self, one, self.low - one.high, self.high - one.low)

    def __mul__(self, other: Expr | int) -> Expr:
        one = whole(other)
        if self.is_zero or one.is_zero:
            return lit(0)
        if one.always == 1:
            return self
        if self.always == 1:
            return one
        corners = [left * right for left in (self.low, self.high) for right in (one.low, one.high)]
        return _arithmetic("*", self, one, min(corners), max(corners))

    def __floordiv__(self, other: Expr | int) -> Expr:
        one = whole(other)
        if self.low < 0 or one.low < 1:
            raise OutOfBounds("only whole numbers from 0 on are divided, by at least 1")
        if one.always == 1:
            return self
        return narrow(_arithmetic("//", self, one, self.low // one.high, self.high // one.low))

    def __lt__(self, other: Expr | int) -> Expr:
        one = whole(other)
        return _flag("<", self, one, self.high < one.low, self.low >= one.high)

    def __le__(self, other: Expr | int) -> Expr:
        one = whole(other)
        return _flag("<=", self, one, self.high <= one.low, self.low > one.high)

    def __gt__(self, other: Expr | int) -> Expr:
        return whole(other) < self

    def __ge__(self, other: Expr | int) -> Expr:
        return whole(other) <= self

    def __and__(self, other: Expr) -> Expr:
        if FALSE in (self, other):
            return FALSE
        if self in (TRUE, other):
            return other
        return self if other == TRUE else Expr("AND", (self, other), store="bool", high=1)

    def __or__(self, other: Expr) -> Expr:
        if TRUE in (self, other):
            return TRUE
        if self in (FALSE, other):
            return other
        return self if other == FALSE else Expr("OR", (self, other), store="bool", high=1)

    def __invert__(self) -> Expr:
        if self in (TRUE, FALSE):
            return FALSE if self == TRUE else TRUE
        return Expr("NOT", (self,), store="bool", high=1)

    @property
    def always(self) -> int | None:
        """The one value it can have, None when there are several."""
        return self.low if self.low == self.high and self.store in NUMBERS else None

    @property
    def is_zero(self) -> bool:
        """Whether it is 0 in every row."""
        return self.always == 0

    @property
    def is_wide(self) -> bool:
        """Whether it needs more than 64 bits."""
        return self.store == "wide"


NUMBERS = ("tiny", "small", "int", "long", "wide")


def lit(value: int) -> Expr:
    """Return a whole number as an expression."""
    return Expr("literal", value=value, low=value, high=value, store="long" if _fits(value, value, LONG) else "wide")


def text(value: str) -> Expr:
    """Return a text as an expression."""
    return Expr("text", value=value, store="text")


TRUE = Expr("flag", value=True, store="bool", low=1, high=1)
FALSE = Expr("flag", value=False, store="bool")


def whole(value: Expr | int) -> Expr:
    """Return a whole number or an expression as an expression, as a literal where only one value is possible."""
    if isinstance(value, Expr):
        return lit(value.low) if value.always is not None and value.op != "literal" else value
    return lit(value)


def column(table: str, name: str, like: Expr) -> Expr:
    """Return the column `name` of what is called `table`, of the type and within the bounds of `like`."""
    return Expr("column", value=(table, name), store=like.store, low=like.low, high=like.high)


def number(store: str, low: int, high: int) -> Expr:
    """Return what a column of whole numbers from `low` to `high` is like."""
    return Expr("like", store=store, low=low, high=high)


def other(store: str) -> Expr:
    """Return what a column of another type is like: `text`, `time`, `bool`, or a type of the file itself."""
    return Expr("like", store=store, low=0, high=1 if store == "bool" else 0)


def equals(one: Expr, another: Expr | int) -> Expr:
    """Return whether two values are equal."""
    right = whole(another) if one.store in NUMBERS else another
    if not isinstance(right, Expr):
        raise TypeError(f"{right!r} is compared with no number")
    if one.store in NUMBERS and right.store in NUMBERS:
        same = one.always is not None and one.always == right.always
        return _flag("=", one, right, same, one.high < right.low or right.high < one.low)
    return Expr("=", (one, right), store="bool", high=1)


def has(flags: Expr) -> Expr:
    """Return whether a column that is 0 or 1 is 1."""
    return equals(flags, 1)


def is_null(value: Expr) -> Expr:
    """Return whether a value is missing."""
    return Expr("IS NULL", (value,), store="bool", high=1)


def before(one: Expr, another: Expr) -> Expr:
    """Return whether a moment is earlier than another."""
    return Expr("<", (one, another), store="bool", high=1)


def case(*branches: tuple[Expr, Expr | int], otherwise: Expr | int = 0) -> Expr:
    """Return the value of the first branch whose condition holds, else `otherwise`; values are whole numbers."""
    left: list[tuple[Expr, Expr]] = []
    last = whole(otherwise)
    for condition, value in branches:
        if condition == TRUE:
            last = whole(value)
            break
        if condition != FALSE:
            left.append((condition, whole(value)))
    while left and left[-1][1] == last:
        left.pop()
    if not left:
        return last
    values = [value for _, value in left] + [last]
    low, high = min(one.low for one in values), max(one.high for one in values)
    args = (*(one for branch in left for one in branch), last)
    return narrow(Expr("CASE", args, store=_store(values, low, high), low=low, high=high))


def given(condition: Expr, value: Expr | int) -> Expr:
    """Return `value` where the condition holds and 0 elsewhere."""
    return case((condition, value))


def least(one: Expr | int, another: Expr | int) -> Expr:
    """Return the lesser of two whole numbers."""
    left, right = whole(one), whole(another)
    if left.high <= right.low:
        return left
    if right.high <= left.low:
        return right
    low, high = min(left.low, right.low), min(left.high, right.high)
    return narrow(Expr("least", (left, right), store=_store((left, right), low, high), low=low, high=high))


def greatest(one: Expr | int, another: Expr | int) -> Expr:
    """Return the greater of two whole numbers."""
    left, right = whole(one), whole(another)
    if left.low >= right.high:
        return left
    if right.low >= left.high:
        return right
    low, high = max(left.low, right.low), max(left.high, right.high)
    return narrow(Expr("greatest", (left, right), store=_store((left, right), low, high), low=low, high=high))


def within(value: Expr, low: int, high: int) -> Expr:
    """Return `value`, known from elsewhere to lie within narrower bounds than its parts allow."""
    low, high = max(low, value.low), min(high, value.high)
    return value if (low, high) == (value.low, value.high) else narrow(replace(value, low=low, high=high))


def times(one: Expr, another: Expr, most: int) -> Expr:
    """Return a product that is known to be at most `most`, with either sign, which may be less than bounds tell."""
    if one.is_zero or another.is_zero or one.always == 1 or another.always == 1:
        return one * another
    corners = [left * right for left in (one.low, one.high) for right in (another.low, another.high)]
    low, high = max(min(corners), -most), min(max(corners), most)
    store = _store((one, another), low, high)
    return Expr("*", (whole(one), whole(another)), store=store, low=low, high=high)


def narrow(value: Expr) -> Expr:
    """Return a wide number that fits into 64 bits as one of 64 bits."""
    if value.is_wide and _fits(value.low, value.high, LONG):
        return Expr("narrow", (value,), store="long", low=value.low, high=value.high)
    return value


def running(value: Expr, key: Expr, order: Sequence[Expr], most: int) -> Expr:
    """Return the sum of `value` over the rows of `key` up to this one in `order`, at most `most`."""
    store = "wide" if most > LONG[1] else "long"
    return Expr("running", (value, key, *order), store=store, low=value.low, high=max(most, value.high))


def call(name: str, *args: Expr, like: Expr) -> Expr:
    """Return what a function of the dialect makes of `args`."""
    return replace(like, op="call", args=args, value=name)


def conditions(*flags: Expr) -> Expr:
    """Return whether all hold."""
    result = TRUE
    for one in flags:
        result = result & one
    return result


def total(values: Iterator[Expr] | Sequence[Expr]) -> Expr:
    """Return the sum of several whole numbers."""
    result = lit(0)
    for one in values:
        result = result + one
    return result


def _fits(low: int, high: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= low and high <= bounds[1]


def _store(args: Sequence[Expr], low: int, high: int) -> str:
    if not _fits(low, high, WIDE):
        raise OutOfBounds("a number could outgrow 38 digits")
    return "wide" if any(one.is_wide for one in args) or not _fits(low, high, LONG) else "long"


def smallest(one: Expr) -> str:
    """Return the smallest type of whole numbers, of 32 bits or more, that holds all values of a number."""
    return "int" if _fits(one.low, one.high, INT) else one.store


def _arithmetic(op: str, left: Expr, right: Expr, low: int, high: int) -> Expr:
    one, another = whole(left), whole(right)
    if low == high and not (one.op == another.op == "literal"):
        return lit(low)
    if one.op == another.op == "literal":
        return lit(low)
    return Expr(op, (one, another), store=_store((one, another), low, high), low=low, high=high)


def _flag(op: str, left: Expr, right: Expr, always: bool, never: bool) -> Expr:
    if always or never:
        return TRUE if always else FALSE
    return Expr(op, (whole(left), right), store="bool", high=1)
