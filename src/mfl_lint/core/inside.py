"""What was read inside an image's layers, and which file the kernel would start of it.

Pure: it walks over summaries. Where a layer that was not read decides, it says which one
(`Started.wants`), so that a reader fetches no more layers than it takes.
Source: OCI image-spec 1.1 layer.md and config.md; path_resolution(7), execve(2); overlayfs.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.executable import Executable
from mfl_lint.core.layer import LayerSummary, MemberKind, clean_path
from mfl_lint.core.manifest import ImageConfig
from mfl_lint.core.process import Process, process_of
from mfl_lint.core.rootfs import Found, LayerWantedError, Rootfs

# The kernel gives up after as many interpreters that are scripts themselves.
_MAX_SCRIPTS: Final = 6
_MAX_CANDIDATES: Final = 64


class Inside(msgspec.Struct, frozen=True):
    """What was read of one image.

    `digests` are the manifest's layers from the bottom to the top, `layers` what was read of
    each, None = not read. `problems` say, by a layer's digest, why it could not be read (one
    bounded line).
    """

    digests: tuple[Digest, ...]
    layers: tuple[LayerSummary | None, ...]
    problems: dict[Digest, str] = {}


class Proof(msgspec.Struct, frozen=True):
    """A file that decides: its path in the image, the digest of the layer that holds it."""

    path: str
    layer: Digest
    executable: Executable


class Started(msgspec.Struct, frozen=True):
    """What the kernel would start.

    `programs` are the programs that it runs: one, or `env` and what `env` starts. `chain` are
    the paths that led there, links and scripts too, first what the config names. `loaders` are
    the programs' dynamic loaders as far as they are in the image, `without_loader` the programs
    whose loader is in no layer; every layer was read then. `unknown` says why no more is known,
    "" = all is.

    `wants` is the position of the layer (from the bottom) that has to be read to go on, None =
    none; `wants_paths` are the paths to be watched in it: all that `read_layer` needs.
    """

    programs: tuple[Proof, ...] = ()
    chain: tuple[str, ...] = ()
    loaders: tuple[Proof, ...] = ()
    without_loader: tuple[Proof, ...] = ()
    unknown: str = ""
    wants: int | None = None
    wants_paths: frozenset[str] = frozenset()

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """Return every file that the kernel would run: programs and their loaders."""
        return (*self.programs, *self.loaders)


def started(inside: Inside, config: ImageConfig) -> Started:
    """Return what the kernel would start of the image, or what is missing to say it."""
    process = process_of(config)
    problems = [inside.problems.get(digest, "") for digest in inside.digests]
    trace = _Trace(inside, process, Rootfs(inside.layers, problems, exact=not process.windows))
    try:
        trace.run()
    except LayerWantedError as wanted:
        layer = inside.layers[wanted.position]
        known = layer.watched if layer is not None else ()
        return trace.started(
            unknown=f"layer {inside.digests[wanted.position]} was not read",
            wants=wanted.position,
            wants_paths=candidates(config).union(known, (wanted.path,)),
        )
    except NotObserved as error:
        return trace.started(unknown=str(error))
    return trace.started()


def candidates(config: ImageConfig) -> frozenset[str]:
    """Return the paths that may be what the kernel starts: worth watching in every layer."""
    process = process_of(config)
    if process.windows:
        return frozenset()
    places = process.places(process.command)
    return frozenset(islice(map(clean_path, places), _MAX_CANDIDATES)) - {""}


class _Trace:
    """Follows what is started, from script to interpreter, and notes what it comes by."""

    def __init__(self, inside: Inside, process: Process, files: Rootfs) -> None:
        self._digests = inside.digests
        self._process = process
        self._files = files
        self._programs: list[Proof] = []
        self._chain: list[str] = []
        self._loaders: list[Proof] = []
        self._without_loader: list[Proof] = []

    def started(
        self,
        unknown: str = "",
        wants: int | None = None,
        wants_paths: frozenset[str] = frozenset(),
    ) -> Started:
        """Return what was come by."""
        return Started(
            tuple(self._programs),
            tuple(self._chain),
            tuple(self._loaders),
            tuple(self._without_loader),
            unknown,
            wants,
            wants_paths,
        )

    def run(self) -> None:
        """Follow the config's command. Raises LayerWantedError; NotObserved says why not."""
        name = self._process.command
        if not name:
            raise NotObserved("the config names neither an entrypoint nor a command")
        for _ in range(_MAX_SCRIPTS):
            found = self._command(name)
            if found is None:
                raise NotObserved(f"no layer has an executable file {name[:200]!r}")
            member = found.member
            if member.executable is not None:
                self._note(found, member.executable)
                return
            if not member.shebang:
                raise NotObserved(f"/{found.path} is neither a program nor a script with #!")
            name, words = interpreter_of(member.shebang)
            if name.rpartition("/")[2] == "env" and words:
                self._follow_env(name)
                name = words
        raise NotObserved(f"{self._chain[-1]} leads through more than {_MAX_SCRIPTS} scripts")

    def _follow_env(self, name: str) -> None:
        """Note the program `env` itself, which the kernel starts before what it is to start."""
        found = self._command(name)
        if found is None or found.member.executable is None:
            raise NotObserved(f"no layer has a program {name[:200]!r}")
        self._note(found, found.member.executable)

    def _command(self, name: str) -> Found | None:
        """Return the first file of this name that may be executed; note the way to it."""
        for place in self._process.places(name):
            found = self._files.resolve(place)
            if found is None or found.member.kind is not MemberKind.FILE:
                continue
            if found.member.is_executable or self._process.windows:
                self._chain += (*found.via, f"/{found.path}")
                return found
        return None

    def _note(self, found: Found, executable: Executable) -> None:
        proof = Proof(f"/{found.path}", self._digests[found.position], executable)
        self._programs.append(proof)
        if not executable.loader:
            return
        loader = self._files.resolve(next(self._process.places(_as_path(executable.loader)), ""))
        if loader is None:
            self._without_loader.append(proof)
        elif loader.member.executable is not None:
            digest = self._digests[loader.position]
            self._loaders.append(Proof(f"/{loader.path}", digest, loader.member.executable))


def interpreter_of(shebang: str) -> tuple[str, str]:
    """Return the interpreter that a `#!` line names, and what `env` would start, "" = nothing.

    The kernel hands on all that follows the interpreter as one word; `env -S` splits it.
    """
    name, _, rest = shebang.replace("\t", " ").partition(" ")
    rest = rest.strip()
    words = rest[2:].split() if rest.startswith("-S") else [rest]
    command = next((word for word in words if "=" not in word), "")
    return _as_path(name), "" if command.startswith("-") else command


def _as_path(name: str) -> str:
    """Return a name that the kernel looks up itself: never in PATH."""
    return name if "/" in name else f"./{name}"
