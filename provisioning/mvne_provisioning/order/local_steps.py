"""The steps of orders that change our own pools."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory import numbers, profiles
from mvne_provisioning.order.errors import LineHasProfile, UnknownLine
from mvne_provisioning.order.record import Order, known
from mvne_provisioning.order.steps import NOTHING, Facts
from mvne_provisioning.profile import Profile


def reserve_profile_and_number(conn: Connection, order: Order, at: datetime) -> Facts:
    """Reserve both for the order."""
    if profiles.profile_of(conn, order.brand, order.line_id):
        raise LineHasProfile(f"the line {order.line_id!r} is alive already; swap its SIM instead")
    number = numbers.reserve_number(conn, order.brand, _holder(order), at, order.wanted)
    return {**_reserve_profile(conn, order, at), "msisdn": number}


def reserve_new_profile(conn: Connection, order: Order, at: datetime) -> Facts:
    """Reserve a profile for a living line."""
    old, number = _line(conn, order)
    before = {"old_iccid": old.iccid, "old_imsi": old.imsi, "msisdn": number}
    return {**_reserve_profile(conn, order, at), **before}


def reserve_new_number(conn: Connection, order: Order, at: datetime) -> Facts:
    """Reserve a number for a living line."""
    profile, old = _line(conn, order)
    number = numbers.reserve_number(conn, order.brand, _holder(order), at, order.wanted)
    return {"iccid": profile.iccid, "imsi": profile.imsi, "old_msisdn": old, "msisdn": number}


def find_line(conn: Connection, order: Order, at: datetime) -> Facts:
    """Look up what the line has."""
    profile, number = _line(conn, order)
    return {"iccid": profile.iccid, "imsi": profile.imsi, "msisdn": number}


def give_back_both(conn: Connection, order: Order, at: datetime) -> Facts:
    """Put back the profile and the number."""
    give_back_number(conn, order, at)
    return give_back_profile(conn, order, at)


def give_back_number(conn: Connection, order: Order, at: datetime) -> Facts:
    """Put back the number the order reserved, if it still holds it: one that was live rests already."""
    number = numbers.number_of(conn, order.brand, _holder(order))
    if number is not None:
        numbers.release_number(conn, order.brand, number, _holder(order), at)
    return NOTHING


def give_back_profile(conn: Connection, order: Order, at: datetime) -> Facts:
    """Put back the profile the order reserved; one that was downloaded meanwhile is retired."""
    if order.profile_spent:
        profiles.retire_profile(conn, order.brand, known(order.iccid), at)
        return NOTHING
    reserved = profiles.profile_of(conn, order.brand, _holder(order))
    # Once an activation was ready, the line holds what its order reserved.
    holder = order.line_id if reserved is None else _holder(order)
    profiles.release_profile(conn, order.brand, known(order.iccid), holder, at)
    return NOTHING


def assign(conn: Connection, order: Order, at: datetime) -> Facts:
    """Give the reserved profile and number to the line."""
    profiles.assign_profile(conn, order.brand, known(order.iccid), order.line_id, at)
    numbers.assign_number(conn, order.brand, known(order.msisdn), order.line_id, at)
    return NOTHING


def let_number_rest(conn: Connection, order: Order, at: datetime) -> Facts:
    """Undo `assign`: the number was live, so it rests; the profile follows when the SM-DP+ has taken it back."""
    numbers.quarantine_number(conn, order.brand, known(order.msisdn), known(order.quarantine_until), at)
    return NOTHING


def replace_profile(conn: Connection, order: Order, at: datetime) -> Facts:
    """Retire the line's old profile and give it the new one."""
    profiles.retire_profile(conn, order.brand, known(order.old_iccid), at)
    profiles.assign_profile(conn, order.brand, known(order.iccid), order.line_id, at)
    return NOTHING


def replace_number(conn: Connection, order: Order, at: datetime) -> Facts:
    """Let the line's old number rest and give it the new one."""
    numbers.quarantine_number(conn, order.brand, known(order.old_msisdn), known(order.quarantine_until), at)
    numbers.assign_number(conn, order.brand, known(order.msisdn), order.line_id, at)
    return NOTHING


def dissolve(conn: Connection, order: Order, at: datetime) -> Facts:
    """Let the number of an ended line rest, and retire its profile."""
    numbers.quarantine_number(conn, order.brand, known(order.msisdn), known(order.quarantine_until), at)
    profiles.retire_profile(conn, order.brand, known(order.iccid), at)
    return NOTHING


def _holder(order: Order) -> str:
    """Return in whose name an order reserves: its own, so that it cannot be taken for what the line has."""
    return f"order:{order.order_id}"


def _reserve_profile(conn: Connection, order: Order, at: datetime) -> Facts:
    profile = profiles.reserve_profile(conn, order.brand, _holder(order), at, order.profile_type)
    return {"iccid": profile.iccid, "imsi": profile.imsi}


def _line(conn: Connection, order: Order) -> tuple[Profile, Msisdn]:
    profile = profiles.profile_of(conn, order.brand, order.line_id)
    number = numbers.number_of(conn, order.brand, order.line_id)
    if profile is None or number is None:
        raise UnknownLine(f"{order.brand} has no living line {order.line_id!r}")
    return profile, number
