"""Read YAML into plain values, remembering where each stands and what was written there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from driftline.config.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]

_MOST_NODES = 100_000  # repeated aliases multiply: ten lines can stand for a billion values
_LONGEST_VALUE = 60
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


@dataclass
class Document:
    """One YAML file, taken apart.

    Parameters
    ----------
    values : dict
        The content, with ``${NAME}`` replaced.
    written : dict of path to str
        Every scalar as it stands in the file: what messages may show.
    lines : dict of path to int
        Line of every key and list item, from 1.
    problems : list of Problem
        Duplicate keys, missing environment variables and the like.
    broken : set of path
        Where ``problems`` are: further complaints about these would only repeat them.
    """

    values: Any = None
    written: dict[Path, str] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)

    def reject(self, path: Path, message: str, remedy: str, *, line: int | None = None) -> None:
        """Note a problem at a path."""
        where = line if line is not None else self.line(path)
        self.problems.append(Problem(show_path(path), message, remedy, self.show(path), where))
        self.broken.add(path)

    def line(self, path: Path) -> int | None:
        """Line of the path, or of the nearest section around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines[path] if path else None

    def show(self, path: Path) -> str:
        """The scalar written at the path, fit for a message; empty for sections and free-form options."""
        if path not in self.written or "options" in path:
            return ""
        text = json.dumps(self.written[path], ensure_ascii=False)[1:-1]
        return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def read_document(text: str, name: str, environ: Mapping[str, str]) -> Document:
    """Read one YAML document.

    Parameters
    ----------
    environ : mapping of str to str
        Where ``${NAME}`` is looked up. ``$${`` writes a plain ``${``.

    Raises
    ------
    ConfigError
        If the text is not one YAML mapping at all.
    """
    document = Document()
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if isinstance(node, yaml.MappingNode):
            document.values = _Reading(document, loader, environ).value(node, (), ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The mark's own text would quote the line, and with it perhaps a secret.
        raise _not_yaml(name, error.problem or str(error.context), mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_yaml(name, f"character U+{error.character:04X} is not allowed", line) from None
    except RecursionError:
        raise _not_yaml(name, "it is nested too deeply", None) from None
    except _TooLargeError:
        raise _not_yaml(name, f"with its aliases it has more than {_MOST_NODES:,} values", None) from None
    if document.values is None:
        found = "is empty" if node is None else "is not a mapping of keys to values"
        raise ConfigError(name, [Problem("", found, "start from the example in docs/configuration.md")])
    return document


def show_path(path: Path) -> str:
    """Write a key path: ``sinks[0].files.path``.

    Examples
    --------
    >>> show_path(("source", "kafka", "options", "sasl.password"))
    'source.kafka.options."sasl.password"'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (f'"{step}"' if "." in step else step)
    return text


class _TooLargeError(Exception):
    pass


def _not_yaml(name: str, problem: str, line: int | None) -> ConfigError:
    remedy = "check indentation, colons and quotes there; texts with special characters need quotes"
    return ConfigError(name, [Problem("", f"is not valid YAML: {problem}", remedy, line=line)])


class _Reading:
    """One walk over the nodes of a document."""

    def __init__(self, document: Document, loader: yaml.SafeLoader, environ: Mapping[str, str]) -> None:
        self.document = document
        self.loader = loader
        self.environ = environ
        self.nodes = 0

    def value(self, node: yaml.Node, path: Path, around: tuple[int, ...]) -> Any:
        """The plain value of a node; ``around`` are the identities of the nodes it lies in."""
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise _TooLargeError
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in around:
            self.document.reject(path, "is an alias of something that contains it", "write the values out")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _PLAIN:
            self.document.reject(path, f"has the tag {node.tag}", "remove the tag: plain YAML is enough")
            return None
        inside = (*around, id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index), inside) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        return self._mapping(node, path, inside)

    def _mapping(self, node: yaml.MappingNode, path: Path, inside: tuple[int, ...]) -> dict[str, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE:
                continue
            if not isinstance(key, yaml.ScalarNode):
                self.document.reject(path, "has a key that is not text", "keys are words", line=line)
            elif key.value in seen:
                remedy = f"keep one of the two: the first is in line {seen[key.value]}"
                self.document.lines[(*path, key.value)] = line
                self.document.reject((*path, key.value), "is there twice", remedy, line=line)
            else:
                seen[key.value] = line
        self.loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for key, item in node.value:
            if isinstance(key, yaml.ScalarNode):
                # As written, so that a column may be called `on` or `1` without quotes.
                inner = (*path, key.value)
                self.document.lines[inner] = key.start_mark.line + 1
                values[key.value] = self.value(item, inner, inside)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        self.document.written[path] = node.value
        try:
            value = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self.document.reject(path, "cannot be read", "put it in quotes if it is text")
            return None
        return self._substituted(value, path) if isinstance(value, str) else value

    def _substituted(self, text: str, path: Path) -> str:
        missing: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            if match[1] is None:
                remedy = "write ${NAME} with letters, digits and _, or $${ for a plain ${"
                self.document.reject(path, "has a ${ that names no environment variable", remedy)
                return match[0]
            if match[1] not in self.environ:
                missing.append(match[1])
                return match[0]
            return self.environ[match[1]]

        value = _REFERENCE.sub(replace, text)
        for name in dict.fromkeys(missing):
            remedy = f"set it before the start: export {name}=..."
            self.document.reject(path, f"needs the environment variable {name}, which is not set", remedy)
        return value
