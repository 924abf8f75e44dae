"""The columns of a batch's rows, table by table, in the order in which `effects.Batch` holds them."""

from __future__ import annotations

BALANCE = ("free_micro", "reserved_micro", "version", "brand", "subscription", "expected")
ALLOWANCE = ("brand", "subscription", "bucket", "period_start", "used", "reserved")
SESSION = (
    "brand",
    "id",
    "subscription",
    "state",
    "opened_at",
    "valid_until",
    "sequence",
    "reserved_micro",
    "content",
)
REQUEST = ("brand", "session", "sequence", "hash", "answer", "at")
TRANSFER = (
    "brand",
    "id",
    "debit",
    "credit",
    "micro",
    "currency",
    "code",
    "at",
    "subscription",
    "reference",
    "corrects",
    "hash",
)
USAGE = (
    "brand",
    "id",
    "hash",
    "batch",
    "subscription",
    "plan",
    "version",
    "kind",
    "start",
    "amount",
    "msisdn",
    "to",
    "country",
    "destination",
    "parts",
    "charge_micro",
    "cost_micro",
    "cost_rule",
    "currency",
    "invoice",
    "session",
    "label",
    "state",
    "place",
    "taken",
    "entry",
)
CROSSING = ("brand", "id", "subscription", "mark", "name", "period_start", "record", "at")
SUSPENSE = ("brand", "id", "reason", "message", "record", "source", "at")
WHOLESALE = ("brand", "bucket", "period_start", "used")
