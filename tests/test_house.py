"""The rules of the house that never bend, each a small function over source code, tried on bad code and then on ours.

An exception to a rule is a line in the table beside it, with its reason; there is no other way around a rule. Rules
about words stand in `test_house_words.py`, rules about tables of the database in `test_house_tables.py`.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from scripts.packages import PACKAGES, ROOT, files

Places = Iterator[tuple[int, str]]  # line, what is wrong there


@dataclass(frozen=True)
class Source:
    """One source file: its path from the root, its text, its syntax tree and what its imports bind."""

    path: str
    text: str
    tree: ast.Module = field(init=False)
    names: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text))
        object.__setattr__(self, "names", dict(_bindings(self.tree)))

    def dotted(self, node: ast.AST) -> str | None:
        """Return the full name that `node` stands for: `dt.now` after `from datetime import datetime as dt` is
        `datetime.datetime.now`; None for anything but names joined by dots."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return before and f"{before}.{node.attr}"
        return None

    def mentions(self) -> Iterator[tuple[int, str]]:
        """Give every name that the file mentions or imports, in full, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute) and (name := self.dotted(node)):
                yield node.lineno, name
            elif isinstance(node, ast.Import | ast.ImportFrom):
                yield from ((node.lineno, name) for _, name in _imported(node))


def _bindings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Give each name that an import binds and what it stands for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            yield alias.name.split(".")[0], alias.name.split(".")[0]


def no_floats(source: Source) -> Places:
    """Money and quantities are whole numbers, fractions or decimals: no float literal, conversion or annotation."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"float literal {node.value}"
        elif isinstance(node, ast.Call) and source.dotted(node.func) == "float":
            yield node.lineno, "float()"
        elif isinstance(node, ast.arg | ast.AnnAssign | ast.FunctionDef | ast.AsyncFunctionDef):
            annotation = node.returns if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else node.annotation
            if annotation and any(source.dotted(part) == "float" for part in ast.walk(annotation)):
                yield node.lineno, "annotated as float"


def one_rounding(source: Source) -> Places:
    """Only `mvne_plans.money` rounds."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = source.dotted(node.func) or ""
            if name == "round" or (isinstance(node.func, ast.Attribute) and node.func.attr == "quantize"):
                yield node.lineno, "rounds outside mvne_plans.money"


CLOCKS = frozenset(
    [f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")]
    + [
        "datetime.date.today",
        "sqlalchemy.func.now",
        "sqlalchemy.func.current_timestamp",
        "sqlalchemy.func.localtimestamp",
    ]
    + [f"time.{name}{unit}" for name in ("time", "monotonic", "perf_counter", "process_time") for unit in ("", "_ns")]
    + [f"time.{name}" for name in ("localtime", "gmtime", "ctime", "strftime")]
)


def no_clock(source: Source) -> Places:
    """Time is an argument: nobody asks the clock but the edge."""
    return ((line, f"reads the clock: {name}") for line, name in source.mentions() if name in CLOCKS)


#: Sources of chance, and the parts of them that are exact functions of their arguments.
CHANCE = ("random", "uuid", "secrets", "os.urandom", "os.getrandom", "sqlalchemy.func.random")
EXACT = ("random.Random", "uuid.UUID", "uuid.uuid5", "uuid.NAMESPACE_")


def no_chance(source: Source) -> Places:
    """Randomness is an argument: only a generator that got its seed, and ids computed from content."""
    for line, name in source.mentions():
        known = name in ("random", "uuid") or name.startswith(EXACT)
        if not known and any(name == one or name.startswith(f"{one}.") for one in CHANCE):
            yield line, f"leaves it to chance: {name}"
    for call in (node for node in ast.walk(source.tree) if isinstance(node, ast.Call)):
        function = source.dotted(call.func)
        if function == "random.Random" and not (call.args or call.keywords):
            yield call.lineno, "a generator without a seed"
        elif function == "hash":
            yield call.lineno, "hash() gives other numbers in every process"


def no_stripe(source: Source) -> Places:
    """Only the gateway and the simulator know Stripe's SDK."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            named = [node.module or ""]
        else:
            continue
        if any(name.split(".")[0] == "stripe" for name in named):
            yield node.lineno, "imports stripe"


def no_print(source: Source) -> Places:
    """Words reach people through the command line's own output, never print()."""
    return ((line, "print") for line, name in source.mentions() if name in ("print", "pprint.pprint", "rich.print"))


def documented(source: Source) -> Places:
    """Every module, public class and public function says what it is."""
    if not ast.get_docstring(source.tree):
        yield 1, "module without docstring"
    yield from _undocumented(source, source.tree)


def _undocumented(source: Source, parent: ast.Module | ast.ClassDef) -> Places:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and "typing.overload" not in map(source.dotted, node.decorator_list):
            yield node.lineno, f"{node.name} without docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(source, node)


def no_blanket(source: Source) -> Places:
    """An error is caught by its name: no bare except, no Exception, no suppress(Exception)."""
    for node in ast.walk(source.tree):
        caught: list[ast.AST] = []
        if isinstance(node, ast.ExceptHandler):
            caught = list(ast.walk(node.type)) if node.type else [ast.Name("BaseException")]
        elif isinstance(node, ast.Call) and source.dotted(node.func) == "contextlib.suppress":
            caught = [*node.args]
        if any(source.dotted(part) in ("Exception", "BaseException") for part in caught):
            yield getattr(node, "lineno", 1), "catches everything"


def no_commit(source: Source) -> Places:
    """The caller owns the transaction: rooms neither commit nor roll back."""
    for node in ast.walk(source.tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in ("commit", "rollback"):
            yield called.lineno, f"{called.attr}() belongs to the caller"


SILENCED = re.compile(r"#\s*(?:type:\s*ignore(?:\[[^]]*])?|noqa(?::[\sA-Z0-9,]+\b)?|pragma:\s*no\s+\w+)")


def silence_explained(source: Source) -> Places:
    """A silenced check says why, on its line or in a comment right above."""
    lines = source.text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and SILENCED.search(token.string):
            line = token.start[0]
            reason = SILENCED.sub("", token.string).strip(" #-:")
            above = lines[line - 2].strip() if line > 1 else ""
            if " " not in reason and not above.startswith("#"):
                yield line, f"silences a check without saying why: {token.string}"


def no_skip(source: Source) -> Places:
    """A test that cannot run fails."""
    banned = re.compile(
        r"(pytest\.(mark\.)?(skip|skipif|xfail|importorskip)|unittest\.(skip\w*|SkipTest|expectedFailure))$"
    )
    return ((line, f"{name} in a test") for line, name in source.mentions() if banned.match(name))


@dataclass(frozen=True)
class Rule:
    """A rule, the packages it binds, the files that are free of it and why, and code that breaks or keeps it."""

    check: Callable[[Source], Places]
    packages: tuple[str, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...]
    free: Mapping[str, str] = field(default_factory=dict)

    def broken(self, source: Source) -> list[str]:
        """Say where `source` breaks the rule, unless it is free of it; a folder's name frees what lies in it."""
        if any(source.path == free or source.path.startswith(f"{free.rstrip('/')}/") for free in self.free):
            return []
        return [f"{source.path}:{line}: {what}" for line, what in self.check(source)]


ALL = tuple(PACKAGES)
ROOMS = ("mvne_plans", "mvne_billing", "mvne_provisioning")
SIMULATED_STRIPE = "billing/mvne_billing/payments/stripe_simulator"

RULES: tuple[Rule, ...] = (
    Rule(
        no_floats,
        ("mvne_plans", "mvne_billing"),
        bad=(
            "price = 9.9",
            "x = float('1')",
            "def f(a: float) -> int: ...",
            "def f() -> list[float]: ...",
            "a: float",
            "1e6",
        ),
        good=("price = 990", "kinds = {int, float}", "'9.9'", "isinstance(x, float)", "from decimal import Decimal"),
    ),
    Rule(
        one_rounding,
        ("mvne_plans", "mvne_billing"),
        bad=("round(x)", "round(x, 2)", "x.quantize(cent)"),
        good=("around(x)", "round_line(3, 'EUR')", "x.round"),
        free={
            "plans/mvne_plans/money.py": "the one place that rounds",
            "plans/mvne_plans/quantity.py": "asks whether two decimals are enough to write a quantity",
        },
    ),
    Rule(
        no_clock,
        ALL,
        bad=(
            "from datetime import datetime\ndatetime.now(UTC)",
            "from datetime import datetime as dt\nfield(default_factory=dt.now)",
            "import datetime\ndatetime.datetime.utcnow()",
            "import datetime as d\nd.date.today()",
            "import time\ntime.time()",
            "from time import monotonic",
            "from time import perf_counter as tick\ntick()",
            "from sqlalchemy import func\nfunc.now()",
            "import sqlalchemy as sa\nsa.func.current_timestamp()",
        ),
        good=(
            "from datetime import datetime\ndatetime.fromisoformat('2027-01-01T00:00:00+00:00')",
            "clock.now()",
            "import time\ntime.sleep(1)",
            "now = at",
        ),
        free={"mvne/mvne/clock.py": "the edge: the one place that asks the machine for the time"},
    ),
    Rule(
        no_chance,
        ALL,
        bad=(
            "import random\nrandom.random()",
            "from random import choice",
            "import random\nrandom.Random()",
            "import uuid\nuuid.uuid4()",
            "from uuid import uuid1",
            "import secrets",
            "from secrets import token_hex",
            "import os\nos.urandom(8)",
            "from sqlalchemy import func\nfunc.random()",
            "hash(name)",
        ),
        good=(
            "import random\ndef sample(chance: random.Random) -> int:\n    return chance.randrange(6)",
            "from random import Random\nRandom(7)",
            "from uuid import NAMESPACE_URL, UUID, uuid5",
            "x.hash(name)",
        ),
        free={"provisioning/mvne_provisioning/smdp/tokens.py": "a matching id must be unguessable; it can be replaced"},
    ),
    Rule(
        no_stripe,
        ALL,
        bad=(
            "import stripe",
            "import stripe.error as e",
            "from stripe import Customer",
            "def f():\n    from stripe.x import y",
        ),
        good=("import stripes", "from mvne_billing.payments import stripe_gateway", "from . import stripe"),
        free={
            "billing/mvne_billing/payments/stripe_gateway.py": "the adapter",
            SIMULATED_STRIPE: "it answers below the SDK",
        },
    ),
    Rule(
        no_print,
        ALL,
        bad=("print('x')", "from rich import print", "from pprint import pprint\npprint(x)", "map(print, x)"),
        good=("click.echo('x')", "printer(x)", "'print(x)'"),
    ),
    Rule(
        documented,
        ALL,
        bad=(
            "x = 1",
            "'''M.'''\ndef f(): ...",
            "'''M.'''\nasync def f(): ...",
            "'''M.'''\nclass A:\n    x = 1",
            "'''M.'''\nclass A:\n    '''A.'''\n    def f(self): ...",
        ),
        good=(
            "'''M.'''\ndef _f(): ...\ndef g():\n    '''G.'''\n    def inner(): ...",
            "'''M.'''\nclass A:\n    '''A.'''\n    def __len__(self): ...",
            "'''M.'''\nfrom typing import overload\n@overload\ndef f(x): ...",
        ),
    ),
    Rule(
        no_blanket,
        ALL,
        bad=(
            "try: f()\nexcept: pass",
            "try: f()\nexcept Exception: pass",
            "try: f()\nexcept (ValueError, BaseException) as e: raise",
            "from contextlib import suppress\nwith suppress(Exception): f()",
        ),
        good=("try: f()\nexcept (ValueError, KeyError): pass", "raise Exception", "class E(Exception): ..."),
        free={"mvne/mvne/cli/main.py": "the outermost edge: whatever happens, a person gets a sentence and a status"},
    ),
    Rule(
        no_commit,
        ROOMS,
        bad=("connection.commit()", "def f(c):\n    c.rollback()"),
        good=("commit(x)", "with connection.begin_nested(): ...", "connection.execute(commit)"),
        free={SIMULATED_STRIPE: "the other side of the wire keeps its own transactions"},
    ),
    Rule(
        silence_explained,
        ALL,
        bad=(
            "x = 1  # type: ignore",
            "x = 1  # type: ignore[arg-type]",
            "x = 1  # noqa: E501, F401",
            "x = 1  # pragma: no cover",
        ),
        good=(
            "x = 1  # type: ignore[arg-type]  # the stub is older than the library",
            "# the name is the wire's\nx = 1  # noqa: N815",
            "x = '# noqa'",
            "x = 1  # what noqa means is elsewhere",
        ),
    ),
)
SKIP = Rule(
    no_skip,
    (),
    bad=(
        "import pytest\npytest.skip('x')",
        "from pytest import mark\n@mark.skipif(x)\ndef test(): ...",
        "import pytest\n@pytest.mark.xfail\ndef test(): ...",
        "import pytest\npytest.importorskip('x')",
        "import unittest\nraise unittest.SkipTest",
    ),
    good=(
        "import pytest\npytest.fail('x')",
        "rows.skip(1)",
        "import pytest\n@pytest.mark.parametrize('a', [])\ndef test(): ...",
    ),
)


def name_of(rule: Rule) -> str:
    return rule.check.__name__


def sources(package: str) -> Iterator[Source]:
    for path in files(package):
        if path.suffix == ".py":
            yield Source(str(path.relative_to(ROOT)), path.read_text())


@pytest.mark.parametrize("rule", [*RULES, SKIP], ids=name_of)
def test_a_rule_sees_code_that_breaks_it(rule: Rule) -> None:
    for code in rule.bad:
        assert rule.broken(Source("bad.py", code)), code


@pytest.mark.parametrize("rule", [*RULES, SKIP], ids=name_of)
def test_a_rule_leaves_good_code_alone(rule: Rule) -> None:
    for code in rule.good:
        assert rule.broken(Source("good.py", code)) == [], code


@pytest.mark.parametrize("package", PACKAGES)
def test_our_code_keeps_the_rules(package: str) -> None:
    rules = [rule for rule in RULES if package in rule.packages]
    assert [line for source in sources(package) for rule in rules for line in rule.broken(source)] == []


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_what_is_free_of_a_rule_exists(rule: Rule) -> None:
    assert [path for path in rule.free if not (ROOT / path).exists()] == []


def test_a_rule_spares_only_what_is_free_of_it() -> None:
    rule = Rule(no_print, ALL, ("print()",), (), free={"a/b": "a folder", "c.py": "a file"})
    spared = ["a/b/x.py", "a/b/c/y.py", "c.py"]
    bound = ["a/bc.py", "a/x.py", "c.pyi", "d/c.py"]
    assert [path for path in spared + bound if rule.broken(Source(path, "print()"))] == bound


def test_no_test_is_skipped() -> None:
    tests = [Source(str(path.relative_to(ROOT)), path.read_text()) for path in (ROOT / "tests").rglob("*.py")]
    assert [line for source in tests for line in SKIP.broken(source)] == []


def test_the_outer_folders_are_not_packages() -> None:
    areas = [(ROOT / folder).parent for folder in PACKAGES.values()]
    assert [str(area) for area in areas if (area / "__init__.py").exists()] == []


def test_every_folder_with_code_is_a_package() -> None:
    """Migrations are the exception: Alembic reads them as files, and nobody imports them."""
    code = [path for package in PACKAGES for path in files(package) if path.suffix == ".py"]
    folders = {path.parent for path in code if "migrations" not in path.parts}
    assert sorted(str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_arrows_point_down() -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
