"""mvne launches a mobile brand from one file.

>>> import mvne
>>> sorted(mvne.__all__)[:4]
['Brand', 'Platform', 'SignUp', 'Subscriber']

Everything the command line does is one call of these names. They are imported when they are first used, so that
`import mvne` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvne.billrun import run_bills
    from mvne.bootstrap import connect
    from mvne.brand import Brand
    from mvne.checking import check
    from mvne.clock import now
    from mvne.diffing import diff
    from mvne.launching import launch
    from mvne.people import Subscriber
    from mvne.planfile.reading import load
    from mvne.platform import Platform
    from mvne.signup import SignUp, sign_up
    from mvne.standing import status
    from mvne.usage import load_file as load_usage

#: Where each public name lives; no name is also the name of a module.
_HOMES = {
    "Brand": "mvne.brand:Brand",
    "Platform": "mvne.platform:Platform",
    "SignUp": "mvne.signup:SignUp",
    "Subscriber": "mvne.people:Subscriber",
    "check": "mvne.checking:check",
    "connect": "mvne.bootstrap:connect",
    "diff": "mvne.diffing:diff",
    "launch": "mvne.launching:launch",
    "load": "mvne.planfile.reading:load",
    "load_usage": "mvne.usage:load_file",
    "now": "mvne.clock:now",
    "run_bills": "mvne.billrun:run_bills",
    "sign_up": "mvne.signup:sign_up",
    "status": "mvne.standing:status",
}

__all__ = [
    "Brand",
    "Platform",
    "SignUp",
    "Subscriber",
    "check",
    "connect",
    "diff",
    "launch",
    "load",
    "load_usage",
    "now",
    "run_bills",
    "sign_up",
    "status",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mvne' has no attribute {name!r}")
    module, _, its_name = _HOMES[name].partition(":")
    return getattr(import_module(module), its_name)
