import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.dockerconfig import Credentials, DockerConfig

AUTH = {"auth": base64.b64encode(b"user:pass:word").decode()}
USER = Credentials("user", "pass:word")


def load(home: Path, document: Any = None, **environment: str) -> DockerConfig:
    folder = home / ".docker"
    folder.mkdir(exist_ok=True)
    if document is not None:
        text = document if isinstance(document, str) else json.dumps(document)
        (folder / "config.json").write_text(text)
    return DockerConfig.load({"HOME": str(home), **environment}, daemon_files=[home / "d.json"])


def helper(home: Path, name: str, script: str) -> str:
    """Put a credential helper on a PATH of its own, and return that."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("a.example", "a.example"),
        ("a.example", "A.example"),
        ("https://a.example/v1/", "a.example"),
        ("http://a.example:5000", "a.example:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "registry-1.docker.io"),
    ],
)
async def test_an_entry_is_found_by_its_host(tmp_path: Path, key: str, host: str) -> None:
    assert USER == await load(tmp_path, {"auths": {key: AUTH}}).credentials(host)


@pytest.mark.parametrize("key", ["a.example:5000", "b.a.example", "a.example/app", ""])
async def test_an_entry_of_another_host_or_a_repository_is_not_used(
    tmp_path: Path, key: str
) -> None:
    assert await load(tmp_path, {"auths": {key: AUTH}}).credentials("a.example") is None


async def test_without_a_file_there_are_no_credentials(tmp_path: Path) -> None:
    assert await load(tmp_path).credentials("a.example") is None
    assert await DockerConfig.load({}).credentials("a.example") is None


async def test_docker_config_names_another_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"a.example": AUTH}}))
    config = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path), "HOME": "/nowhere"}, [])
    assert USER == await config.credentials("a.example")


@pytest.mark.parametrize("document", ["}{", "[]", '"x"', "[" * 100_000])
async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, document: str) -> None:
    config = load(tmp_path, document)
    assert not config.is_insecure("a.example")
    with pytest.raises(ConfigInvalid, match=r"config\.json"):
        await config.credentials("a.example")


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": "hunter2!"},
        {"auth": "aHVudGVyMg=="},
        {"auth": 7},
        {"username": True},
        {"auth": "/w=="},
    ],
)
async def test_a_bad_entry_is_told_without_its_content(tmp_path: Path, entry: object) -> None:
    with pytest.raises(ConfigInvalid, match=r"auths\['a\.example'\]") as refused:
        await load(tmp_path, {"auths": {"a.example": entry}}).credentials("a.example")
    assert "hunter2" not in str(refused.value)
    assert "aHVudGVyMg" not in str(refused.value)


async def test_the_helper_of_a_host_is_asked_before_the_store(tmp_path: Path) -> None:
    answer = """read server; echo "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"$server\\"}" """
    path = helper(tmp_path, "mine", answer)
    helper(tmp_path, "store", "exit 1")
    config = load(
        tmp_path, {"credsStore": "store", "credHelpers": {"a.example:5000": "mine"}}, PATH=path
    )
    assert Credentials("get", "a.example:5000") == await config.credentials("a.example:5000")


async def test_a_helper_is_asked_for_docker_hub_by_its_old_name(tmp_path: Path) -> None:
    path = helper(
        tmp_path, "s", """read s; echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"$s\\"}" """
    )
    config = load(tmp_path, {"credsStore": "s"}, PATH=path)
    expected = Credentials("u", "https://index.docker.io/v1/")
    assert expected == await config.credentials("docker.io")


async def test_a_helper_may_hold_an_identity_token(tmp_path: Path) -> None:
    path = helper(tmp_path, "s", """echo '{"Username": "<token>", "Secret": "long"}'""")
    config = load(tmp_path, {"credsStore": "s"}, PATH=path)
    assert Credentials(identity_token="long") == await config.credentials("a.example")


async def test_what_a_helper_does_not_know_is_looked_up_in_auths(tmp_path: Path) -> None:
    path = helper(tmp_path, "s", "echo credentials not found in native keychain; exit 1")
    config = load(tmp_path, {"credsStore": "s", "auths": {"a.example": AUTH, "b": {}}}, PATH=path)
    assert USER == await config.credentials("a.example")
    assert await config.credentials("b") is None


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("s", "echo hunter2; exit 1"),
        ("s", "echo hunter2"),
        ("s", "echo '{\"Username\": 7}'"),
        ("missing", ""),
        ("../evil", ""),
        ("#no", ""),
        (7, ""),
    ],
)
async def test_a_helper_that_fails_is_told_without_its_output(
    tmp_path: Path, name: object, script: str
) -> None:
    path = helper(tmp_path, "s", script)
    config = load(tmp_path, {"credsStore": name}, PATH=path)
    with pytest.raises(ConfigInvalid, match="docker config") as refused:
        await config.credentials("a.example")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("old.example:5000", True),
        ("old.example:5001", False),
        ("older.example:7", True),
        ("10.1.2.3:5000", True),
        ("11.1.2.3", False),
        ("daemon.example", True),
        ("beside.example", True),
        ("new.example", False),
    ],
)
def test_insecure_registries_are_hosts_and_networks(
    tmp_path: Path, host: str, expected: bool
) -> None:
    listed = ["old.example:5000", "older.example", "10.0.0.0/8", "bad/net", 7]
    (tmp_path / "d.json").write_text('{"insecure-registries": ["daemon.example"]}')
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/daemon.json").write_text('{"insecure-registries": ["beside.example"]}')
    assert expected == load(tmp_path, {"insecure-registries": listed}).is_insecure(host)


def test_credentials_do_not_show_themselves() -> None:
    shown = repr(Credentials("user", "hunter2", "identity", "registry"))
    assert not any(secret in shown for secret in ("hunter2", "identity", "registry", "user"))
    assert ("pass:word", "dXNlcjpwYXNzOndvcmQ=") == USER.secrets()
