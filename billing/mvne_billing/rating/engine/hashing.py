"""One number for all rated rows, whatever their order: what two engines have to agree on."""

from __future__ import annotations

from pathlib import Path

from mvne_billing.rating.engine.duck import quoted


def row_hash(folder: Path) -> str:
    """Return the hash over all rows and columns of the Parquet files below a folder, in hex.

    It is a sum over rows, so that their order and their files do not matter, and each counts.
    """
    import duckdb

    files = sorted(one for one in folder.rglob("*.parquet") if one.is_file())
    listed = ", ".join(f"'{quoted(one)}'" for one in files)
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        source = f"read_parquet([{listed}], union_by_name = true)"
        names = sorted(str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
        texts = ", ".join(f"coalesce(CAST(\"{name}\" AS VARCHAR), '~')" for name in names)
        hashed = f"SELECT md5_number_lower(concat_ws('|', {texts})) AS one FROM {source}"
        [(total,)] = connection.execute(f"SELECT coalesce(sum(CAST(one AS HUGEINT)), 0) FROM ({hashed})").fetchall()
    finally:
        connection.close()
    return f"{int(total) % 2**64:016x}"
