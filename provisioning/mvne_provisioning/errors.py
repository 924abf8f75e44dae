"""The one root of everything that can go wrong in provisioning."""


class ProvisioningError(Exception):
    """A refusal or failure of this room; what it was is said by the subclass next to what raises it."""
