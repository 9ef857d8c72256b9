"""Fields of documents, read leniently and judged strictly: a value where there is one, problems.

An optional field that is null counts as absent, as every Go program reads it.
Source: OCI image-spec 1.1 descriptor.md, image-index.md "platform", annotations.md; RFC 6838
section 4.2.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.manifest import MAX_ENTRIES, Descriptor
from mfl_lint.core.platform import Platform
from mfl_lint.core.problems import Problems, below, shown

MAX_SIZE_BYTES: Final = 2**63 - 1
MAX_NAME: Final = 255

Fields = dict[str, Any]

_NAME: Final = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE: Final = re.compile(f"{_NAME}/{_NAME}")
_DIGEST: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")

Name = Annotated[str, Meta(max_length=MAX_NAME)]
# Of many at once `are_sha256` says the rest: a pattern is matched in a call for each.
LongAsSha256 = Annotated[str, Meta(min_length=71, max_length=71)]
_HEXADECIMAL: Final = b"0123456789abcdef"


def are_sha256(texts: Sequence[LongAsSha256]) -> bool:
    """Say whether each of the texts, of 71 characters all, is a sha256 digest."""
    encoded = "".join([text.removeprefix("sha256:") for text in texts])
    return len(encoded) == 64 * len(texts) and not encoded.encode().translate(None, _HEXADECIMAL)


class RegularPlatform(msgspec.Struct, gc=False, omit_defaults=True):
    """The fields of a platform, of which `read_platform` has nothing to say."""

    os: Name | None = None
    architecture: Name | None = None
    variant: Name | None = None
    os_version: Name | None = msgspec.field(default=None, name="os.version")
    os_features: tuple[Name, ...] | None = msgspec.field(default=None, name="os.features")

    def platform(self) -> Platform:
        """Return it as a value."""
        return Platform(
            self.os or "",
            self.architecture or "",
            self.variant or "",
            self.os_version or "",
            self.os_features or (),
        )


class RegularDescriptor(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """The usual fields of a descriptor, to be looked at with `are_regular`."""

    media_type: Name
    digest: LongAsSha256
    size: Annotated[int, Meta(ge=0, le=MAX_SIZE_BYTES)]
    platform: RegularPlatform | None = None
    annotations: dict[str, str] | None = None


class _RegularDescriptors(msgspec.Struct):
    """What msgspec knows of a struct it keeps; of a bare list it finds out each time."""

    entries: list[RegularDescriptor]


def read_object(fields: Fields, key: str, where: str, problems: Problems) -> Fields:
    """Return the object at `key`, empty where it is absent or no object."""
    value = fields.get(key)
    if type(value) is dict:
        return value
    if value is not None:
        problems.wrong(below(where, key), value, "an object")
    return {}


def read_array(fields: Fields, key: str, where: str, problems: Problems) -> list[Any]:
    """Return the array at `key`, empty where it is absent or no array."""
    value = fields.get(key)
    if type(value) is list:
        return value
    if value is not None:
        problems.wrong(below(where, key), value, "an array")
    return []


def read_name(fields: Fields, key: str, where: str, problems: Problems) -> str:
    """Return a short string, "" where absent or no string; a long one is cut to MAX_NAME."""
    value = fields.get(key)
    if type(value) is str:
        if len(value) > MAX_NAME:
            problems.invalid(below(where, key), f"{key} has {len(value)} characters")
        return value[:MAX_NAME]
    if value is not None:
        problems.wrong(below(where, key), value, "a string")
    return ""


def read_texts(fields: Fields, key: str, where: str, problems: Problems) -> tuple[str, ...]:
    """Return the strings of an array of strings."""
    values = fields.get(key)
    if values is None:
        return ()
    values, path = read_array(fields, key, where, problems), below(where, key)
    for position, value in enumerate(values):
        if type(value) is not str:
            problems.wrong(f"{path}[{position}]", value, "a string")
    return tuple(value for value in values if type(value) is str)


def read_media_type(fields: Fields, key: str, where: str, problems: Problems) -> str:
    """Return a media type as it is spelt, "" where absent, no string or too long to be one."""
    value = fields.get(key)
    if type(value) is not str:
        return read_name(fields, key, where, problems)
    if _MEDIA_TYPE.fullmatch(value) is None:
        problems.invalid(below(where, key), f"{key} is {shown(value)}, not a media type")
        return value if len(value) <= MAX_NAME else ""
    return value


def read_annotations(fields: Fields, where: str, problems: Problems) -> Mapping[str, str]:
    """Return the annotations whose values are strings."""
    if fields.get("annotations") is None:
        return {}
    found = read_object(fields, "annotations", where, problems)
    kept = {key: value for key, value in found.items() if type(value) is str}
    if len(kept) < len(found):
        key, value = next((key, v) for key, v in found.items() if type(v) is not str)
        count = f" ({len(found) - len(kept)} such)" if len(found) - len(kept) > 1 else ""
        path = below(below(where, "annotations"), key)
        problems.invalid(path, f"the annotation's value is {shown(value)}, not a string{count}")
    return kept


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


def read_platform(fields: Fields, where: str, problems: Problems) -> Platform:
    """Return the platform that an entry's `platform` or a config says, in its own spelling."""
    return Platform(
        read_name(fields, "os", where, problems),
        read_name(fields, "architecture", where, problems),
        read_name(fields, "variant", where, problems) if "variant" in fields else "",
        read_name(fields, "os.version", where, problems) if "os.version" in fields else "",
        _features(fields, where, problems) if "os.features" in fields else (),
    )


def _features(fields: Fields, where: str, problems: Problems) -> tuple[str, ...]:
    features = read_texts(fields, "os.features", where, problems)
    if any(len(feature) > MAX_NAME for feature in features):
        problems.invalid(below(where, "os.features"), f"more than {MAX_NAME} characters")
    return tuple(feature[:MAX_NAME] for feature in features)


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
    return all(map(_is_media_type, named)) and are_sha256([one.digest for one in descriptors])


@lru_cache(maxsize=256)
def _is_media_type(name: str) -> bool:
    """Say whether a name (of MAX_NAME characters at most: it is kept) is a media type."""
    return _MEDIA_TYPE.fullmatch(name) is not None


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
