"""From a described list to the list itself: images found, platforms filled in, bytes written."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from msgspec.structs import replace

from mfl_lint.core import edit
from mfl_lint.core.errors import MflLintError, NotFound, Refused
from mfl_lint.core.kind import is_attestation_entry
from mfl_lint.core.manifest import DOCKER_LIST, OCI_INDEX
from mfl_lint.core.platform import Platform
from mfl_lint.core.steps import Add, SetAnnotations, Step
from mfl_lint.inputs.list_spec import ListSpec, SaidPlatform, SpecEntry
from mfl_lint.mend.annotating import Said, annotated
from mfl_lint.mend.bringing import Child, Clients
from mfl_lint.mend.images import as_child, entries_of, find

FORMS: Final = {"oci": OCI_INDEX, "docker": DOCKER_LIST, "": ""}


class Applied(msgspec.Struct, frozen=True):
    """A list that was made, and lines on what was understood or left out."""

    raw: bytes
    media_type: str
    children: tuple[Child, ...]
    notes: tuple[str, ...]


async def apply_spec(
    spec: ListSpec,
    clients: Clients,
    *,
    form: str = "",
    ignore_missing: bool = False,
    known: Collection[Platform] = (),
) -> Applied:
    """Return the list that a description stands for; `form` is oci, docker or "" = as the images.

    Raise Refused, PlatformInvalid or a RegistryError that names file and line. `known` are
    platforms that the policy calls canonical.
    """
    children: list[Child] = []
    notes: list[str] = []
    for entry in spec.entries:
        try:
            found = await _children(entry, clients, known, notes)
        except NotFound as error:
            if not ignore_missing:
                raise NotFound(f"{entry.where}: {error}") from None
            notes.append(f"left out: {entry.where}: {error}")
            continue
        except MflLintError as error:
            error.args = (f"{entry.where}: {error}",)
            raise
        children += found
    if spec.entries and not children:
        raise Refused("every image is missing: there is no list to be pushed")
    children.sort(key=lambda child: is_attestation_entry(child.entry))
    media_type = _media_type(spec, children, form)
    steps: list[Step] = [Add(child.entry, child.source) for child in children]
    if spec.annotations:
        steps.append(SetAnnotations(spec.annotations))
    edited = edit.new_index(media_type, steps)
    return Applied(edit.encode(edited), edited.media_type, tuple(children), tuple(notes))


async def _children(
    entry: SpecEntry, clients: Clients, known: Collection[Platform], notes: list[str]
) -> tuple[Child, ...]:
    """Return what an image stands for; of a list, its entries as they stand there."""
    found = await find(clients, entry.image)
    if found.is_list:
        if entry.platform != SaidPlatform():
            raise Refused(f"{entry.image.familiar} is a list: its entries say their platforms")
        return entries_of(found)
    child = await as_child(clients, found)
    said = entry.platform
    platform, understood = annotated(
        child.entry.platform or Platform(),
        Said(said.os, said.architecture, said.variant, said.os_version, said.os_features),
        known,
    )
    notes += (f"{entry.where}: {line}" for line in understood)
    return (replace(child, entry=replace(child.entry, platform=platform)),)


def _media_type(spec: ListSpec, children: list[Child], form: str) -> str:
    types = {child.entry.media_type for child in children}
    media_type = edit.form_for(types, FORMS[form])
    if spec.annotations and media_type == DOCKER_LIST:
        raise Refused("a Docker list has no annotations: --oci makes an OCI index")
    return media_type
