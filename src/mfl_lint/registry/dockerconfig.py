"""Docker's own configuration: credentials, credential helpers, insecure registries.

As the docker command does, entries are found by host alone; a repository's path in a key is
not looked at.
Source: docker/cli "config.json" and its credential helpers; dockerd "insecure-registries".
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import shutil
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import msgspec

from mfl_lint.core.decoding import decode
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.addresses import literal
from mfl_lint.registry.origin import Origin, is_docker_hub

_HUB_KEY: Final = "https://index.docker.io/v1/"
_HUB_HOSTS: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN_USER: Final = "<token>"  # noqa: S105  # what helpers say in place of a user's name
_NOT_FOUND: Final = b"credentials not found"
_HELPER_TIMEOUT_S: Final = 30.0
SYSTEM_DAEMON_FILE: Final = Path("/etc/docker/daemon.json")


class Credentials(msgspec.Struct, frozen=True):
    """Who we are to a registry. "" stands for absent.

    `identity_token` is exchanged for tokens at the realm; `registry_token` is sent as it is.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return "Credentials(…)"

    @property
    def basic(self) -> str:
        """Return the Authorization header for Basic, "" without a user's name."""
        if not self.username:
            return ""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown."""
        texts = (self.password, self.identity_token, self.registry_token, self.basic[6:])
        return tuple(text for text in texts if text)


class DockerConfig:
    """What `config.json` and `daemon.json` say; a file that cannot be read says so when asked."""

    def __init__(
        self,
        document: Mapping[str, Any] | None = None,
        insecure: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        problem: str = "",
    ) -> None:
        self._document = document or {}
        self._insecure = tuple(insecure)
        self._environment = environment or {}
        self._problem = problem

    @classmethod
    def load(
        cls,
        environment: Mapping[str, str],
        daemon_files: Sequence[Path] = (SYSTEM_DAEMON_FILE,),
    ) -> DockerConfig:
        """Return what is in `$DOCKER_CONFIG`, else `$HOME/.docker`, and in the daemon's files."""
        place = environment.get("DOCKER_CONFIG", "")
        home = environment.get("HOME", "")
        if not place and not home:
            return cls()
        folder = Path(place) if place else Path(home) / ".docker"
        document, problem = _read(folder / "config.json")
        insecure = _names(document.get("insecure-registries"))
        for file in (folder / "daemon.json", *daemon_files):
            insecure += _names(_read(file)[0].get("insecure-registries"))
        return cls(document, insecure, environment, problem)

    def is_insecure(self, host: str) -> bool:
        """Say whether Docker was told to accept the host (`host` or `host:port`) over http."""
        name = Origin.parse("https", host).host
        return any(_lists(entry, host.lower(), name) for entry in self._insecure)

    async def credentials(self, host: str) -> Credentials | None:
        """Return the host's credentials, None if there are none; raise ConfigInvalid."""
        if self._problem:
            raise ConfigInvalid(self._problem)
        hosts = _HUB_HOSTS if is_docker_hub(host) else (host.lower(),)
        helpers = _mapping(self._document.get("credHelpers"))
        keys = (*hosts, _HUB_KEY) if hosts is _HUB_HOSTS else hosts
        name = next((helpers[key] for key in keys if key in helpers), None)
        name = name or self._document.get("credsStore")
        if name:
            found = await self._helped(name, _HUB_KEY if hosts is _HUB_HOSTS else host)
            if found is not None:
                return found
        return self._stored(hosts)

    def _stored(self, hosts: Sequence[str]) -> Credentials | None:
        """Return what `auths` holds for the first of the hosts that has an entry."""
        entries = _mapping(self._document.get("auths"))
        named = {_host_of(key): key for key in reversed(list(entries)) if "/" not in _rest(key)}
        for host in hosts:
            if host in named and entries[named[host]]:
                return entry_credentials(entries[named[host]], named[host])
        return None

    async def _helped(self, name: object, server: str) -> Credentials | None:
        """Return what a credential helper says of the server, None if it knows nothing."""
        if not isinstance(name, str) or not _HELPER.fullmatch(name):
            raise ConfigInvalid("docker config: credsStore or credHelpers names no helper")
        program = f"docker-credential-{name}"
        path = shutil.which(program, path=self._environment.get("PATH", ""))
        if path is None:
            raise ConfigInvalid(f"docker config: {program} is not on the PATH")
        code, output = await _run(path, server, self._environment)
        if code and _NOT_FOUND in output.lower():
            return None
        try:
            answer = decode(output, _HelperAnswer)
        except msgspec.DecodeError:
            answer = None
        if code or answer is None:
            raise ConfigInvalid(f"docker config: {program} failed for {server}")
        if answer.username == _TOKEN_USER:
            return Credentials(identity_token=answer.secret)
        return Credentials(answer.username, answer.secret) if answer.username else None


class _HelperAnswer(msgspec.Struct, rename={"username": "Username", "secret": "Secret"}):
    username: str = ""
    secret: str = ""


async def _run(path: str, server: str, environment: Mapping[str, str]) -> tuple[int, bytes]:
    """Return a helper's exit code and output; raise ConfigInvalid if it cannot be run."""
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
    except OSError:
        raise ConfigInvalid(f"docker config: {Path(path).name} cannot be run") from None
    try:
        async with asyncio.timeout(_HELPER_TIMEOUT_S):
            output, _ = await process.communicate(server.encode())
    except TimeoutError:
        raise ConfigInvalid(f"docker config: {Path(path).name} does not answer") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output


def entry_credentials(entry: object, key: str) -> Credentials:
    """Return what one entry of `auths` holds; raise ConfigInvalid naming its key.

    `auth` (base64 of user:password) wins over `username` and `password`.
    """
    fields = ("username", "password", "identitytoken", "registrytoken", "auth")
    values = [_mapping(entry).get(field) or "" for field in fields]
    if not all(isinstance(value, str) for value in values):
        raise ConfigInvalid(f"docker config: auths[{key!r}]: a value is not text")
    username, password, identity, registry, auth = values
    if auth:
        try:
            decoded = base64.b64decode(auth, validate=True).decode()
        except (binascii.Error, ValueError):
            decoded = ""
        username, colon, password = decoded.partition(":")
        if not colon:
            raise ConfigInvalid(
                f"docker config: auths[{key!r}].auth is not base64 of user:password"
            )
    return Credentials(username, password.strip("\0"), identity, registry)


def _read(file: Path) -> tuple[dict[str, Any], str]:
    """Return a file's JSON object, empty if there is none, and what is wrong with it."""
    try:
        document = msgspec.json.decode(file.read_bytes())
    except FileNotFoundError:
        return {}, ""
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return {}, f"docker config: {file} cannot be read"
    return document, ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _rest(key: str) -> str:
    """Return what a key of `auths` holds behind its host, without the API's version."""
    bare = re.sub(r"^https?://", "", key).rstrip("/")
    if bare == key:
        return bare.partition("/")[2] and f"/{bare.partition('/')[2]}"
    return ""


def _host_of(key: str) -> str:
    """Return the host that a key of `auths` stands for."""
    return re.sub(r"^https?://", "", key).partition("/")[0].lower()


def _lists(entry: str, host: str, name: str) -> bool:
    """Say whether an entry of insecure-registries is the host, its name or its network."""
    if entry.lower() in (host, name):
        return True
    address = literal(name)
    try:
        return address is not None and "/" in entry and address in ip_network(entry, strict=False)
    except ValueError:
        return False
