"""Reading an activation code that somebody typed or pasted, and naming the usual slips without repeating its token.

>>> read("'LPA:1$smdp.example.com$04386-AGYFT'").address
'smdp.example.com'
>>> read("LPA:1.example.com$04386-AGYFT")  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
mvne_provisioning.activation.InvalidActivationCode: an activation code begins with 1$ or LPA:1$. If it did ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvne_provisioning.activation import ActivationCode, InvalidActivationCode

_QUOTES = "'\"\u2018\u2019\u201c\u201d`"
_SHELL = "If it did when you typed it, put it in single quotes: a shell takes a word after $ for a variable"
_FORM = "it is of the form LPA:1$smdp.example.com$MATCHING-ID"
_MOST_FIELDS = 4


def read(text: str) -> ActivationCode:
    """Return the code in a text; raise `InvalidActivationCode` with everything that is wrong with it."""
    code = text.strip().strip(_QUOTES).strip()
    if code[:4].upper() == "LPA:":
        code = code[4:]
    version, *fields = code.split("$")
    problems = [*_problems(version, fields)]
    if problems:
        raise InvalidActivationCode("; ".join(problems))
    return ActivationCode.parse(code)


def _problems(version: str, fields: Sequence[str]) -> Iterator[str]:
    if version != "1":
        yield f"an activation code begins with 1$ or LPA:1$. {_SHELL}"
    elif len(fields) < 2:
        yield f"the activation code ends after {len(fields)} of its parts: {_FORM}. {_SHELL}"
    elif len(fields) > _MOST_FIELDS:
        yield f"the activation code has {len(fields) + 1} parts, and 5 at most are known: {_FORM}"
    else:
        yield from _of_address(fields[0])
        yield from _of_matching_id(fields[1])


def _of_address(address: str) -> Iterator[str]:
    if "://" in address or "/" in address:
        yield "the address of the SM-DP+ is only a name such as smdp.example.com, without https:// and without /"
    elif not address:
        yield f"the address of the SM-DP+ is missing. {_SHELL}"
    elif not address.isascii() or any(one.isspace() or one in ",;_" for one in address):
        yield "the address of the SM-DP+ holds something that no address holds: a space, a comma or the like"


def _of_matching_id(matching_id: str) -> Iterator[str]:
    wrong = sorted({one for one in matching_id if not (one.isascii() and (one.isalnum() or one == "-"))})
    if wrong:
        shown = ", ".join(f"{one!r}" for one in wrong)
        yield f"the matching id may hold A-Z, 0-9 and - only, not {shown}"
    if any(one.islower() for one in matching_id):
        yield "the matching id is written in capitals"
