"""Time in TAP: a local time stamp, and its distance from UTC written out or as a code that the file explains.

>>> when({"localTimeStamp": b"20270305110000", "utcTimeOffset": b"+0100"}).isoformat()
'2027-03-05T11:00:00+01:00'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from mvne_billing.usage.tap.fault import Fault

_STAMP = re.compile(rb"[0-9]{14}")
_OFFSET = re.compile(rb"([+-])([01][0-9])([0-5][0-9])")


def when(stamp: Mapping[str, Any], offsets: Mapping[int, timezone] | None = None) -> datetime:
    """Return the time of a stamp; one of an event names its offset by a code in `offsets`. Raises `Fault`."""
    if "localTimeStamp" not in stamp:
        raise Fault("localTimeStamp.30", "the time stamp has no local time")
    local = _local(stamp["localTimeStamp"])
    if "utcTimeOffsetCode" in stamp and offsets is not None:
        code = stamp["utcTimeOffsetCode"]
        if code not in offsets:
            raise Fault("utcTimeOffsetCode.100", f"time offset code {code} is not in the file's list")
        return local.replace(tzinfo=offsets[code])
    if "utcTimeOffset" not in stamp:
        raise Fault("utcTimeOffset.30", "the time stamp has no distance from UTC")
    return local.replace(tzinfo=offset(stamp["utcTimeOffset"]))


@lru_cache(maxsize=4096)
def _local(octets: bytes) -> datetime:
    if _STAMP.fullmatch(octets) is None:
        raise Fault("localTimeStamp.10", f"time stamp {octets[:40]!r} is not written YYYYMMDDhhmmss")
    year, month, day, hour, minute, second = (int(octets[:4]), *(int(octets[at : at + 2]) for at in range(4, 14, 2)))
    try:
        # Its zone is told apart from it.
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the caller adds the zone
    except ValueError:
        raise Fault("localTimeStamp.20", f"there is no time {octets.decode()}") from None


def offset(octets: bytes) -> timezone:
    """Return the zone of a distance from UTC such as `+0100`."""
    found = _OFFSET.fullmatch(octets)
    if found is None:
        raise Fault("utcTimeOffset.10", f"distance from UTC {octets[:20]!r} is not written +0100")
    distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(distance if found[1] == b"+" else -distance)
