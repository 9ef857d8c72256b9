"""A list as manifest-tool's YAML describes it, and as its templates do.

    image: registry.example.org/team/app:v1    untagged: pushed by its digest only
    tags: [latest]                             further tags
    annotations: {key: value}                  of the list; OCI only
    manifests:
      - image: registry.example.org/team/app-arm64:v1
        platform: {os: linux, architecture: arm64, variant: v8}

What a platform leaves out comes from the image's config; so does an absent platform. Keys that
nobody knows are mistakes: a misspelt one would be passed over in silence.
Source: estesp/manifest-tool, `push from-spec` and `push from-args`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from mfl_lint.core.errors import InputInvalid, ReferenceInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference, is_tag
from mfl_lint.inputs.yaml_tree import Fields, Node, Scalar, Sequence, documents, is_null

MAX_ENTRIES: Final = 1000
_TOP: Final = ("image", "tags", "annotations", "manifests")
_ENTRY: Final = ("image", "platform")
_VERSION: Final = ("os.version", "osversion")
_FEATURES: Final = ("os.features", "osfeatures")
_PLATFORM: Final = ("os", "architecture", "variant", *_VERSION, *_FEATURES)


class SaidPlatform(msgspec.Struct, frozen=True):
    """What is said of a platform; None = not said, the image's config says it."""

    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] | None = None


class SpecEntry(msgspec.Struct, frozen=True):
    """An image that is to be listed; `where` is what to name in a message (file and line)."""

    image: Reference
    platform: SaidPlatform
    where: str


class ListSpec(msgspec.Struct, frozen=True):
    """A list that is to be made; `image` has no tag where it is pushed by digest only."""

    image: Reference
    entries: tuple[SpecEntry, ...]
    tags: tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}


def read_list_spec(text: str, file: str) -> ListSpec:
    """Return what a YAML file describes; raise InputInvalid with file and line."""
    roots = documents(text, file)
    if len(roots) != 1 or not isinstance(roots[0], Fields):
        raise InputInvalid(f"{file}: it is not one YAML mapping with image and manifests")
    return _Reader(file).spec(roots[0])


def from_template(
    template: str,
    platforms: Iterable[str],
    target: str,
    tags: Iterable[str] = (),
    annotations: Mapping[str, str] | None = None,
) -> ListSpec:
    """Return the list of the images that a template names, one for each platform.

    ARCH, OS and VARIANT in the repository and the tag are filled in; VARIANT is empty where the
    platform has none. Raise ReferenceInvalid.
    """
    entries = []
    for text in platforms:
        platform = Platform.parse(text)
        image = _parsed(_filled(template, platform), f"--template for {text}")
        said = SaidPlatform(platform.os, platform.architecture, platform.variant or None)
        if platform.os_version:
            said = msgspec.structs.replace(said, os_version=platform.os_version)
        entries.append(SpecEntry(image, said, f"{text}"))
    named = tuple(_tag(tag, "--tags") for tag in tags)
    return ListSpec(_parsed(target, "--target"), tuple(entries), named, annotations or {})


def _filled(template: str, platform: Platform) -> str:
    host, slash, rest = template.partition("/")
    if not slash or (not any(mark in host for mark in ".:") and host != "localhost"):
        host, slash, rest = "", "", template
    for word, value in (
        ("ARCH", platform.architecture),
        ("OS", platform.os),
        ("VARIANT", platform.variant),
    ):
        rest = rest.replace(word, value)
    return f"{host}{slash}{rest}"


def _parsed(text: str, where: str) -> Reference:
    try:
        return Reference.parse(text)
    except ReferenceInvalid as error:
        raise InputInvalid(f"{where}: {error}") from None


def _tag(text: str, where: str) -> str:
    if not is_tag(text):
        raise InputInvalid(f"{where}: {text[:100]!r} is not a tag")
    return text


class _Reader:
    """Reads one file; every mistake is named with its line."""

    def __init__(self, file: str) -> None:
        self._file = file

    def spec(self, root: Fields) -> ListSpec:
        self._check_keys(root, _TOP)
        listed = root.at("manifests")
        if not isinstance(listed, Sequence):
            raise self._wrong(root.fields.get("manifests", root), "manifests has to be a list")
        if len(listed.items) > MAX_ENTRIES:
            raise self._wrong(listed, f"more than {MAX_ENTRIES} manifests")
        return ListSpec(
            image=self._reference(root),
            entries=tuple(self._entry(item) for item in listed.items),
            tags=tuple(self._tags(root)),
            annotations=self._annotations(root),
        )

    def _entry(self, node: Node) -> SpecEntry:
        if not isinstance(node, Fields):
            raise self._wrong(node, "an entry has to be a mapping with image and platform")
        self._check_keys(node, _ENTRY)
        where = f"{self._file}:{node.line}"
        return SpecEntry(self._reference(node), self._platform(node), where)

    def _reference(self, fields: Fields) -> Reference:
        found = fields.scalar("image")
        if found is None or not found.text:
            raise self._wrong(fields, "image is missing")
        return _parsed(found.text, f"{self._file}:{found.line}")

    def _tags(self, root: Fields) -> Iterable[str]:
        found = root.at("tags")
        if found is not None and not isinstance(found, Sequence):
            raise self._wrong(found, "tags has to be a list")
        for item in found.items if found is not None else ():
            yield _tag(self._text(item, "a tag"), f"{self._file}:{item.line}")

    def _annotations(self, root: Fields) -> Mapping[str, str]:
        found = root.at("annotations")
        if found is None:
            return {}
        if not isinstance(found, Fields):
            raise self._wrong(found, "annotations has to be a mapping")
        return {key: self._text(node, key) for key, node in found.fields.items()}

    def _platform(self, entry: Fields) -> SaidPlatform:
        found = entry.at("platform")
        if found is None:
            return SaidPlatform()
        if not isinstance(found, Fields):
            raise self._wrong(found, "platform has to be a mapping")
        self._check_keys(found, _PLATFORM)
        os, architecture = self._said(found, "os"), self._said(found, "architecture")
        if (os is None) is not (architecture is None):
            lacks = "os" if os is None else "architecture"
            raise self._wrong(found, f"a platform without {lacks}: say both or neither")
        return SaidPlatform(
            os,
            architecture,
            self._said(found, "variant"),
            self._said(found, *_VERSION),
            self._features(found),
        )

    def _said(self, fields: Fields, *names: str) -> str | None:
        """Return a text, by whichever of its names; None where it is absent or empty."""
        for name in names:
            found = fields.at(name)
            if found is not None:
                return self._text(found, name) or None
        return None

    def _features(self, fields: Fields) -> tuple[str, ...] | None:
        found = fields.at(_FEATURES[0]) or fields.at(_FEATURES[1])
        if found is None:
            return None
        if not isinstance(found, Sequence):
            raise self._wrong(found, "os.features has to be a list")
        return tuple(self._text(item, "a feature") for item in found.items)

    def _text(self, node: Node, what: str) -> str:
        if not isinstance(node, Scalar):
            raise self._wrong(node, f"{what[:100]} has to be a text")
        return "" if is_null(node) else node.text

    def _check_keys(self, fields: Fields, known: tuple[str, ...]) -> None:
        for key, node in fields.fields.items():
            if key not in known:
                begun = [name for name in known if key and name.startswith(key)]
                close = begun or difflib.get_close_matches(key[:100], known, 1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
                raise self._wrong(node, f"there is no key {key[:100]!r}; {hint}")

    def _wrong(self, node: Node, why: str) -> InputInvalid:
        return InputInvalid(f"{self._file}:{node.line}: {why}")
