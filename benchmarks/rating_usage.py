"""Usage files of the rating benchmark, made by SQL, the same at every run: what ingesting writes, numbers as integers.

About 1 % of the records come twice, a few numbers are unknown, a few records are enormous: ids, running sums and
products are above 2**53, where floating point would begin to lie. All of it is made up.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.rating_market import END, START, msisdn, prefixes

#: Where ids begin: no float tells two of them apart.
FIRST_ID = 2**60 + 1


def make_usage(path: Path, records: int, subscribers: int, abroad: bool) -> None:
    """Write `records` of one month in the order of time; with `abroad`, one of twelve is made outside the country."""
    import duckdb

    span = (END - START).total_seconds()
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    listed = ", ".join(f"({place}, '{one.digits}')" for place, one in enumerate(prefixes()))
    connection.execute(f"CREATE TABLE prefix AS SELECT * FROM (VALUES {listed}) t(place, digits)")
    step = int(span * 1_000_000) // (records + 40_000)
    foreign = "CASE WHEN h4 % 120 < 5 THEN 'AA' WHEN h4 % 120 < 8 THEN 'AT' WHEN h4 % 120 < 10 THEN 'US' ELSE 'FR' END"
    connection.execute(
        f"""
        COPY (
            SELECT CAST({FIRST_ID} + i AS BIGINT) AS id,
                CAST(CASE WHEN h1 % 100000 = 7 THEN 33999999999 ELSE {msisdn(0)} + h1 % {subscribers} END AS BIGINT)
                    AS msisdn,
                kind,
                make_timestamptz(CAST({int(START.timestamp()) * 1_000_000} + i * {step} AS BIGINT)) AS start,
                CAST(CASE kind WHEN 'voice' THEN h2 % 1200 + (h2 % 7) // 6 WHEN 'sms' THEN 1
                    ELSE CASE WHEN h2 % 100000 = 3 THEN 900000000000000 + h2 % 99999999999999 ELSE h2 % 60000000 END END
                    AS BIGINT) AS amount,
                {foreign if abroad else "'FR'"} AS country,
                CASE WHEN kind <> 'data' THEN CASE WHEN h3 % 5000 = 9 THEN -1112 ELSE
                    CAST(p.digits || lpad(CAST(h5 % 1000000000 AS VARCHAR), CAST(11 - length(p.digits) AS INTEGER), '0')
                        AS BIGINT)
                END END AS "to"
            FROM (
                SELECT i, hash(i * 8 + 1) AS h1, hash(i * 8 + 2) AS h2, hash(i * 8 + 3) AS h3, hash(i * 8 + 4) AS h4,
                    hash(i * 8 + 5) AS h5,
                    CASE WHEN hash(i * 8) % 10 < 5 THEN 'voice' WHEN hash(i * 8) % 10 < 8 THEN 'sms' ELSE 'data' END
                        AS kind
                FROM (
                    SELECT CASE WHEN hash(r) % 100 = 5 THEN r - hash(r * 3) % 40000 ELSE r END AS i
                    FROM (SELECT CAST(range AS BIGINT) AS r FROM range(40000, {records + 40000}))
                )
            ) u
            LEFT JOIN prefix p
                ON p.place = CASE WHEN h3 % 10 < 4 THEN h5 % 5 ELSE 5 + h3 // 16 % {len(prefixes()) - 5} END
        ) TO '{path}' (FORMAT parquet, COMPRESSION snappy)
        """
    )
    connection.close()
