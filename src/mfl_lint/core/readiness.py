"""Whether one platform of a reference can be pulled: what a look at its list says. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import MflLintError, NotObserved
from mfl_lint.core.kind import is_foreign_layer
from mfl_lint.core.manifest import Form
from mfl_lint.core.observation import Look, LookState, Node, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.scan import Place
from mfl_lint.core.selection import Engine, runs, select

# Whatever pulls it in a cluster or on a machine today; `--engine` names others.
USUAL_ENGINES: Final = (Engine.DOCKER, Engine.CONTAINERD, Engine.PODMAN)
_MAX_NESTING: Final = 8


class Answer(StrEnum):
    """Whether a platform can be pulled; `unknown` where nobody could look."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Readiness(msgspec.Struct, frozen=True):
    """What was found of one platform of one reference, and why, in one line."""

    reference: str
    platform: str
    answer: Answer
    why: str
    digests: tuple[Digest, ...] = ()
    places: tuple[Place, ...] = ()


class Unready(MflLintError):
    """The way to an image ends; `answer` says whether for certain."""

    def __init__(self, answer: Answer, why: str) -> None:
        super().__init__(why)
        self.answer = answer
        self.why = why


def together(answers: Iterable[Answer]) -> Answer:
    """Return the answer for all: no where one is no, else unknown where one is."""
    given = frozenset(answers)
    worst = (answer for answer in (Answer.NO, Answer.UNKNOWN) if answer in given)
    return next(worst, Answer.YES)


def children(
    observation: Observation, platform: Platform, engines: Iterable[Engine]
) -> tuple[Node, ...]:
    """Return the images that the engines take, each once; raise Unready.

    Each is seen, is an image with a readable config, and runs on the platform.
    """
    if observation.root is None:
        raise _ended("the reference", observation.look)
    found: dict[int, Node] = {}
    unknown: Unready | None = None
    for engine in engines:
        try:
            node = _child(observation.root, platform, engine)
        except Unready as unready:
            if unready.answer is Answer.NO:
                raise
            unknown = unready
        else:
            found[id(node)] = node
    if unknown is not None:
        raise unknown
    return tuple(found.values())


def _child(root: Node, platform: Platform, engine: Engine) -> Node:
    node = root
    for _ in range(_MAX_NESTING):
        try:
            chosen = select(node, engine, platform)
        except NotObserved as error:
            raise Unready(Answer.UNKNOWN, f"{engine}: not seen: {error}") from None
        if chosen.selected is None:
            raise Unready(Answer.NO, f"{engine} finds none: {chosen.reason}")
        node = chosen.selected
        name = f"what {engine} takes, {node.entry.digest or 'without a digest'},"
        if node.look is None:
            raise Unready(Answer.NO if node.entry.digest is None else Answer.UNKNOWN, f"{name} ?")
        if node.look.state is not LookState.VERIFIED:
            raise _ended(name, node.look)
        if not node.is_index:
            return _image(node, platform, name)
    raise Unready(Answer.NO, f"{engine} finds lists in lists and no image")


def _image(node: Node, platform: Platform, name: str) -> Node:
    """Return the node where it is an image for the platform."""
    document = node.document
    if document is None or document.form is not Form.MANIFEST or document.config is None:
        raise Unready(Answer.NO, f"{name} is no image's manifest")
    if document.config.digest is None:
        raise Unready(Answer.NO, f"{name} names no config by a digest")
    if node.config_look is not None and node.config_look.state is not LookState.VERIFIED:
        raise _ended(f"the config of {name}", node.config_look)
    if node.config is None:
        raise Unready(Answer.NO, f"{name} is no image: {document.config.media_type or 'no type'}")
    built = node.config.platform
    if not runs(platform, built):
        raise Unready(Answer.NO, f"{name} says in its config {built.full}")
    return node


def _ended(what: str, look: Look) -> Unready:
    """Return what a look means that did not end well."""
    certain = look.state is LookState.ABSENT or look.mismatch is not None
    said = "not there" if look.state is LookState.ABSENT else str(look.state)
    detail = f": {look.detail}" if look.detail else ""
    return Unready(Answer.NO if certain else Answer.UNKNOWN, f"{what} is {said}{detail}")


def layers_of(nodes: Iterable[Node]) -> tuple[Digest, ...]:
    """Return the digests of the layers that a registry has to have; raise Unready."""
    digests: dict[Digest, None] = {}
    for node in nodes:
        for position, layer in enumerate(node.document.layers if node.document else ()):
            if is_foreign_layer(layer):
                continue
            if layer.digest is None:
                why = f"layer {position} of {node.entry.digest} has no digest that can be pulled"
                raise Unready(Answer.NO, why)
            digests[layer.digest] = None
    return tuple(digests)


def gone(digest: Digest, look: Look) -> Unready:
    """Return what the failed look at a layer means."""
    return _ended(f"layer {digest}", look)
