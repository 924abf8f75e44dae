"""The four packages of the house: where each lies, and every module in it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Import name of a package -> its folder below the root. The outer folder is the area and never a package itself.
PACKAGES: dict[str, str] = {
    "mvne": "mvne/mvne",
    "mvne_billing": "billing/mvne_billing",
    "mvne_plans": "plans/mvne_plans",
    "mvne_provisioning": "provisioning/mvne_provisioning",
}


def files(package: str) -> list[Path]:
    """Return every file of `package`, code or not, in a stable order; what Python makes itself is left out."""
    folder = ROOT / PACKAGES[package]
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def modules(package: str) -> list[str]:
    """Return the dotted name of every module of `package` that can be imported by itself.

    Database migrations run only inside Alembic, and `__main__` runs when it is imported.
    """
    paths = [path.relative_to((ROOT / PACKAGES[package]).parent) for path in files(package) if path.suffix == ".py"]
    names = [path.with_suffix("").parts for path in paths if "migrations" not in path.parts]
    return [".".join(part for part in name if part != "__init__") for name in names if name[-1] != "__main__"]
