"""Lists that are being made: on this machine only, until they are pushed.

One file a list below the user's state folder. A change is made under a lock and replaces the
file at once or not at all, so that two processes lose nothing of each other.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from mfl_lint.core import edit
from mfl_lint.core.decoding import decode
from mfl_lint.core.digest import is_digest, verifies
from mfl_lint.core.errors import ManifestInvalid, Refused
from mfl_lint.core.manifest import DOCKER_LIST, OCI_INDEX, Descriptor
from mfl_lint.core.reference import Reference
from mfl_lint.core.steps import Add, SetAnnotations, Step
from mfl_lint.mend.bringing import Child

try:
    import fcntl
except ImportError:  # a system without it: the file is still whole or not there
    fcntl = None  # type: ignore[assignment]  # a module, says mypy

FORMS: Final = {"oci": OCI_INDEX, "docker": DOCKER_LIST}
_SUFFIX: Final = ".json"
_MAX_BYTES: Final = 64 * 1024 * 1024


class Member(msgspec.Struct, frozen=True):
    """One entry of a draft: what it was named by, as an entry, where it lies, and its bytes."""

    name: str
    entry: Descriptor
    source: Reference
    raw: bytes = b""

    @property
    def child(self) -> Child:
        """Return it as a push needs it."""
        return Child(self.entry, self.source)


class Draft(msgspec.Struct, frozen=True):
    """A list that is being made. `name` is its canonical reference; `form` is "" (the children
    decide), `oci` or `docker`."""

    name: str
    members: tuple[Member, ...] = ()
    annotations: Mapping[str, str] = {}
    form: str = ""
    version: int = 1

    @property
    def reference(self) -> Reference:
        """Return the list's name."""
        return Reference.parse(self.name)

    def index(self, form: str = "") -> edit.Edited:
        """Return the list as it is now; Refused where the children fit no form.

        `form` is what is asked for in the place of the draft's own.
        """
        types = [member.entry.media_type for member in self.members]
        media_type = edit.form_for(types, FORMS.get(form or self.form, ""))
        noted = self.annotations or any(member.entry.annotations for member in self.members)
        if media_type == DOCKER_LIST and noted:
            raise Refused("docker lists hold no annotations: say --oci, or leave them out")
        steps: list[Step] = [Add(member.entry, member.source) for member in self.members]
        if self.annotations:
            steps.append(SetAnnotations(dict(sorted(self.annotations.items()))))
        return edit.new_index(media_type, steps)

    def find(self, reference: Reference) -> int | None:
        """Return the position of the child of that name, else of that digest alone."""
        name = str(reference.with_default_tag())
        for position, member in enumerate(self.members):
            if member.name == name:
                return position
        wanted = reference.digest
        found = [at for at, one in enumerate(self.members) if wanted and one.entry.digest == wanted]
        return found[0] if len(found) == 1 else None

    def with_member(self, position: int, entry: Descriptor) -> Draft:
        """Return it with another entry in one place."""
        changed = replace(self.members[position], entry=entry)
        return replace(
            self, members=(*self.members[:position], changed, *self.members[position + 1 :])
        )


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return where this program keeps what it must not forget, by the XDG base directories."""
    base = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(environment.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return Path(base) / "mfl-lint"


class Drafts:
    """The drafts in a folder, which is made with the first of them. Refused for what fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "drafts"

    def get(self, reference: Reference) -> Draft | None:
        """Return the draft of that name, None where there is none."""
        path = self._path(reference)
        return _read(path) if path.exists() else None

    def demand(self, reference: Reference) -> Draft:
        """Return the draft of that name; Refused where there is none."""
        draft = self.get(reference)
        if draft is None:
            raise no_draft(reference)
        return draft

    def all(self) -> tuple[Draft, ...]:
        """Return all drafts by their names."""
        paths = self._folder.glob(f"*{_SUFFIX}") if self._folder.is_dir() else ()
        return tuple(sorted((_read(path) for path in paths), key=lambda draft: draft.name))

    def change(self, reference: Reference, change: Callable[[Draft | None], Draft]) -> Draft:
        """Keep what `change` makes of the draft as it is now (None: there is none)."""
        with self._locked():
            draft = change(self.get(reference))
            _write(self._path(reference), msgspec.json.encode(draft))
            return draft

    def remove(self, reference: Reference) -> bool:
        """Forget a draft; say whether there was one."""
        if not self._folder.is_dir():
            return False
        with self._locked(), _said(self._folder):
            try:
                self._path(reference).unlink()
            except FileNotFoundError:
                return False
        return True

    def _path(self, reference: Reference) -> Path:
        name = str(reference.with_default_tag())
        return self._folder / f"{sha256(name.encode()).hexdigest()}{_SUFFIX}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with _said(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # a file system without locks
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def no_draft(reference: Reference) -> Refused:
    """Return what is said where a draft is needed and there is none."""
    name = reference.with_default_tag().familiar
    how = f"`mfl-lint manifest create {name} IMAGE…` makes one"
    return Refused(f"No such manifest: {name}: there is no draft of that name; {how}")


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or 'cannot be used'}") from None


def _read(path: Path) -> Draft:
    with _said(path), path.open("rb") as file:
        raw = file.read(_MAX_BYTES + 1)
    try:
        draft = decode(raw, Draft)
        Reference.parse(draft.name)
        whole = all(map(_is_whole, draft.members))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        whole = False
    if not whole:
        raise ManifestInvalid(f"{path}: this is no draft of this release, or damaged: delete it")
    return draft


def _is_whole(member: Member) -> bool:
    """Say whether a member's digest is one, and its bytes (where they are kept) are its own."""
    digest = member.entry.digest
    if digest is None or not is_digest(digest):
        return False
    return not member.raw or verifies(member.raw, digest)


def _write(path: Path, raw: bytes) -> None:
    """Write a file beside the path and put it in its place."""
    if len(raw) > _MAX_BYTES:
        raise Refused(f"the draft would have more than {_MAX_BYTES} bytes")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with _said(path):
        try:
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as opened:
                opened.write(raw)
                opened.flush()
                os.fsync(opened.fileno())
            beside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
