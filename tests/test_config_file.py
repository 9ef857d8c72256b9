import contextlib
import re
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest

from mfl_lint.config import Config, RegistryConfig, maintained_until
from mfl_lint.config_file import (
    DEFAULT_NAME,
    ENVIRONMENT,
    NO_FILE,
    File,
    find_config,
    load_config,
    parse_config,
)
from mfl_lint.config_kinds import Settings
from mfl_lint.config_tables import parse_duration
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Severity, any_glob
from mfl_lint.resources import example_config_path

REGISTRY = '[[registry]]\nname = "a"\nhost = "r.example"\n'
IGNORE = '[[policy.ignore]]\nrule = "MFL101"\nreason = "x"\n'


def test_an_empty_file_holds_the_defaults() -> None:
    assert Config() == parse_config("")


def test_a_registry_needs_a_name_and_a_host_only() -> None:
    assert (RegistryConfig("a", "r.example"),) == parse_config(REGISTRY).registries
    assert RegistryConfig("a", "r.example") == parse_config(REGISTRY).registry("a")
    assert None is parse_config(REGISTRY).registry("b")


def test_who_may_see_what_is_read() -> None:
    text = f"""{REGISTRY}visible_to = ["everyone", "users", "bob@example.com"]
[serve]
hosts = ["lint.example", "10.0.0.1", "[::1]"]
[serve.proxy]
user_header = "X-Forwarded-User"
addresses = ["10.0.0.0/8", "::1"]"""
    config = parse_config(text)
    assert ("everyone", "users", "bob@example.com") == config.registries[0].visible_to
    assert ("users",) == parse_config(REGISTRY).registries[0].visible_to
    assert ("X-Forwarded-User", "viewer") == (
        config.serve.proxy.user_header,
        config.serve.proxy.role,
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("x = 1", "x: there is no such setting; known: registry"),
        ('[http]\ntimeut = "3s"', 'http.timeut: there is no such setting; did you mean "timeout"'),
        ("[http]\ntimeout_s = 3", "http.timeout_s: there is no such setting"),
        ('[http]\ntimeout = "3 parsecs"', "http.timeout: '3 parsecs' is no duration"),
        ("[http]\ntimeout = -1", "http.timeout: -1 is no duration"),
        ("[http]\ntimeout = true", "http.timeout: True is no duration"),
        ("[http]\ntimeout = inf", "http.timeout: inf is no duration"),
        ("[http]\ntimeout = nan", "http.timeout: nan is no duration"),
        (f'[http]\ntimeout = "1{"0" * 500}s"', "http.timeout: "),
        ('[http]\nretries = "a"', "http.retries: Expected a whole number, got text"),
        ("[http]\nretries = -1", "http.retries: Expected a whole number >= 0"),
        ("[http]\nbreaker_failures = 0", "http.breaker_failures: "),
        ("[crawl]\nvanish_share = 2", "crawl.vanish_share: "),
        ("[crawl]\njitter = nan", "crawl.jitter: "),
        ("[serve]\nport = 70000", "serve.port: "),
        ('[serve]\nhosts = ["https://lint.example"]', "serve.hosts: "),
        ('[serve]\nhosts = ["lint.example:443"]', "serve.hosts: "),
        ('[serve]\nhsts = "1d"', "serve.hsts: means nothing without https"),
        ('[serve]\nsession = "91d"', "serve.session: at most 90d"),
        ('[serve.proxy]\nuser_header = "X-User"', "serve.proxy.addresses: say from where"),
        ('[serve.proxy]\naddresses = ["proxy.example"]', "serve.proxy.addresses: 'proxy.ex"),
        ('[serve.proxy]\nuser_header = "X User"', "serve.proxy.user_header: "),
        (
            '[serve.proxy]\nrole = "king"',
            "serve.proxy.role: 'king' is none of viewer, editor, admin",
        ),
        ('[serve.oidc]\nissuer = "http://id.example"', "serve.oidc.issuer: write it as https"),
        ('[serve.oidc]\nissuer = "https://id.example"', "serve.oidc.url: write it as https"),
        (
            '[serve.oidc]\nissuer = "https://i.example"\nurl = "https://l.example"',
            "serve.oidc.client_id: is needed",
        ),
        (f'{REGISTRY}visible_to = ["Alice"]', "registry[0].visible_to: 'Alice' is neither"),
        (f'{REGISTRY}visible_to = [""]', "registry[0].visible_to: "),
        ("[database]\nurl = 3", "database.url: "),
        ("[registry]\nname = 'a'", "registry: Expected a list, got a table"),
        ("registry = [1]", "registry[0]: Expected a table"),
        ('[[registry]]\nname = "a"', "registry[0]: missing: `host`"),
        ('[[registry]]\nhost = "a"', "registry[0]: missing: `name`"),
        ('[[registry]]\nname = "A b"\nhost = "x"', "registry[0].name: 'A b' must be"),
        ('[[registry]]\nname = "a/b"\nhost = "x"', "registry[0].name: "),
        ('[[registry]]\nname = "a"\nhost = "https://x"', "registry[0].host: write 'https://x'"),
        ('[[registry]]\nname = "a"\nhost = "x/y"', "registry[0].host: "),
        ('[[registry]]\nname = "a"\nhost = "me:pw@x"', "registry[0].host: "),
        ('[[registry]]\nname = "a"\nhost = "x:99999"', "registry[0].host: 'x:99999' has no port"),
        ('[[registry]]\nname = "a"\nhost = "x:0"', "registry[0].host: "),
        (REGISTRY + REGISTRY, "registry[1].name: 'a' is used twice"),
        (REGISTRY + "newest = -1", "registry[0].newest: "),
        (REGISTRY + "concurrency = 0", "registry[0].concurrency: "),
        (REGISTRY + "rate = inf", "registry[0].rate: write 0 for no limit"),
        (REGISTRY + "rate = nan", "registry[0].rate: "),
        (REGISTRY + 'scheme = "ftp"', "registry[0].scheme: 'ftp' is none of auto, https, http"),
        (REGISTRY + 'tags = "*"', "registry[0].tags: Expected a list"),
        (REGISTRY + "tags = [1]", "registry[0].tags[0]: "),
        (REGISTRY + 'tags = [""]', "registry[0].tags: a pattern must have 1 to 255"),
        (REGISTRY + f"exclude_tags = ['{'*a' * 200}']", "registry[0].exclude_tags: a pattern"),
        (REGISTRY + 'cron = "* *"', "registry[0].cron: '* *' must have five fields"),
        (REGISTRY + 'cron = "* * * * *"\ninterval = "5m"', "registry[0].cron: set either"),
        (REGISTRY + 'scheme = "http"\nca_file = "x"', "registry[0].ca_file: "),
        (REGISTRY + "credentials = 3", "registry[0].credentials: Expected a table"),
        (
            REGISTRY + '[registry.credentials]\npassword = "x"',
            'registry[0].credentials.password: there is no such setting; did you mean "password_',
        ),
        ("policy = 3", "policy: Expected a table"),
        ('[policy]\ndisabled = ["MFL999"]', "policy.disabled: there is no rule 'MFL999'"),
        (
            '[policy]\ndisabled = ["dangling-digst"]',
            "policy.disabled: there is no rule 'dangling-digst'; did you mean \"dangling-digest\"",
        ),
        (
            '[policy.severities]\nMFL101 = "bad"',
            "policy.severities.MFL101: 'bad' is none of error, warning, info",
        ),
        ('[policy.severities]\nMFL10 = "error"', "policy.severities.MFL10: there is no rule"),
        ('[policy]\nhosts = ["linux"]', "policy.hosts: not a platform: 'linux'"),
        ('[policy]\nknown_platforms = ["/"]', "policy.known_platforms: "),
        ('[[policy.require]]\ntags = ["*"]', "policy.require[0]: missing: `platforms`"),
        ('[[policy.require]]\nplatforms = ["amd64"]', "policy.require[0].platforms: "),
        (
            f"[[policy.require]]\nplatforms = ['linux/amd64']\ntags = ['{'*a' * 200}']",
            "policy.require[0]: a pattern",
        ),
        ("[policy]\nimmutable_tags = ['']", "policy.immutable_tags: a pattern must have"),
        ("[policy]\nstale_days = 0", "policy.stale_days: Expected a whole number >= 1"),
        ('[[policy.annotation]]\ntags = ["*"]', "policy.annotation[0]: missing: `keys`"),
        ("[[policy.annotation]]\nkeys = []", "policy.annotation[0].keys: name at least one"),
        ("[[policy.annotation]]\nkeys = [' ']", "policy.annotation[0].keys: name at least one"),
        (
            "[[policy.annotation]]\nkeys = ['a']\ntags = ['']",
            "policy.annotation[0]: a pattern must have",
        ),
        ('[[policy.ignore]]\nreason = "x"', "policy.ignore[0]: missing: `rule`"),
        ('[[policy.ignore]]\nrule = "MFL101"', "policy.ignore[0]: missing: `reason`"),
        ('[[policy.ignore]]\nrule = "MFL101"\nreason = " "', "policy.ignore[0].reason: say why"),
        (IGNORE + 'tag = ""', "policy.ignore[0]: a pattern"),
        (IGNORE + 'expires = "2027-01-01"', "policy.ignore[0].expires: '2027-01-01' is no date"),
        (
            IGNORE + "expires = 9999-12-31T23:59:59-14:00",
            "policy.ignore[0].expires: 9999-12-31 23:59:59-14:00 is in no year",
        ),
        (IGNORE + "expires = 12:00:00", "policy.ignore[0].expires: "),
        (IGNORE + IGNORE.replace("MFL101", "MFL10"), "policy.ignore[1].rule: "),
        ("a = [[[", "not valid TOML: "),
        ('a = "\\ud800"', "not valid TOML: "),
        ("a = 1\na = 2", "not valid TOML: "),
    ],
)
def test_a_mistake_is_one_line_that_begins_with_its_key(text: str, key: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text)
    assert key == str(caught.value)[: len(key)]
    assert len(str(caught.value)) <= 400
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("90s", 90.0),
        ("10m", 600.0),
        ("24h", 86400.0),
        ("14d", 1209600.0),
        ("1w", 604800.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        (" 2 m ", 120.0),
        (30, 30.0),
        (0.25, 0.25),
        (0, 0.0),
    ],
)
def test_durations_become_seconds(value: object, seconds: float) -> None:
    assert seconds == parse_duration(value, "key")


@pytest.mark.parametrize("value", ["", "s", "10", "-1s", "1 h 2 m", "١s", "1e3s", None, [], True])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ConfigInvalid, match=r"^key: "):
        parse_duration(value, "key")


def test_the_policy_is_read() -> None:
    text = (
        '[policy]\ndisabled = ["dangling-digest"]\nhosts = ["linux/arm/v7"]\nsettle = "1h"\n'
        '[policy.severities]\nmfl101 = "info"\narm-without-variant = "error"\n'
        '[[policy.require]]\nplatforms = ["linux/amd64"]\nrepositories = ["team/*"]\n'
    )
    policy = parse_config(text).policy
    assert frozenset({"MFL201"}) == policy.disabled
    assert {"MFL101": Severity.INFO, "MFL104": Severity.ERROR} == policy.severities
    assert (Platform("linux", "arm", "v7"),) == policy.hosts
    assert 3600.0 == policy.settle_s
    assert [Platform("linux", "amd64")] == list(policy.required("team/app", "v1"))
    assert [] == list(policy.required("other/app", "v1"))


@pytest.mark.parametrize(
    ("written", "expires"),
    [
        ("2027-06-30", datetime(2027, 6, 30, tzinfo=UTC)),
        ("2027-06-30T12:00:00", datetime(2027, 6, 30, 12, tzinfo=UTC)),
        ("2027-06-30T12:00:00+02:00", datetime(2027, 6, 30, 10, tzinfo=UTC)),
    ],
)
def test_an_ignore_expires_at_an_instant(written: str, expires: datetime) -> None:
    (ignore,) = parse_config(f"{IGNORE}expires = {written}").policy.ignores
    assert expires == ignore.expires


def test_an_ignore_may_name_rules_by_slug_or_pattern() -> None:
    named = IGNORE.replace("MFL101", "dangling-digest") + IGNORE.replace("MFL101", "MFL3*")
    assert ["MFL201", "MFL3*"] == [item.rule for item in parse_config(named).policy.ignores]


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 50_000,
        "a" + ".a" * 100_000 + " = 1",
        REGISTRY + f"tags = {['*a'] * 50_000}",
        REGISTRY + f"tags = ['{'*a' * 100_000}']",
        IGNORE + f"tag = '{'*a' * 100_000}'",
        '[http]\ntimeout = "' + "1" * 500_000 + '"',
        '[http]\ntimeout = "' + "1." * 100_000 + 's"',
        REGISTRY + f"cron = '{'* ' * 200_000}'",
        f'[[registry]]\nname = "{"a-" * 100_000}"\nhost = "x"',
        f'[[registry]]\nname = "a"\nhost = "{"a." * 100_000}"',
        '[policy]\ndisabled = ["' + "a" * 500_000 + '"]',
        "".join(f"k{n} = 1\n" for n in range(20_000)),
    ],
)
def test_hostile_settings_end_within_a_second(text: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(ConfigInvalid):
        tags = parse_config(text).registries[0].tags
        assert not any_glob(tags, "b" * 128)
    assert time.process_time() - begun < 1


def test_the_longest_pattern_is_matched_within_a_second() -> None:
    tags = ["*a" * 127 + "b"] * 20
    config = parse_config(f"{REGISTRY}tags = {tags}")
    begun = time.process_time()
    for _ in range(20):
        assert not any_glob(config.registries[0].tags, "a" * 128)
    assert time.process_time() - begun < 1


def test_a_file_is_named_in_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    for content, said in (
        (b"x = 1", "x: there is no such setting"),
        (b"\xff", "not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "more than 1 MiB is no settings file"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigInvalid, match=rf"^{re.escape(str(path))}: {said}"):
            load_config(path)
    with pytest.raises(ConfigInvalid, match=r"none\.toml: No such file or directory"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigInvalid, match="Is a directory"):
        load_config(tmp_path)


def test_settings_are_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Config() == find_config(None, {})
    for name in (DEFAULT_NAME, "by-variable.toml", "given.toml"):
        Path(name).write_text(REGISTRY)
    variable = {ENVIRONMENT: "by-variable.toml"}
    assert Path(DEFAULT_NAME) == find_config(None, {}).path
    assert Path(DEFAULT_NAME) == find_config(None, {ENVIRONMENT: ""}).path
    assert Path("by-variable.toml") == find_config(None, variable).path
    assert Path("given.toml") == find_config(Path("given.toml"), variable).path


def test_every_mistake_of_a_file_is_told_with_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('x = 1\n[http]\nretries = "a"\n[[registry]]\nname = "A"\nhost = "http://x"\n')
    with pytest.raises(ConfigInvalid) as caught:
        load_config(path)
    keys = ["x", "http.retries", "registry[0].name", "registry[0].host"]
    assert [f"{path}: {key}" for key in keys] == [
        ": ".join(line.split(": ")[:2]) for line in caught.value.mistakes
    ]


PROJECT = "[tool.mfl-lint.http]\nretries = 7\n"
OURS = "[http]\nretries = 3\n"


def _found(**files: str) -> int:
    """Return the retries that are found from the working directory."""
    for name, text in files.items():
        Path(f"{name.replace('_', '-')}.toml").write_text(text)
    return find_config(None, {}).http.retries


def test_a_table_in_pyproject_is_a_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert 7 == _found(pyproject=PROJECT)
    assert Path("pyproject.toml") == find_config(None, {}).path
    assert 7 == load_config(tmp_path / "pyproject.toml").http.retries


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[project]\nname = "x"\n',
        '[project]\ndependencies = ["mfl-lint"]\n',
        "[tool.other]\nmfl-lint = 1\n",
        "tool = 3  # mfl-lint\n",
        "this is no TOML",
        "# long\n" * 200_000,
    ],
)
def test_a_pyproject_without_our_table_is_no_settings_file(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DEFAULT_NAME).write_text(OURS)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert 3 == _found(pyproject=text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.mfl-lint]\nx = 1\n", "tool.mfl-lint.x: there is no such setting"),
        ("[tool.mfl-lint.policy]\nhosts = ['a']\n", "tool.mfl-lint.policy.hosts: not a platform"),
        ("[tool]\nmfl-lint = 3\n", "tool.mfl-lint: write it as a table"),
        ("[tool.mfl-lint\n", "not valid TOML"),
        ("# \udcff mfl-lint\n", "not UTF-8"),
    ],
)
def test_mistakes_in_a_pyproject_that_means_us_name_file_and_key(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigInvalid, match=rf"^pyproject\.toml: {re.escape(said)}"):
        find_config(None, {})


def test_a_pyproject_that_was_named_must_hold_our_table(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\n")
    with pytest.raises(
        ConfigInvalid, match=r"pyproject\.toml: there is no table \[tool\.mfl-lint\]"
    ):
        load_config(path)


def test_our_own_file_goes_before_pyproject_beside_it_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert 3 == _found(pyproject=PROJECT, mfl_lint=OURS)
    said = "pyproject.toml: [tool.mfl-lint] is not read: mfl-lint.toml goes first"
    assert (said,) == find_config(None, {}).notices
    Path("pyproject.toml").write_text("[project]\n")
    assert () == find_config(None, {}).notices
    Path("pyproject.toml").write_text("[tool.mfl-lint\n")
    assert () == find_config(None, {}).notices


def test_the_nearest_file_upwards_is_found_as_far_as_the_repositorys_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "repository" / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / DEFAULT_NAME).write_text(OURS)
    monkeypatch.chdir(below)
    assert 3 == _found()
    assert tmp_path / DEFAULT_NAME == find_config(None, {}).path
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere\n")
    assert Config() == find_config(None, {})
    (tmp_path / "repository" / "pyproject.toml").write_text(PROJECT)
    assert 7 == _found()
    assert 3 == _found(mfl_lint=OURS)


def test_the_null_device_stands_for_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert 3 == _found(mfl_lint=OURS)
    assert Config() == find_config(NO_FILE, {ENVIRONMENT: DEFAULT_NAME})
    assert Config() == find_config(None, {ENVIRONMENT: str(NO_FILE)})


def test_without_a_working_directory_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Config() == find_config(None, {})


# The example: every setting stands in it, and what it says of the defaults is true.

SETTING = re.compile(r"^(?:# )*(?:# )?(\[.*\]|[A-Za-z_0-9]+ = .*)$")
# Names that have to be chosen, and settings whose default is "by kind of host" or "none".
EXAMPLES = {
    *(("alert.channel", name) for name in ("name", "kind", "url")),
    *(("alert.route", name) for name in ("name", "channels")),
    ("registry", "name"),
    ("registry", "host"),
    ("registry", "concurrency"),
    ("registry", "rate"),
    *(("registry.hot", key) for key in ("interval", "tags")),
    *(("registry.maintenance", key) for key in ("begins", "ends")),
    *(("hook", key) for key in ("name", "kind", "registry", "secret_env")),
    ("policy", "settle"),
    ("policy.severities", "MFL104"),
    ("policy.require", "platforms"),
    ("policy.annotation", "keys"),
    *(("policy.ignore", key) for key in ("rule", "reason", "repository", "expires")),
}


def _uncommented() -> str:
    """Return the example with every setting switched on, each table once."""
    lines = example_config_path().read_text().splitlines()
    return "\n".join(match[1] for line in lines if (match := SETTING.match(line)))


def _struct_of(kind: Any) -> type[Settings] | None:
    kinds = [one for one in (kind, *get_args(kind)) if get_origin(one) is None]
    return next((x for x in kinds if isinstance(x, type) and issubclass(x, Settings)), None)


def _expected(kind: type[Settings], table: str) -> dict[tuple[str, str], Any]:
    """Return every setting below a table with the code's default."""
    found: dict[tuple[str, str], Any] = {}
    for field in msgspec.structs.fields(kind):
        below = _struct_of(field.type)
        if below is not None:
            found |= _expected(below, f"{table}.{field.name}".lstrip("."))
        elif (table, field.name) == ("policy", "severities"):
            found["policy.severities", "MFL104"] = None
        else:
            found[table, field.name.removesuffix("_s")] = field.default
    return found


def _written(table: Any, name: str) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for key, value in (table[0] if isinstance(table, list) else table).items():
        at = f"{name}.{key}".lstrip(".")
        if isinstance(value, dict) or (
            isinstance(value, list) and value and isinstance(value[0], dict)
        ):
            found |= _written(value, at)
        else:
            found[name, key] = value
    return found


def test_the_example_is_valid_and_holds_the_defaults_as_it_is() -> None:
    config = load_config(example_config_path())
    assert msgspec.structs.replace(config, path=None) == Config()


def test_the_example_has_every_setting_and_no_other() -> None:
    written = _written(tomllib.loads(_uncommented()), "")
    assert set(_expected(File, "")) == set(written)


def test_the_examples_defaults_are_the_codes() -> None:
    written = _written(tomllib.loads(_uncommented()), "")
    for (table, key), default in _expected(File, "").items():
        if (table, key) in EXAMPLES:
            continue
        said = written[table, key]
        if isinstance(default, float) and isinstance(said, str):
            said = parse_duration(said, key)
        assert (table, key, default) == (
            table,
            key,
            tuple(said) if isinstance(said, list) else said,
        )


def test_the_example_with_everything_switched_on_is_valid() -> None:
    config = parse_config(_uncommented())
    assert 1 == len(config.registries)
    assert Policy().hosts == config.policy.hosts


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('repositories = ["Team/App"]', r"registry\[0\].repositories: 'Team/App' is no repository"),
        ('repositories = ["a/../b"]', r"registry\[0\].repositories: 'a/\.\./b' is no repository"),
        ('tags = ["-v1"]', r"registry\[0\].tags: '-v1' is no tag"),
    ],
)
def test_an_exact_name_that_no_registry_can_have_is_named(settings: str, message: str) -> None:
    with pytest.raises(ConfigInvalid, match=message):
        parse_config(f'[[registry]]\nname = "r"\nhost = "registry.example"\n{settings}\n')


def test_the_short_name_of_an_official_image_is_explained() -> None:
    with pytest.raises(ConfigInvalid, match="on Docker Hub 'nginx' is \"library/nginx\""):
        parse_config('[[registry]]\nname = "r"\nhost = "docker.io"\nrepositories = ["nginx"]\n')


@pytest.mark.parametrize(
    ("setting", "too_short", "least"),
    [
        ("history", "23h", "a day"),
        ("crawls", "23h", "a day"),
        ("dead_letters", "23h", "a day"),
        ("documents", "23h", "a day"),
        ("resolved", "7d", "8 days"),
        ("transitions", "7d", "8 days"),
    ],
)
def test_nothing_is_kept_for_less_than_it_is_needed(
    setting: str, too_short: str, least: str
) -> None:
    with pytest.raises(ConfigInvalid, match=f"retention.{setting}: keep it for {least} at least"):
        parse_config(f'[retention]\n{setting} = "{too_short}"\n')
    assert parse_config(f"[retention]\n{setting} = 0\n")
    assert parse_config(f'[retention]\n{setting} = "8d"\n')


def test_changes_are_kept_for_as_long_as_a_flapping_tag_is_watched() -> None:
    settings = '[retention]\ntransitions = "10d"\n[alert]\nflapping = "11d"\n'
    with pytest.raises(ConfigInvalid, match=r"retention.transitions: keep it for 11 days at least"):
        parse_config(settings)


@pytest.mark.parametrize("setting", ["http.timeout", "http.connect_timeout", "crawl.lease"])
def test_what_must_end_some_time_cannot_be_0(setting: str) -> None:
    table, name = setting.split(".")
    with pytest.raises(ConfigInvalid, match=f"{setting}: "):
        parse_config(f"[{table}]\n{name} = 0\n")


HOOK = '[[hook]]\nname = "h"\nkind = "ghcr"\nregistry = "a"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"hook\[0\].secret_env: name the secret's variable, or its file"),
        ('secret_env = "A"\nsecret_file = "b"', r"hook\[0\].secret_env: name the secret's"),
        ('secret_env = "A"\nregistry_ = "b"', r"hook\[0\].registry_: there is no such setting"),
        ('secret_env = "A"\nheader = "X Y"', r"hook\[0\].header: 'X Y' is no header's name"),
        ('secret_env = "A"\nproof = "none"', r"hook\[0\].proof: "),
        (
            'secret_env = "A"\nproof = "url"\nheader = "X"',
            r"hook\[0\].header: means nothing where the secret is in the address",
        ),
        (f'secret_env = "A"\n{HOOK}secret_env = "A"', r"hook\[1\].name: 'h' is used twice"),
    ],
)
def test_what_no_webhook_can_be_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigInvalid, match=message):
        parse_config(f"{REGISTRY}{HOOK}{text}\n")


def test_a_webhook_is_of_a_registry_and_proven_as_its_kind_can() -> None:
    text = f'{REGISTRY}{HOOK}secret_env = "A"\n'
    hook = parse_config(text).hook("h")
    assert hook is not None
    assert ("hmac", "a") == (hook.proven_by, hook.registry)
    assert None is parse_config(text).hook("other")
    with pytest.raises(ConfigInvalid, match=r"hook\[0\].registry: no registry is called 'b'"):
        parse_config(text.replace('registry = "a"', 'registry = "b"'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[registry.hot]]\ntags = ["x"]', r"registry\[0\].hot\[0\]: missing: `interval`"),
        ('[[registry.hot]]\ninterval = "1s"', r"registry\[0\].hot\[0\].interval: at least 10s"),
        (
            '[[registry.hot]]\ninterval = "1m"\ntags = [""]',
            r"registry\[0\].hot\[0\].tags: a pattern must have",
        ),
        (
            '[[registry.maintenance]]\nbegins = "9:00"\nends = "24:00"',
            r"maintenance\[0\].begins: '9:00': write it as \"22:30\"",
        ),
        (
            '[[registry.maintenance]]\nbegins = "09:00"\nends = "10:00"\ntime_zone = "../x"',
            r"maintenance\[0\].time_zone: '../x' is not known",
        ),
        (
            '[[registry.maintenance]]\nbegins = "09:00"\nends = "10:00"\ndays = ["monday"]',
            r"maintenance\[0\].days",
        ),
    ],
)
def test_times_and_patterns_that_cannot_be_are_named(text: str, message: str) -> None:
    with pytest.raises(ConfigInvalid, match=message):
        parse_config(f"{REGISTRY}{text}\n")


def test_a_registry_is_in_its_window_and_another_is_not() -> None:
    window = '[[registry.maintenance]]\nbegins = "22:00"\nends = "04:00"\ndays = ["sat"]\n'
    config = parse_config(f'{REGISTRY}{window}[[registry]]\nname = "b"\nhost = "r.example"\n')
    night = datetime(2026, 3, 8, 3, 59, tzinfo=UTC)  # a Sunday
    assert maintained_until(config, "a", night) is not None
    assert maintained_until(config, "a", night.replace(hour=4)) is None
    assert maintained_until(config, "b", night) is None
    assert maintained_until(config, "c", night) is None
