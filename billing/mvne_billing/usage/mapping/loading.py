"""A mapping file: YAML (JSON is a part of it), read as plain texts so that `01`, `NO` and `0033` keep their meaning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvne_billing.usage.mapping.model import CsvMapping
from mvne_billing.usage.mapping.parsing import InvalidMapping, parse_mapping

if TYPE_CHECKING:
    from yaml import Node

#: The longest mapping file (octets) that is read.
_LONGEST = 1_000_000


def load_mapping(path: Path) -> CsvMapping:
    """Return the mapping in a YAML or JSON file; raise `InvalidMapping` with everything that is wrong with it."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_LONGEST).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidMapping([f"{path} cannot be read: {error}"]) from None
    return parse_mapping(read_yaml(text))


def read_yaml(text: str) -> Any:
    """Return YAML as dicts, lists and texts; raise `InvalidMapping` for what is no YAML or says a key twice."""
    import yaml

    try:
        twice = list(_twice(yaml.compose(text, Loader=yaml.BaseLoader)))
        if twice:
            raise InvalidMapping(twice)
        return yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidMapping([f"this is not YAML: {error}"]) from None


def _twice(root: Node | None) -> list[str]:
    """Say which keys stand twice in one table: YAML would silently take the last one."""
    import yaml

    problems, seen, left = [], set(), [root]
    while left:
        node = left.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys = [str(key.value) for key, _ in node.value]
            problems += [
                f"line {node.start_mark.line + 1}: {key} is there twice" for key in keys if keys.count(key) > 1
            ]
            left.extend(value for _, value in node.value)
    return sorted(set(problems))
