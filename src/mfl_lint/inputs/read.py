"""Read files that name images, and the files that they include."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from mfl_lint.core.errors import InputInvalid
from mfl_lint.core.scan import Unresolved
from mfl_lint.inputs.compose import read_compose
from mfl_lint.inputs.dockerfile import read_dockerfile
from mfl_lint.inputs.dotenv import parse_dotenv
from mfl_lint.inputs.found import MAX_REFERENCES, Contents, Follow
from mfl_lint.inputs.kubernetes import Changes, read_kubernetes
from mfl_lint.inputs.kustomization import FILE_NAMES, is_kustomization, read_kustomization
from mfl_lint.inputs.lines import read_lines
from mfl_lint.inputs.sniff import FileKind, sniff
from mfl_lint.inputs.yaml_tree import Fields, Node, documents, is_null

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_FILES: Final = 200
MAX_DEPTH: Final = 8
STDIN: Final = "-"
_COMPOSE: Final = re.compile(r"(?:docker-)?compose.*\.ya?ml", re.IGNORECASE | re.DOTALL)
_STDIN_SHOWN: Final = "stdin"


class Settings(msgspec.Struct, frozen=True):
    """What fills in variables: the environment (Compose) and --build-arg (Dockerfiles)."""

    environment: Mapping[str, str] = {}
    build_arguments: Mapping[str, str] = {}


def read_text(text: str, file: str, settings: Settings, changes: Changes = ()) -> Contents:
    """Return what the text of a file says; raise InputInvalid. Nothing is opened.

    `file` is the name to judge it by and to show; `changes` are those of the kustomizations
    that include it.
    """
    text = text.removeprefix("\ufeff")
    kind = sniff("" if file == _STDIN_SHOWN else file, text)
    if kind is FileKind.DOCKERFILE:
        return read_dockerfile(text, file, settings.build_arguments)
    if kind is FileKind.YAML:
        return _read_yaml(documents(text, file), file, settings, changes)
    contents = read_lines(text, file)
    if not contents.found:
        raise InputInvalid(f"{file}: it holds no reference")
    return contents


def _read_yaml(roots: list[Node], file: str, settings: Settings, changes: Changes) -> Contents:
    mappings = [root for root in roots if isinstance(root, Fields)]
    if any(root.at("kind") and root.at("apiVersion") for root in mappings):
        return _read_objects(mappings, file, changes)
    if any(is_kustomization(root) for root in mappings) or Path(file).name in FILE_NAMES:
        return _read_objects(mappings, file, changes)
    named = _COMPOSE.fullmatch(Path(file).name) is not None
    if named or any(root.at("services") or root.at("include") for root in mappings):
        return read_compose(roots, file, settings.environment)
    if all(is_null(root) for root in roots):
        return Contents(notes=(f"{file}: it holds no objects",))
    raise InputInvalid(
        f"{file}: neither Compose (services:) nor Kubernetes (apiVersion:, kind:); of a Helm "
        "chart give what `helm template` prints"
    )


def _read_objects(mappings: list[Fields], file: str, changes: Changes) -> Contents:
    own = [is_kustomization(x) or Path(file).name in FILE_NAMES for x in mappings]
    objects = [root for root, is_own in zip(mappings, own, strict=True) if not is_own]
    parts = [read_kubernetes(list(objects), file, changes)]
    for root, is_own in zip(mappings, own, strict=True):
        if is_own:
            parts.append(read_kustomization(root, file, changes))
    return _together(parts)


def _together(parts: Iterable[Contents]) -> Contents:
    listed = list(parts)
    return Contents(
        tuple(item for part in listed for item in part.found),
        tuple(item for part in listed for item in part.unresolved),
        tuple(item for part in listed for item in part.notes),
        tuple(item for part in listed for item in part.follows),
    )


def read_files(names: Iterable[str], stdin: BinaryIO, settings: Settings) -> Contents:
    """Return what all files say, and those that they include; `-` is the standard input.

    Raises InputInvalid for a file that cannot be read as what it seems to be.
    """
    reading = _Reading()
    for name in dict.fromkeys(names):
        if name == STDIN:
            raw = stdin.read(MAX_BYTES + 1)
            reading.take(_decoded(raw, _STDIN_SHOWN), _File(_STDIN_SHOWN, None, (), settings))
        else:
            path = Path(name)
            text = _decoded(_bytes_of(path, any_kind=True), name)
            above = (os.path.realpath(path),)
            reading.take(text, _File(name, path, above, _settings_at(path, settings)))
    return _together(reading.parts)


def whole_text(name: str, stdin: BinaryIO) -> tuple[str, str]:
    """Return a file's text and what it is called in messages; `-` is the standard input.

    Raises InputInvalid.
    """
    if name == STDIN:
        return _decoded(stdin.read(MAX_BYTES + 1), _STDIN_SHOWN), _STDIN_SHOWN
    return _decoded(_bytes_of(Path(name), any_kind=True), name), name


class _File(NamedTuple):
    """A file that is read: by the name `shown`; `path` is None where it has no place.

    `above` are itself and what led to it, `settings` what is known in it.
    """

    shown: str
    path: Path | None
    above: tuple[str, ...]
    settings: Settings


class _Reading:
    """Reads files and what they include, within bounds."""

    def __init__(self) -> None:
        self.parts: list[Contents] = []
        self._files = 0
        self._references = 0

    def take(self, text: str, file: _File, changes: Changes = ()) -> None:
        """Read one file, and those that it includes."""
        contents = read_text(text, file.shown, file.settings, changes)
        self._references += len(contents.found) + len(contents.unresolved)
        if self._references > MAX_REFERENCES:
            raise InputInvalid(f"{file.shown}: more than {MAX_REFERENCES} references in all files")
        self.parts.append(contents)
        for follow in contents.follows:
            self._follow(follow, file)

    def _follow(self, follow: Follow, file: _File) -> None:
        """Read a file that another one includes; what cannot be read is unresolved there."""
        try:
            found = _beside(follow, file.path)
            key = os.path.realpath(found)
            if key in file.above:  # a file may extend itself: it is being read already
                return
            self._files += 1
            if len(file.above) > MAX_DEPTH or self._files > MAX_FILES:
                raise InputInvalid(f"only {MAX_FILES} files are followed, {MAX_DEPTH} deep")
            inner = os.path.normpath(found)
            text = _decoded(_bytes_of(found, any_kind=False), inner)
            settings = _settings_at(found, file.settings)
            self.take(text, _File(inner, found, (*file.above, key), settings), follow.changes)
        except InputInvalid as error:
            unread = Unresolved(follow.path[:1000], file.shown, follow.line, str(error))
            self.parts.append(Contents(unresolved=(unread,)))


def _settings_at(path: Path, settings: Settings) -> Settings:
    """Return the settings with what the `.env` beside a file says; what is known already wins."""
    environment = settings.environment
    beside = path.parent / ".env"
    if not beside.is_file():
        return settings
    found = parse_dotenv(_decoded(_bytes_of(beside, any_kind=False), str(beside)), environment)
    return msgspec.structs.replace(settings, environment={**found, **environment})


def _beside(follow: Follow, path: Path | None) -> Path:
    """Return the file that is meant, of a directory its kustomization; raise InputInvalid."""
    named = follow.path
    is_elsewhere = "\0" in named or "://" in named or named.startswith(("/", "~", "git@"))
    if path is None or is_elsewhere:
        raise InputInvalid("only files that lie beside a file are followed: render it first")
    found = path.parent / named
    try:
        if not found.is_dir():
            return found
        kustomizations = (found / name for name in FILE_NAMES)
        return next((item for item in kustomizations if item.is_file()), found)
    except OSError as error:
        raise InputInvalid(f"{error.strerror}") from None


def _bytes_of(path: Path, *, any_kind: bool) -> bytes:
    """Return a file's bytes, bounded; without `any_kind` of a regular file only."""
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | (0 if any_kind else os.O_NONBLOCK)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not any_kind and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputInvalid(f"{path}: it is no regular file")
            return file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise InputInvalid(f"{path}: it is a directory: name a file in it") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputInvalid(f"{path}: {why}") from None


def _decoded(raw: bytes, shown: str) -> str:
    if len(raw) > MAX_BYTES:
        raise InputInvalid(f"{shown}: more than {MAX_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputInvalid(f"{shown}:{line}: it is not UTF-8") from None
