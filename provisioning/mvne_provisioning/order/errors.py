"""What can go wrong with an order, apart from being refused by somebody else: that is an order's outcome."""

from __future__ import annotations

from mvne_provisioning.errors import ProvisioningError


class OrderError(ProvisioningError):
    """Root of the errors of orders."""


class UnknownOrder(OrderError):
    """This brand has no such order."""


class OrderConflict(OrderError):
    """The order id was used before with another request; take a new id."""


class LineBusy(OrderError):
    """The line has another order under way; run that first."""


class LineHasProfile(OrderError):
    """The line is alive already; swap its SIM instead."""


class UnknownLine(OrderError):
    """No line of this brand by that id holds a profile and a number."""


class OrderNotCancellable(OrderError):
    """The order went too far to be cancelled; a line that lives is ended by a termination."""


class OrderInterrupted(OrderError):
    """The other side gave no answer. Nothing is lost: run the order again."""


class CompensationRefused(OrderError):
    """A step could not be undone because the other side refused; somebody has to look. Run it again to ask again."""
