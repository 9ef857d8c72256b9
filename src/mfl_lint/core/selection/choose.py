"""One index, one engine, one platform asked for: the entry that is taken.

Source: containerd `images.Manifest` and containerd/platforms; moby `filterManifests` of both
systems; containers/image `ChooseInstance` of both list formats; image-spec 1.1 image-index.md
("the first matching entry SHOULD be used"), as go-containerregistry reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.manifest import DOCKER_LIST, Form
from mfl_lint.core.observation import Kind, LookState, Node
from mfl_lint.core.parse import clean_media_type
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection.engines import Engine, Key, accepted, key_of, wanted
from mfl_lint.core.selection.windows import is_newer, runs_build, without_revision

ZSTD: Final = "io.github.containers.compression.zstd"

_NEVER: Final = frozenset({Kind.ATTESTATION, Kind.BLOB})
_WINDOWS: Final = "windows"
_UNSAID: Final = Platform("linux", "amd64")


class Listing:
    """An index's entries, sorted out once for all that is asked of them.

    `candidates` are the entries but attestations and what is no manifest; `bare` those of them
    that have no platform.
    """

    def __init__(self, children: Iterable[Node], *, docker_list: bool) -> None:
        self.docker_list = docker_list
        self.candidates = tuple(child for child in children if child.kind not in _NEVER)
        self.bare = tuple(node for node in self.candidates if node.entry.platform is None)
        self._normal: dict[Key, list[Node]] = {}
        self._spelt: dict[Key, list[Node]] = {}
        for node in self.candidates:
            said = node.entry.platform
            if said is not None:
                self._normal.setdefault(key_of(said.normalized()), []).append(node)
                self._spelt.setdefault(key_of(said), []).append(node)

    @classmethod
    def of(cls, index: Node) -> Listing:
        """Return the listing of an index that was read; raise NotObserved for another node."""
        document = index.document
        if document is None or document.form is not Form.INDEX:
            raise NotObserved(f"the list {index.entry.digest or ''} was not seen")
        media_type = clean_media_type(document.media_type or document.served_type)
        return cls(index.children, docker_list=media_type == DOCKER_LIST)

    def offers(self, key: Key) -> bool:
        """Say whether an entry has this os, architecture and variant in normal form."""
        return key in self._normal

    def alone(self, node: Node) -> Listing:
        """Return a listing of the same form with this entry only."""
        return Listing((node,), docker_list=self.docker_list)

    def choose(self, engine: Engine, asked: Platform) -> Node | None:
        """Return the entry that the engine takes when asked for a platform, None for no match.

        Raises NotObserved where the engine would read a config or list that was not seen.
        """
        if engine is Engine.PODMAN:
            return self._by_wish(asked)
        if engine is Engine.FIRST_MATCH:
            return next((node for node in self.candidates if _satisfies(node, asked)), None)
        on_windows = asked.os.lower() == _WINDOWS
        if on_windows and engine is Engine.DOCKER_CLASSIC:
            return self._on_classic_windows(asked)
        if on_windows and engine is Engine.CONTAINERD:
            found = self._highest_version(asked)
        else:
            found = self._by_level(asked)
        return found or self._without_platform(engine, asked)

    def _by_level(self, asked: Platform) -> Node | None:
        """Return the entry of the highest level, among equals the one with most os.features."""
        for key in accepted(asked):
            fitting = [node for node in self._normal.get(key, ()) if fits_host(node, asked)]
            if fitting:
                return max(fitting, key=lambda node: len(_said(node).os_features))
        return None

    def _highest_version(self, asked: Platform) -> Node | None:
        """Return the entry with the highest os.version as text, as containerd does on Windows."""
        same = self._normal.get(key_of(asked.normalized()), ())
        fitting = [node for node in same if fits_host(node, asked)]
        return max(fitting, key=lambda node: _said(node).os_version, default=None)

    def _on_classic_windows(self, asked: Platform) -> Node | None:
        """Return the first entry of the host's own build, else the first that is no newer."""
        fitting = [
            node
            for node in self.candidates
            if _said(node).os.lower() == _WINDOWS
            and _said(node).architecture == asked.architecture
            and not is_newer(_said(node).os_version, asked.os_version)
        ]
        own = f"{without_revision(asked.os_version)}." if asked.os_version else ""
        same = (node for node in fitting if own and _said(node).os_version.startswith(own))
        return next(same, fitting[0] if fitting else None)

    def _by_wish(self, asked: Platform) -> Node | None:
        for key in wanted(asked):
            if key in self._spelt:
                return self._packed_best(self._spelt[key])
        return self._packed_best(self.bare) if self.bare and not self.docker_list else None

    def _packed_best(self, nodes: Sequence[Node]) -> Node:
        """Return the first entry that is marked as zstd, which no docker list can do."""
        packed = (node for node in nodes if node.entry.annotations.get(ZSTD) == "true")
        return nodes[0] if self.docker_list else next(packed, nodes[0])

    def _without_platform(self, engine: Engine, asked: Platform) -> Node | None:
        """Return the first entry without a platform; the others are never looked at.

        The classic store takes it unread, and takes an empty platform for none.
        """
        if engine is Engine.DOCKER_CLASSIC:
            return next((node for node in self.candidates if _said(node).is_empty), None)
        if self.bare and _config_matches(self.bare[0], engine, asked):
            return self.bare[0]
        return None


def fits_host(node: Node, asked: Platform) -> bool:
    """Say whether a host has the os.features that an entry needs, and on Windows its build."""
    return fits(_said(node), asked)


def fits(said: Platform, asked: Platform) -> bool:
    """Say the same of a platform."""
    if said.os_features and not set(said.os_features) <= set(asked.os_features):
        return False
    return asked.os.lower() != _WINDOWS or runs_build(asked.os_version, said.os_version)


def _said(node: Node) -> Platform:
    return node.entry.platform or Platform()


def _satisfies(node: Node, asked: Platform) -> bool:
    """Say whether every field that is asked for is the entry's, to the letter."""
    said = node.entry.platform or _UNSAID
    return (
        (said.os, said.architecture) == (asked.os, asked.architecture)
        and asked.variant in ("", said.variant)
        and asked.os_version in ("", said.os_version)
        and set(asked.os_features) <= set(said.os_features)
    )


def _config_matches(node: Node, engine: Engine, asked: Platform) -> bool:
    """Say whether what an entry without a platform leads to is for the platform asked for."""
    if node.kind is Kind.INDEX:
        return not _is_gone(node) and Listing.of(node).choose(engine, asked) is not None
    if node.kind is Kind.ARTIFACT or _is_gone(node):
        return False
    if node.config is not None:
        built = node.config.platform
        return key_of(built.normalized()) in accepted(asked) and fits(built, asked)
    if node.document is not None and node.document.form is Form.SCHEMA1:
        return False
    raise NotObserved(f"the config of {node.entry.digest or 'an entry without platform'}")


def _is_gone(node: Node) -> bool:
    """Say whether the registry has no such document, or no such config."""
    looks = (node.look, node.config_look)
    return any(look is not None and look.state is LookState.ABSENT for look in looks)
