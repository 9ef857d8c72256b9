"""Platforms: parsed, normalised, compared; never filled in from the host.

    specifier = os ["(" [version] {"+" feature} ")"] "/" architecture ["/" variant]

Source: OCI image-spec 1.1 image-index.md "platform"; specifiers and normal forms as
containerd/platforms has them (`Parse`, `Format`, `FormatAll`, `Normalize`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import msgspec

from mfl_lint.core.errors import PlatformInvalid

_OPTION: Final = r"(?:[A-Za-z0-9_.-]|%[0-9A-Fa-f]{2})"
_OS: Final = re.compile(rf"([A-Za-z0-9_-]+)(?:\(({_OPTION}*)((?:\+{_OPTION}+)*)\))?")
_PART: Final = re.compile(r"[A-Za-z0-9_.-]+")
_CACHED_CHARACTERS: Final = 256


class Platform(msgspec.Struct, frozen=True):
    """What an entry or a config says it runs on, in the spelling it uses; "" = absent."""

    os: str = ""
    architecture: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Return what a specifier like `linux/arm/v7` or `windows(10.0.20348)/amd64` says.

        Aliases become the canonical names (`linux/x86_64` is `linux/amd64`), `linux/arm` keeps
        no variant. Raises PlatformInvalid; also for an os or an architecture alone, because
        the other one would have to come from the host.
        """
        parts = text.split("/", 3)
        if len(parts) == 4:
            raise _invalid(text, "it has more parts than os/architecture/variant")
        os, version, features = _parse_os(text, parts[0])
        for part in parts[1:]:
            if not _PART.fullmatch(part):
                raise _invalid(text, f"{part[:100]!r} is no architecture or variant")
        if len(parts) == 1:
            raise _invalid(text, _what_is_missing(text, os))
        return cls(os, *_parse_architecture(*parts[1:]), version, features)

    def __str__(self) -> str:
        """Return `os/architecture[/variant]` as written, `unknown` without an os."""
        return _joined(self.os, self)

    @property
    def full(self) -> str:
        """Return the specifier with os.version and os.features; it parses to the same again."""
        features = "".join(f"+{_encoded(item)}" for item in sorted(self.os_features) if item)
        options = f"{_encoded(self.os_version)}{features}"
        return _joined(f"{self.os}({options})" if self.os and options else self.os, self)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing at all is said."""
        return not (
            self.os or self.architecture or self.variant or self.os_version or self.os_features
        )

    @property
    def is_unknown(self) -> bool:
        """Say whether it is `unknown/unknown`, as BuildKit marks what is no image."""
        return self.os.lower() == "unknown" and self.architecture.lower() == "unknown"

    def normalized(self) -> Platform:
        """Return the form that engines compare: lower case, canonical names, implied variants.

        `arm` without a variant is `arm/v7`; `arm64/v8` and `amd64/v1` lose their variant; an
        absent os or architecture stays absent.
        """
        length = len(self.os) + len(self.architecture) + len(self.variant) + len(self.os_version)
        if self.os_features:
            length += sum(map(len, self.os_features))
        if length > _CACHED_CHARACTERS:
            return _normalize(self)
        return _normalize_cached(self)


def meets(required: Platform, offered: Platform) -> bool:
    """Say whether what is offered is what a policy or a person asks for.

    A requirement without a variant is met by any variant. Its os.version is compared only if
    it names one, up to a dot (`10.0.20348` is met by `10.0.20348.2402`); its os.features have
    to be offered, others may be.
    """
    wanted, given = required.normalized(), offered.normalized()
    if (wanted.os, wanted.architecture) != (given.os, given.architecture):
        return False
    _, implied = _IMPLY_VARIANT.get(required.architecture.lower(), ("", ""))
    if (required.variant or implied) and wanted.variant != given.variant:
        return False
    if wanted.os_version and not f"{given.os_version}.".startswith(f"{wanted.os_version}."):
        return False
    return set(wanted.os_features) <= set(given.os_features)


def spellings(required: Platform) -> Iterator[tuple[str, str | None]]:
    """Yield each architecture and variant, lower case, in which what is required may be written.

    A variant of None is any. So that a database can look for it; os.version is not compared.
    """
    wanted = required.normalized().architecture
    names = {wanted, required.architecture.lower()}
    names |= {alias for alias, name in _ALIASES.items() if name == wanted}
    names |= {alias for alias, (name, _) in _IMPLY_VARIANT.items() if name == wanted}
    levels = {level for name, level in _VARIANTS if name == wanted}
    levels |= {"", required.variant.lower(), *CANONICAL_VARIANTS.get(wanted, ())}
    asked = Platform(required.os, required.architecture, required.variant)
    for name in sorted(names):
        met = [one for one in sorted(levels) if meets(asked, Platform(required.os, name, one))]
        if len(met) == len(levels):
            yield name, None
        else:
            yield from ((name, level) for level in met)


def _joined(os: str, platform: Platform) -> str:
    if not os:
        return "unknown"
    return "/".join(part for part in (os, platform.architecture, platform.variant) if part)


def _encoded(option: str) -> str:
    """Percent-encode all that the grammar does not allow in an option."""
    return quote(option, safe="", errors="surrogatepass").replace("~", "%7E")


def _parse_os(text: str, part: str) -> tuple[str, str, tuple[str, ...]]:
    match = _OS.fullmatch(part)
    if match is None:
        raise _invalid(text, f"{part[:100]!r} is no os or os(version)")
    os, version, features = match.groups(default="")
    try:
        decoded = [unquote_to_bytes(item).decode() for item in (version, *features.split("+")[1:])]
    except UnicodeDecodeError:
        raise _invalid(text, "its os.version or os.features are not UTF-8") from None
    return _normal_os(os), decoded[0], tuple(decoded[1:])


def _parse_architecture(architecture: str, variant: str = "") -> tuple[str, str]:
    """Normalise, but print neither more nor less than containerd's specifiers do."""
    name, level = _normal_architecture(architecture, variant)
    if variant and name == "arm64" and not level:
        return name, "v8"
    if not variant and name == "arm" and level == "v7":
        return name, ""
    return name, level


def _what_is_missing(text: str, os: str) -> str:
    if os in KNOWN_SYSTEMS:
        return f"it names no architecture; write for example {os}/amd64"
    name, variant = _parse_architecture(text)
    if name in KNOWN_ARCHITECTURES:
        return f"it names no os; write for example {Platform('linux', name, variant)}"
    return "it is not os/architecture[/variant]"


def _invalid(text: str, reason: str) -> PlatformInvalid:
    return PlatformInvalid(f"not a platform: {text[:100]!r}: {reason}")


def _normal_os(os: str) -> str:
    lower = os.lower()
    return "darwin" if lower == "macos" else lower


def _normal_architecture(architecture: str, variant: str) -> tuple[str, str]:
    name, level = architecture.lower(), variant.lower()
    if name in _IMPLY_VARIANT:
        return _IMPLY_VARIANT[name]
    name = _ALIASES.get(name, name)
    return name, _VARIANTS.get((name, level), level)


def _normalize(platform: Platform) -> Platform:
    name, variant = _normal_architecture(platform.architecture, platform.variant)
    features = platform.os_features
    return Platform(
        _normal_os(platform.os),
        name,
        variant,
        platform.os_version,
        tuple(sorted(set(features))) if features else features,
    )


_normalize_cached = lru_cache(maxsize=4096)(_normalize)


_ALIASES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}

_IMPLY_VARIANT: Final = {"i386": ("386", ""), "armhf": ("arm", "v7"), "armel": ("arm", "v6")}

_VARIANTS: Final = {
    ("amd64", "v1"): "",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm64", "v8.0"): "",
    ("arm64", "9"): "v9",
    ("arm64", "9.0"): "v9",
    ("arm64", "v9.0"): "v9",
    ("arm", ""): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "7"): "v7",
    ("arm", "8"): "v8",
}

_ARCHITECTURES_OF: Final = {
    "aix": "ppc64",
    "android": "386 amd64 arm arm64",
    "darwin": "amd64 arm64",
    "dragonfly": "amd64",
    "freebsd": "386 amd64 arm arm64 riscv64",
    "illumos": "amd64",
    "ios": "amd64 arm64",
    "js": "wasm",
    "linux": "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x",
    "netbsd": "386 amd64 arm arm64",
    "openbsd": "386 amd64 arm arm64 ppc64 riscv64",
    "plan9": "386 amd64 arm",
    "solaris": "amd64",
    "wasip1": "wasm",
    "windows": "386 amd64 arm arm64",
}

# GOOS and GOARCH, which the image-spec's platform is written in (`go tool dist list`).
KNOWN_PAIRS: Final[frozenset[tuple[str, str]]] = frozenset(
    (os, name) for os, names in _ARCHITECTURES_OF.items() for name in names.split()
)
KNOWN_SYSTEMS: Final = frozenset(os for os, _ in KNOWN_PAIRS)
KNOWN_ARCHITECTURES: Final = frozenset(name for _, name in KNOWN_PAIRS)

_FLOAT: Final = frozenset({"hardfloat", "softfloat"})
_POWER: Final = frozenset({"power8", "power9", "power10"})

# The image-spec's table, and where it has no row the values of GO386, GOMIPS and GOMIPS64.
CANONICAL_VARIANTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "386": frozenset({"sse2", "softfloat"}),
        "amd64": frozenset({"v1", "v2", "v3", "v4"}),
        "arm": frozenset({"v5", "v6", "v7", "v8"}),
        "arm64": frozenset(
            {"v8", "v9", *(f"v8.{n}" for n in range(1, 10)), *(f"v9.{n}" for n in range(1, 6))}
        ),
        "mips": _FLOAT,
        "mipsle": _FLOAT,
        "mips64": _FLOAT,
        "mips64le": _FLOAT,
        "ppc64": _POWER,
        "ppc64le": _POWER,
        "riscv64": frozenset({"rva20u64", "rva22u64", "rva23u64"}),
    }
)
