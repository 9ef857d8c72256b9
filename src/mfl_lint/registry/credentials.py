"""Where credentials come from: our own configuration first, Docker's otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from mfl_lint.config import RegistryConfig
from mfl_lint.config_secrets import read_secret
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.dockerconfig import Credentials, DockerConfig


class Keychain:
    """Finds the credentials of a registry. Secrets are read anew at each call of `find`.

    `setting` is how the registry's table calls where they stand.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        docker: DockerConfig | None = None,
        *,
        setting: str = "credentials",
    ) -> None:
        self._environment = environment or {}
        self._docker = docker or DockerConfig()
        self._setting = setting

    @classmethod
    def load(cls, environment: Mapping[str, str], *, setting: str = "credentials") -> Keychain:
        """Return the keychain of a user: the environment's variables and Docker's files."""
        return cls(environment, DockerConfig.load(environment), setting=setting)

    def is_insecure(self, host: str) -> bool:
        """Say whether Docker lists the host among its insecure registries."""
        return self._docker.is_insecure(host)

    async def find(self, registry: RegistryConfig) -> Credentials | None:
        """Return the credentials, None for anonymous; raise ConfigInvalid naming the setting."""
        own, settings = self.configured(registry), registry.credentials
        if own is not None or settings.anonymous or not settings.docker_config:
            return own
        return await self._docker.credentials(registry.host)

    def configured(self, registry: RegistryConfig) -> Credentials | None:
        """Return what our configuration names, None if it names nothing; raise ConfigInvalid."""
        settings = registry.credentials
        if settings.anonymous:
            return None
        where = f"registry.{registry.name}.{self._setting}"
        token = self._secret(settings.token_env, settings.token_file, f"{where}.token")
        if token:
            return Credentials(registry_token=token)
        username = settings.username
        if settings.username_env:
            username = self._secret(settings.username_env, "", f"{where}.username")
        password = self._secret(settings.password_env, settings.password_file, f"{where}.password")
        if not username and not password:
            return None
        if not username or not password:
            missing = "password_env or password_file" if username else "username"
            raise ConfigInvalid(f"{where}: {missing} is missing")
        return Credentials(username, password)

    def _secret(self, variable: str, file: str, where: str) -> str:
        """Return the variable's or the file's text, "" where neither is named."""
        return read_secret(where, variable, file, self._environment)
