"""Dialled numbers as integers, `NumberingPlan.normalise` in expressions; what they cannot tell the reference can."""

from __future__ import annotations

from mvne_billing.rating.engine.expression import (
    FALSE,
    LONG,
    Expr,
    call,
    case,
    equals,
    lit,
    number,
    other,
    text,
    within,
)
from mvne_billing.rating.engine.leaves import DIGITS
from mvne_billing.rating.engine.relation import Relation
from mvne_plans.numbering import NumberingPlan

_TEXT = other("text")
_LENGTH = number("long", 0, 2**31)
_ANY = number("long", *LONG)

#: Stands for a number that only the reference can read.
UNREADABLE = 10 ** (DIGITS + 2)


def called_number(rows: Relation, store: str, numbering: NumberingPlan) -> Expr:
    """Return the called number of rows as an integer, see `leaves`: 0 for none, `UNREADABLE` if nothing else fits."""
    called = rows["called"]
    if store == "long":
        return _known(call("coalesce", called, lit(0), like=_ANY))
    plain = _digits(_from(called, 2))
    cleaned = call("strip", called, like=_TEXT)
    read = case(
        (equals(_head(called, 1), text("+")) & equals(_text(plain), _from(called, 2)), plain),
        otherwise=_national(cleaned, numbering),
    )
    return _known(call("coalesce", read, lit(UNREADABLE), like=_ANY))


def _known(value: Expr) -> Expr:
    return within(value, -(10 ** (DIGITS + 3)), 10**18)


def _national(number_: Expr, numbering: NumberingPlan) -> Expr:
    """Return a number without spaces and signs as an integer: a rule of the plan after the other."""
    abroad, size = numbering.international_prefix, _length(number_)
    code = _digits(call("concat", text("1"), number_, like=_TEXT))
    is_plain = equals(_text(code), call("concat", text("1"), number_, like=_TEXT))
    short = lit(0) - code
    codes = [one.prefix for one in numbering.destinations if not one.prefix.startswith("+")]
    is_code = call("among", number_, *map(text, codes), like=other("bool")) if codes else FALSE
    rules = [
        (equals(_head(number_, 1), text("+")), _checked(_from(number_, 2))),
        (~is_plain, lit(UNREADABLE)),
        (
            equals(_head(number_, len(abroad)), text(abroad)) & (size > len(abroad) + 4),
            _checked(_from(number_, len(abroad) + 1)),
        ),
        (is_code, short),
    ]
    if numbering.trunk_prefix:
        trunk = numbering.trunk_prefix
        inland = call("concat", text(numbering.country_code), _from(number_, len(trunk) + 1), like=_TEXT)
        rules.append((equals(_head(number_, len(trunk)), text(trunk)) & (size > 7), _checked(inland)))
    for length in numbering.national_lengths:
        bare = call("concat", text(numbering.country_code), number_, like=_TEXT)
        rules.append((equals(size, length), _checked(bare)))
    return case(*rules, otherwise=short)


def _checked(digits: Expr) -> Expr:
    """Return digits as an integer, `UNREADABLE` when they are none or begin with 0."""
    value = _digits(digits)
    return case((equals(_text(value), digits), value), otherwise=UNREADABLE)


def _digits(value: Expr) -> Expr:
    return call("whole", value, like=_ANY)


def _text(value: Expr) -> Expr:
    return call("text", value, like=_TEXT)


def _head(value: Expr, size: int) -> Expr:
    return call("head", value, lit(size), like=_TEXT)


def _from(value: Expr, place: int) -> Expr:
    return call("from", value, lit(place), like=_TEXT)


def _length(value: Expr) -> Expr:
    return call("length", value, like=_LENGTH)
