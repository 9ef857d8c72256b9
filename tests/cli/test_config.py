import re
from pathlib import Path

import pytest

from mfl_lint.resources import example_config_path
from tests.cli.conftest import Command


def test_the_example_is_written_once(command: Command) -> None:
    ran = command("config", "init", "new.toml")
    assert (0, "") == (ran.code, ran.err)
    assert example_config_path().read_bytes() == Path("new.toml").read_bytes()
    Path("new.toml").write_text("mine")
    ran = command("config", "init", "new.toml")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "mine" == Path("new.toml").read_text()


def test_a_place_that_cannot_be_written_is_one_line(command: Command) -> None:
    ran = command("config", "init", "none/new.toml")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))


def test_registries_are_shown_without_secrets(command: Command) -> None:
    Path("mfl-lint.toml").write_text(
        '[[registry]]\nname = "team"\nhost = "r.example"\ninterval = "6h"\nnewest = 3\n'
        '[registry.credentials]\nusername = "me"\npassword_env = "TEAM_PASSWORD"\n'
    )
    ran = command("config", "check")
    assert 0 == ran.code
    (row,) = (line for line in ran.out.splitlines() if "r.example" in line)
    for said in ("team", "newest 3", "every 21600 s", "$TEAM_PASSWORD"):
        assert said in row


def test_channels_routes_and_hooks_are_shown_without_secrets(command: Command) -> None:
    Path("mfl-lint.toml").write_text(
        '[[registry]]\nname = "team"\nhost = "r.example"\n'
        '[[hook]]\nname = "push"\nkind = "ghcr"\nregistry = "team"\nsecret_env = "HOOK_SECRET"\n'
        '[[alert.channel]]\nname = "hook"\nkind = "webhook"\nurl = "https://chat.example/s3cret"\n'
        '[[alert.channel]]\nname = "mail"\nkind = "apprise"\nurl_env = "MAIL_URL"\n'
        '[[alert.route]]\nname = "ops"\nchannels = ["hook", "mail"]\nseverity = "error"\n'
        '[[alert.route]]\nname = "all"\nchannels = ["mail"]\ndigest = { every = "daily" }\n'
    )
    ran = command("config", "check")
    assert (0, False) == (ran.code, "s3cret" in ran.out)
    assert "is valid: 1 registry, 2 channels, 2 routes, 1 hook." in " ".join(ran.out.split())
    cells = [" ".join(re.sub(r"[│|]", " ", line).split()) for line in ran.out.splitlines()]
    for row in (
        "hook webhook chat.example",
        "mail apprise $MAIL_URL",
        "ops hook, mail * error and worse messages",
        "all mail * warning and worse a daily report",
        "push ghcr team /hooks/push",
    ):
        assert row in cells, ran.out


def test_that_no_registry_is_named_is_said(command: Command) -> None:
    Path("mfl-lint.toml").write_text("[crawl]\njitter = 0.5\n")
    assert "is valid: no registry." in " ".join(command("config", "check").out.split())


def test_a_mistake_is_one_line_with_its_key(command: Command) -> None:
    Path("mfl-lint.toml").write_text('[[registry]]\nname = "a"\nhost = "h"\ncorn = "* * * * *"\n')
    ran = command("config", "check")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert 'registry[0].corn: there is no such setting; did you mean "cron"?' in ran.err


def test_a_cron_line_that_never_works_is_a_mistake(command: Command) -> None:
    Path("mfl-lint.toml").write_text('[[registry]]\nname = "a"\nhost = "h"\ncron = "99 * * * *"\n')
    assert 2 == command("config", "check").code


def test_every_mistake_is_told_at_once_with_file_and_key(command: Command) -> None:
    registry = '[[registry]]\nname = "a"\nhost = "h"\n'
    Path("mfl-lint.toml").write_text(f"x = 1\n{registry}corn = 1\n{registry}rate = -1\n")
    ran = command("config", "check")
    assert (2, "") == (ran.code, ran.out)
    told = [line.rpartition("mfl-lint.toml: ")[2] for line in ran.err.splitlines()]
    keys = ["x", "registry[0].corn", "registry[1].rate", "registry[1].name"]
    assert keys == [line.partition(": ")[0] for line in told]
    other = registry.replace('"a"', '"b"')
    cron = 'cron = "99 * * * *"\n'
    Path("mfl-lint.toml").write_text(registry + cron + other + cron)
    ran = command("config", "check")
    assert (2, 2) == (ran.code, ran.err.count("mfl-lint.toml: registry "))


def test_without_a_file_the_defaults_hold(command: Command, process: Command) -> None:
    Path("mfl-lint.toml").unlink()
    ran = process("config", "check", MFL_LINT_CONFIG="")
    assert 0 == ran.code
    assert "all defaults hold" in ran.out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            '[database]\nurl = "mysql://db/lint"\n',
            "database.url begins with 'mysql'; use sqlite:///path or postgresql://",
        ),
        (
            '[queue]\nbackend = "postgresql"\n',
            'queue.backend: "postgresql" needs database.url to be a PostgreSQL database',
        ),
    ],
)
def test_what_can_work_on_no_machine_is_a_mistake(
    command: Command, settings: str, said: str
) -> None:
    Path("mfl-lint.toml").write_text(settings)
    ran = command("config", "check")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert f"mfl-lint.toml: {said}" in ran.err


def test_variables_and_files_that_are_not_here_are_said(command: Command) -> None:
    Path("mfl-lint.toml").write_text(
        '[database]\nurl_env = "NO_DATABASE"\n'
        '[[registry]]\nname = "team"\nhost = "r.example"\nca_file = "/none/ca.pem"\n'
    )
    ran = command("config", "check")
    assert 0 == ran.code
    for said in (
        "note: database.url_env: the environment variable NO_DATABASE is not set: set it",
        "note: registry team: ca_file: there is no file /none/ca.pem: put",
    ):
        assert said in " ".join(ran.err.split())
