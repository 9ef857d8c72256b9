from pathlib import Path
from typing import Any

import pytest

from mfl_lint.config import CredentialsConfig, RegistryConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.dockerconfig import Credentials, DockerConfig

DOCKER = DockerConfig({"auths": {"a.example": {"username": "docker", "password": "d"}}})
ENVIRONMENT = {"WHO": "eve", "PASS": "hunter2", "TOKEN": "abc", "EMPTY": " \n", "LINE": "abc\n"}


async def found(**settings: Any) -> Credentials | None:
    credentials = CredentialsConfig(**settings)
    registry = RegistryConfig("r", "a.example", credentials=credentials)
    return await Keychain(ENVIRONMENT, DOCKER).find(registry)


async def test_our_own_settings_win_over_dockers() -> None:
    assert Credentials("eve", "hunter2") == await found(username_env="WHO", password_env="PASS")
    assert Credentials("bob", "hunter2") == await found(username="bob", password_env="PASS")
    assert Credentials(registry_token="abc") == await found(token_env="TOKEN")


async def test_docker_is_asked_where_we_name_nothing_unless_told_not_to() -> None:
    assert Credentials("docker", "d") == await found()
    assert await found(docker_config=False) is None
    assert await found(anonymous=True, token_env="TOKEN") is None


async def test_secrets_in_files_are_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    assert Credentials("bob", "first") == await found(username="bob", password_file=str(file))
    file.write_text("second\n")
    assert Credentials("bob", "second") == await found(username="bob", password_file=str(file))


async def test_what_stands_around_a_secret_in_a_variable_is_none_of_it() -> None:
    assert Credentials(registry_token="abc") == await found(token_env="LINE")
    assert Credentials("abc", "hunter2") == await found(username_env="LINE", password_env="PASS")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"username": "bob", "password_env": "NONE"}, "password_env"),
        ({"username": "bob", "password_env": "EMPTY"}, "password_env"),
        ({"username": "bob"}, "password_env or password_file"),
        ({"password_env": "PASS"}, "username"),
        ({"username": "bob", "password_file": "/does/not/exist"}, "password_file"),
        ({"token_file": "/dev/null"}, "token_file"),
    ],
)
async def test_a_secret_that_is_not_there_is_named_by_its_setting(
    settings: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigInvalid, match=rf"registry\.r\.credentials.*{named}") as refused:
        await found(**settings)
    assert "hunter2" not in str(refused.value)
