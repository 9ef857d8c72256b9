"""Fields of documents, read leniently and judged strictly: a value where there is one, problems.

An optional field that is null counts as absent, as every Go program reads it.
Source: OCI image-spec 1.1 descriptor.md, image-index.md "platform", annotations.md; RFC 6838
section 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from mfl_lint.core.platform import Platform
from mfl_lint.core.problems import Problems, below, shown

MAX_NAME: Final = 255

Fields = dict[str, Any]

_NAME: Final = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE: Final = re.compile(f"{_NAME}/{_NAME}")

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


@lru_cache(maxsize=256)
def is_media_type(name: str) -> bool:
    """Say whether a name (of MAX_NAME characters at most: it is kept) is a media type."""
    return _MEDIA_TYPE.fullmatch(name) is not None


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
