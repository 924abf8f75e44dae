"""Session charging: create, update, release by many clients at once, each answer on disk before it is given.

Run: python benchmarks/charging.py [--json]. Beside it, in the same run and on the same kind of store, the bare balance
operation: a guarded update, two ledger rows and an idempotency key per operation, with the same group commit. Then the
charging process is killed in the middle (kill -9), the store is opened again, and every answer that a client had is
looked for: none may be lost, nothing may be charged twice. The same sessions over HTTP are beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)


def main() -> None:
    """Measure and print."""
    # A plain script finds what lies beside it, and not the house that it stands in.
    if ROOT not in sys.path:
        sys.path.insert(0, ROOT)
    from benchmarks.charging_figures import main

    main()


if __name__ == "__main__":
    main()
