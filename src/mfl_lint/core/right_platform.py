"""Which platform an entry has to say, and what proves it. Pure.

The image's config is believed where the entry says nothing, or says the same in other words. Where
the two contradict each other only the program decides: a build without `--platform` leaves the
builder's architecture in the config around the right program.
"""

from __future__ import annotations

from typing import Final

import msgspec

from mfl_lint.core.executable import Runs, runs_on
from mfl_lint.core.inside import Proof, Started, started
from mfl_lint.core.observation import Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.spelling import is_matched, meant_by

_LEVELS: Final = {5: "v5", 6: "v6", 7: "v7"}


class Right(msgspec.Struct, frozen=True):
    """The platform that the entry has to say, in canonical words, and why; one line."""

    platform: Platform
    why: str


class Unsure(msgspec.Struct, frozen=True):
    """Why no other platform can be written on the entry; one line.

    `wants_layers` says that it may be known once the image's layers are read.
    """

    why: str
    wants_layers: bool = False


def right_platform(node: Node) -> Right | Unsure:
    """Return what the entry of an image has to say."""
    said = node.entry.platform or Platform()
    meant = canonical(said)
    built = canonical(node.config.platform) if node.config is not None else None
    if built is None or node.config is None:
        return _without_config(node, said, meant)
    if not (said.os and said.architecture):
        return Right(built, f"the image's config says {built}")
    if meant is None:
        return Right(built, f"the image's config says {built}; {said} means nothing to an engine")
    if _agree(said, meant, node.config.platform, built):
        return Right(_joined(said, meant, node.config.platform, built), f"it means {built}")
    return _by_program(node, said, meant, built)


def canonical(platform: Platform) -> Platform | None:
    """Return what is said in the words that engines match, None where nobody can tell them."""
    if not (platform.os and platform.architecture) or platform.is_unknown:
        return None
    normal = platform.normalized()
    meant = normal if is_matched(normal) else meant_by(normal)
    if meant is None:
        return None
    return msgspec.structs.replace(
        meant, os_version=platform.os_version, os_features=platform.os_features
    )


def _without_config(node: Node, said: Platform, meant: Platform | None) -> Right | Unsure:
    if meant is None:
        return Unsure("neither its entry nor its config says a platform that an engine knows")
    if said.variant and not meant.variant and _is_unreadable(said):
        return Unsure(f"nobody can tell which variant {said} means: its config does not say it")
    return Right(_with_level(node, said, meant), f"{said} means {meant}")


def _is_unreadable(said: Platform) -> bool:
    """Say whether a variant that is written cannot be put into canonical words."""
    normal = said.normalized()
    return bool(normal.variant) and not is_matched(normal)


def _agree(said: Platform, meant: Platform, config: Platform, built: Platform) -> bool:
    """Say whether entry and config mean the same; what one leaves out contradicts nothing."""
    if (meant.os, meant.architecture) != (built.os, built.architecture):
        return False
    if meant.os == "windows" and said.os_version and config.os_version:
        return said.os_version.split(".")[2:3] == config.os_version.split(".")[2:3]
    explicit = said.variant or said.architecture.lower() != "arm"
    written = config.variant or config.architecture.lower() != "arm"
    unreadable = _is_unreadable(said) and not meant.variant
    return not (explicit and written) or unreadable or meant.variant == built.variant


def _joined(said: Platform, meant: Platform, config: Platform, built: Platform) -> Platform:
    """Return what both say together: the entry's word first, the config's for what it lacks."""
    bare = said.architecture.lower() == "arm" and not said.variant
    variant = meant.variant
    if (bare and config.variant) or (_is_unreadable(said) and not variant):
        variant = built.variant
    windows = meant.os == "windows"
    version = said.os_version or (config.os_version if windows else "")
    features = said.os_features or (config.os_features if windows else ())
    return Platform(meant.os, meant.architecture, variant, version, features)


def _with_level(node: Node, said: Platform, meant: Platform) -> Platform:
    """Return the platform with the level of ARM that the program itself names, if it was read."""
    if meant.architecture != "arm" or said.variant or said.architecture.lower() != "arm":
        return meant
    run = _started(node)
    levels = {proof.executable.arm_level for proof in run.proofs} if run is not None else set()
    level = _LEVELS.get(max(levels, default=0), meant.variant)
    return msgspec.structs.replace(meant, variant=level)


def _started(node: Node) -> Started | None:
    if node.inside is None or node.config is None:
        return None
    return started(node.inside, node.config)


def _by_program(node: Node, said: Platform, meant: Platform, built: Platform) -> Right | Unsure:
    """Return the config's platform where what the container starts shows that it is right."""
    conflict = f"the entry says {said}, the config {built}"
    run = _started(node)
    if run is None:
        return Unsure(f"{conflict}; its layers were not read, so nobody knows who is right", True)
    if run.unknown or not run.proofs:
        return Unsure(f"{conflict}; what it starts is not known: {run.unknown or 'nothing'}")
    program = f"{conflict}; {_named(run.proofs)}"
    finer = (meant.os, meant.architecture) == (built.os, built.architecture)
    if finer and meant.architecture != "arm":
        return Unsure(f"{program}, and no program says more than its architecture")
    if _all_run(run.proofs, meant) and not (finer and built.variant < meant.variant):
        return Unsure(
            f"{program}, which is right for {said}: it was built without --platform, and only a "
            "build changes its config"
        )
    if _all_run(run.proofs, built):
        return Right(built, f"{_named(run.proofs)}, as the config says")
    return Unsure(f"{program}, which does not show that the config is right")


def _all_run(proofs: tuple[Proof, ...], platform: Platform) -> bool:
    return all(runs_on(proof.executable, platform) is Runs.YES for proof in proofs)


def _named(proofs: tuple[Proof, ...]) -> str:
    return f"{proofs[-1].path} is {proofs[-1].executable}"
