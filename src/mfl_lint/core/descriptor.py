"""Descriptors as documents hold them, read leniently and judged strictly.

Source: OCI image-spec 1.1 descriptor.md, image-index.md.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from mfl_lint.core.decoding import known
from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.manifest import MAX_ENTRIES, Descriptor
from mfl_lint.core.platform import Platform
from mfl_lint.core.problems import Problems, below, shown
from mfl_lint.core.validate import (
    Fields,
    LongAsSha256,
    Name,
    RegularPlatform,
    are_sha256,
    is_media_type,
    read_annotations,
    read_array,
    read_media_type,
    read_platform,
    read_texts,
)

MAX_SIZE_BYTES: Final = 2**63 - 1
_DIGEST: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


@known
class RegularDescriptor(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """The usual fields of a descriptor, to be looked at with `are_regular`."""

    media_type: Name
    digest: LongAsSha256
    size: Annotated[int, Meta(ge=0, le=MAX_SIZE_BYTES)]
    platform: RegularPlatform | None = None
    annotations: dict[str, str] | None = None


@known
class _RegularDescriptors(msgspec.Struct):
    """What msgspec knows of a struct it keeps; of a bare list it finds out each time."""

    entries: list[RegularDescriptor]


def check_digest(value: object, where: str, problems: Problems) -> Digest | None:
    """Return a digest that can be verified; an unregistered algorithm is None and no problem."""
    if type(value) is not str:
        problems.wrong(where, value, "a digest")
    elif is_digest(value):
        return Digest(value)
    elif _DIGEST.fullmatch(value) is None:
        problems.invalid(where, f"{shown(value)} is not a digest (algorithm:encoded)")
    elif value.startswith(("sha256:", "sha512:")):
        need = "64 or 128 lower-case hexadecimal digits"
        problems.invalid(where, f"{shown(value)} cannot be verified: it does not have {need}")
    return None


def read_size(fields: Fields, where: str, problems: Problems) -> int | None:
    """Return the size in bytes, None where absent, negative, above 2^63-1 or no integer."""
    size = fields.get("size")
    if type(size) is int and 0 <= size <= MAX_SIZE_BYTES:
        return size
    if size is None:
        problems.missing(where, "size")
    else:
        problems.wrong(below(where, "size"), size, "a number of bytes")
    return None


def read_descriptor(value: object, where: str, problems: Problems) -> Descriptor:
    """Return what could be read of a descriptor, an empty one where it is no object."""
    try:
        regular = msgspec.convert(value, RegularDescriptor)
    except msgspec.ValidationError:
        return _irregular_descriptor(value, where, problems)
    if not are_regular([regular]):
        return _irregular_descriptor(value, where, problems)
    return descriptor_of(regular)


def are_regular(descriptors: Sequence[RegularDescriptor]) -> bool:
    """Say whether `read_descriptor` has nothing to say of any of them."""
    named = {one.media_type for one in descriptors}
    return all(map(is_media_type, named)) and are_sha256([one.digest for one in descriptors])


def descriptor_of(regular: RegularDescriptor) -> Descriptor:
    """Return it as a value."""
    platform = regular.platform
    return Descriptor(
        regular.media_type,
        Digest(regular.digest),
        regular.size,
        platform.platform() if platform is not None else None,
        regular.annotations or {},
    )


def _irregular_descriptor(value: object, where: str, problems: Problems) -> Descriptor:
    if type(value) is not dict:
        problems.wrong(where, value, "a descriptor")
        return Descriptor()
    media_type = read_media_type(value, "mediaType", where, problems)
    if value.get("mediaType") is None:
        problems.missing(where, "mediaType")
    digest = value.get("digest")
    if digest is None:
        problems.missing(where, "digest")
    elif not is_digest(digest):
        digest = check_digest(digest, f"{where}.digest", problems)
    size = read_size(value, where, problems)
    platform = value.get("platform")
    if platform is not None:
        platform = _platform(platform, f"{where}.platform", problems)
    _check_data(value, where, problems)
    return Descriptor(
        media_type,
        digest,
        size,
        platform,
        read_annotations(value, where, problems),
        read_media_type(value, "artifactType", where, problems),
        _urls(value, where, problems),
    )


def _platform(value: object, where: str, problems: Problems) -> Platform | None:
    if type(value) is dict:
        return read_platform(value, where, problems)
    problems.wrong(where, value, "an object")
    return None


def _urls(fields: Fields, where: str, problems: Problems) -> tuple[str, ...]:
    urls, path = read_texts(fields, "urls", where, problems), below(where, "urls")
    for url in urls:
        if _URI.fullmatch(url) is None:
            problems.wrong(path, url, "an absolute URI")
    return urls


def _check_data(fields: Fields, where: str, problems: Problems) -> None:
    data = fields.get("data")
    if data is None:
        return
    if type(data) is not str:
        problems.wrong(below(where, "data"), data, "a string")
        return
    try:
        binascii.a2b_base64(data.encode("ascii", "replace"), strict_mode=True)
    except binascii.Error as error:
        problems.invalid(below(where, "data"), f"data is not base64: {error}")


def read_descriptors(fields: Fields, key: str, problems: Problems) -> tuple[Descriptor, ...]:
    """Return the descriptors of a required array, the first MAX_ENTRIES of them."""
    if fields.get(key) is None:
        problems.missing("", key)
        return ()
    values = read_array(fields, key, "", problems)
    if len(values) > MAX_ENTRIES:
        problems.invalid(key, f"{len(values)} entries are more than {MAX_ENTRIES}; the rest unread")
        values = values[:MAX_ENTRIES]
    try:
        regular = msgspec.convert({"entries": values}, _RegularDescriptors).entries
    except msgspec.ValidationError:
        regular = []
    if regular and are_regular(regular):
        return tuple(map(descriptor_of, regular))
    return tuple(
        [read_descriptor(value, f"{key}[{i}]", problems) for i, value in enumerate(values)]
    )
