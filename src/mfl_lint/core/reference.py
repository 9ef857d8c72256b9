"""References by distribution's grammar and Docker's defaults.

    reference  = [registry "/"] repository [":" tag] ["@" digest]
    registry   = host [":" port]       the first component, if it is `localhost` or holds a
                                       dot, a colon or a capital; else docker.io
    repository = component {"/" component}       255 characters at most
    component  = letters and digits in lower case, joined by `.`, `_`, `__` or dashes
    tag        = a word character, then up to 127 of word characters, `.` and `-`
    digest     = sha256 or sha512 in lower case: no other can be verified

Source: distribution/reference (`ParseNormalizedNamed`, `TagNameOnly`, `FamiliarString`); OCI
distribution-spec 1.1, "Pulling manifests".
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import ReferenceInvalid

DEFAULT_REGISTRY: Final = "docker.io"
DEFAULT_TAG: Final = "latest"

_ALIASES: Final = {"index.docker.io": DEFAULT_REGISTRY}
OFFICIAL: Final = "library/"
_MAX_REPOSITORY: Final = 255
_MAX_REGISTRY: Final = 253 + len(":65535")

_COMPONENT: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REPOSITORY: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_REGISTRY: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IMAGE_ID: Final = re.compile(r"[a-f0-9]{64}")


def is_tag(text: str) -> bool:
    """Say whether the whole text is a tag."""
    return _TAG.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Say whether the whole text is a repository's name, without registry, tag and digest."""
    return len(text) <= _MAX_REPOSITORY and _REPOSITORY.fullmatch(text) is not None


def is_registry(text: str) -> bool:
    """Say whether the whole text is `host` or `host:port`."""
    return len(text) <= _MAX_REGISTRY and _REGISTRY.fullmatch(text) is not None


class Reference(msgspec.Struct, frozen=True):
    """A name of something in a registry; `tag` and `digest` are None when absent."""

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return what `text` names, with Docker's defaults but no default tag.

        Raises ReferenceInvalid with one line that shows at most 100 characters of the input.
        """
        if _IMAGE_ID.fullmatch(text):
            raise _invalid(text, "64 hexadecimal digits are an image's id, not its name")
        registry, remainder = _split_registry(text)
        named, at, digest = remainder.partition("@")
        repository, colon, tag = named.partition(":")
        if not is_registry(registry):
            raise _invalid(text, f"{registry[:100]!r} is not a registry's host[:port]")
        if not is_repository(repository):
            raise _invalid(text, _repository_fault(repository))
        if colon and not is_tag(tag):
            raise _invalid(text, f"{tag[:100]!r} is not a tag")
        if at and not is_digest(digest):
            raise _invalid(text, f"{digest[:100]!r} is not a sha256 or sha512 digest")
        return cls(registry, repository, tag or None, Digest(digest) if at else None)

    def __str__(self) -> str:
        """Return the canonical form: `docker.io/library/busybox:1@sha256:…`."""
        return f"{self.name}{self._suffix}"

    @property
    def name(self) -> str:
        """Return registry and repository, without tag and digest.

        What lies on disk has no repository: its place alone is its name.
        """
        return f"{self.registry}/{self.repository}" if self.repository else self.registry

    @property
    def familiar(self) -> str:
        """Return the short form as Docker shows it, the canonical one where that is no name.

        What is returned always parses to this reference again.
        """
        if self.registry != DEFAULT_REGISTRY:
            return str(self)
        name = self.repository.removeprefix(OFFICIAL)
        if "/" in name:
            name = self.repository
        short = f"{name}{self._suffix}"
        first, slash, _ = name.partition("/")
        if (slash and _names_registry(first)) or _IMAGE_ID.fullmatch(short):
            return str(self)
        return short

    @property
    def target(self) -> str:
        """Return what to ask the registry for: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def is_loopback(self) -> bool:
        """Say whether the registry is this machine: localhost, 127.0.0.0/8 or [::1]."""
        host, bracket, _ = self.registry.removeprefix("[").partition("]")
        if not bracket:
            host = host.partition(":")[0]
        try:
            return host.lower() == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    def with_default_tag(self) -> Reference:
        """Return the reference with `latest` where it has neither tag nor digest."""
        if self.tag is not None or self.digest is not None:
            return self
        return Reference(self.registry, self.repository, DEFAULT_TAG)

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        return f"{tag}@{self.digest}" if self.digest is not None else tag


def _names_registry(component: str) -> bool:
    """Say whether a first component is a registry, not a namespace on Docker Hub."""
    return (
        component == "localhost"
        or "." in component
        or ":" in component
        or component != component.lower()
    )


def _split_registry(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and _names_registry(first):
        registry, remainder = _ALIASES.get(first, first), rest
    else:
        registry, remainder = DEFAULT_REGISTRY, text
    if registry == DEFAULT_REGISTRY and "/" not in remainder:
        remainder = OFFICIAL + remainder
    return registry, remainder


def _repository_fault(repository: str) -> str:
    if not repository.removeprefix(OFFICIAL):
        return "it names no repository"
    if len(repository) > _MAX_REPOSITORY:
        return f"a repository's name has at most {_MAX_REPOSITORY} characters"
    if is_repository(repository.lower()):
        return f"the repository {repository[:100]!r} must be lower case"
    return f"{repository[:100]!r} is not a repository's name"


def _invalid(text: str, reason: str) -> ReferenceInvalid:
    return ReferenceInvalid(f"not a reference: {text[:100]!r}: {reason}")
