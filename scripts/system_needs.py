"""What the tests need from the operating system, and how to get it: PostgreSQL's server, Pango for PDF, Java for Spark.

Run as `python -m scripts.system_needs` before the tests. What is missing is installed by apt-get when we are root;
otherwise one line names the exact command and the exit code is 1. It imports nothing outside the standard library, so
that it can speak before anything is installed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Where servers are found: the search path first, then Debian's versioned folders (newest version first).
DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
#: Debian reads this folder when it makes a cluster; a file in it keeps a fresh install from starting a server.
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.d")


@dataclass(frozen=True, slots=True)
class Need:
    """One thing the tests need: its name, the Debian packages that bring it, and how to see that it is there."""

    name: str
    packages: tuple[str, ...]
    present: Callable[[], bool]


def server_programs() -> Path | None:
    """Return the folder that holds both `initdb` and `postgres`, or None when there is none."""
    found = shutil.which("postgres")
    versions = sorted(DEBIAN_POSTGRESQL.glob("[0-9]*/bin"), key=_version, reverse=True)
    folders = [Path(found).resolve().parent] if found else []
    return next((folder for folder in folders + versions if _holds_server(folder)), None)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split("."))


def _holds_server(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres"))


def library_loads(name: str) -> bool:
    """Say whether the dynamic linker finds the shared library `name`."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _libraries(*names: str) -> Callable[[], bool]:
    return lambda: all(library_loads(name) for name in names)


NEEDS: tuple[Need, ...] = (
    Need("PostgreSQL server", ("postgresql",), lambda: server_programs() is not None),
    Need(
        "Pango",
        ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
        _libraries("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0"),
    ),
    Need("Java", ("openjdk-17-jre-headless",), lambda: shutil.which("java") is not None),
)


def missing(needs: Sequence[Need] = NEEDS) -> list[Need]:
    """Return the needs that are not met."""
    return [need for need in needs if not need.present()]


def packages_of(needs: Sequence[Need]) -> list[str]:
    """Return the Debian packages that meet `needs`."""
    return [package for need in needs for package in need.packages]


def request(needs: Sequence[Need]) -> str:
    """Return the one line that names what is missing and the exact command that brings it."""
    names = " and ".join(need.name for need in needs)
    command = f"sudo apt-get install -y --no-install-recommends {' '.join(packages_of(needs))}"
    return f"The tests need {names}, which this machine lacks; run: {command}"


@contextmanager
def no_cluster(folder: Path = CREATE_CLUSTER) -> Iterator[None]:
    """While inside, a PostgreSQL server that Debian installs makes and starts no cluster; the tests start their own."""
    note = folder / "mvne-tests.conf"
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        note.unlink()


def install(packages: Sequence[str], environment: Mapping[str, str]) -> None:
    """Install Debian `packages` without questions; raise `CalledProcessError` when apt-get refuses."""
    quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=quiet)  # an old list may do; install decides
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    with no_cluster():
        subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL)


def main() -> int:
    """Meet the needs, or say in one line what to run; return the exit code."""
    lacking = missing()
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write(f"Installing {' '.join(packages_of(lacking))} ...\n")
        try:
            install(packages_of(lacking), os.environ)
        except subprocess.CalledProcessError as problem:
            sys.stderr.write(f"{' '.join(problem.cmd)} failed with exit code {problem.returncode}\n")
        lacking = missing()
    if lacking:
        sys.stderr.write(request(lacking) + "\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
