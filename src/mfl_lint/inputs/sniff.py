"""What kind of file a text is: by its name, and where that says nothing by its content."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath
from typing import Final

_YAML_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_LIST_SUFFIXES: Final = frozenset({".txt", ".list", ".lst"})
_DOCKERFILE: Final = re.compile(
    r"(?:.*\.)?(?:dockerfile|containerfile)(?:\..*)?", re.IGNORECASE | re.DOTALL
)
_INSTRUCTION: Final = re.compile(r"\s*(?:FROM|ARG)\s+\S", re.IGNORECASE)
_KEY: Final = re.compile(r"(?:---|[{\[]|[\"']?[A-Za-z][A-Za-z0-9_.-]*[\"']?\s*:(?:\s|$)|- )")


class FileKind(StrEnum):
    """How a file is read."""

    DOCKERFILE = "Dockerfile"
    YAML = "YAML"
    LIST = "list"


def sniff(name: str, text: str) -> FileKind:
    """Return the kind of a file; `name` is its path, "" where it has none."""
    path = PurePath(name)
    suffix = path.suffix.lower()
    if suffix in _YAML_SUFFIXES or path.name == "Kustomization":
        return FileKind.YAML
    if suffix in _LIST_SUFFIXES:
        return FileKind.LIST
    if _DOCKERFILE.fullmatch(path.name):
        return FileKind.DOCKERFILE
    return _by_content(text)


def _by_content(text: str) -> FileKind:
    rows = (line for line in text.split("\n") if line.strip())
    first = next((line for line in rows if not line.lstrip().startswith(("#", "%"))), "")
    if _INSTRUCTION.match(first):
        return FileKind.DOCKERFILE
    return FileKind.YAML if _KEY.match(first) else FileKind.LIST
