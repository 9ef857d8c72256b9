from __future__ import annotations

from typing import Any

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.rules.configs_differ import configs_differ as rule
from tests.builders import BuiltImage, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome

SETTINGS: dict[str, Any] = {
    "Entrypoint": ["/app"],
    "Cmd": ["serve"],
    "User": "app",
    "Env": ["PATH=/bin", "MODE=a"],
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
    "WorkingDir": "/srv",
}


def started(arch: str, os: str = "linux", **changes: Any) -> BuiltImage:
    version = "10.0.1.1" if os == "windows" else ""
    return image(os, arch, os_version=version, config={"config": {**SETTINGS, **changes}})


def beside(**changes: Any) -> Judgement:
    return judged(rule, index(started("amd64"), started("arm64", **changes)))


FAILING = beside(Entrypoint=["/bin/app"])
PASSING = beside()


def test_the_message_has_both_values() -> None:
    finding = only(FAILING)
    assert ("warning", "linux/arm64", 1) == (finding.severity, finding.subject, finding.position)
    expected = 'linux/arm64 differs from the others: entrypoint ["/bin/app"], not ["/app"]'
    assert expected == finding.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Cmd": None}, 'command none, not ["serve"]'),
        ({"User": "1000"}, 'user ["1000"], not ["app"]'),
        ({"Env": ["PATH=/bin"]}, "variables -MODE"),
        ({"Env": ["PATH=/bin", "MODE=a", "TOKEN=secret"]}, "variables +TOKEN"),
        ({"ExposedPorts": {"81": {}}}, "ports +81/tcp -80/tcp"),
        ({"Volumes": {}}, "volumes -/data"),
        ({"WorkingDir": "/"}, 'directory none, not ["/srv"]'),
    ],
)
def test_each_setting_counts(changes: dict[str, Any], said: str) -> None:
    assert only(beside(**changes)).message.endswith(f"others: {said}")


@pytest.mark.parametrize(
    "changes",
    [
        {"Env": ["MODE=b", "PATH=/usr/bin"]},
        {"ExposedPorts": {"80": {}}},
        {"WorkingDir": "/srv/"},
        {"Labels": {"arch": "arm64"}},
        {"StopSignal": "SIGINT"},
    ],
)
def test_other_spellings_and_values_of_variables_do_not(changes: dict[str, Any]) -> None:
    assert Outcome.PASS == outcome(beside(**changes))


def test_absent_null_and_empty_and_roots_names_are_one() -> None:
    empty: list[tuple[str, Any]] = [
        ("Cmd", None),
        ("Cmd", []),
        ("User", ""),
        ("User", "root"),
        ("User", "0:0"),
    ]
    plain: dict[str, Any] = {"Cmd": None, "User": None, "Volumes": None}
    for key, value in empty:
        built = index(started("amd64", **plain), started("arm64", **{**plain, key: value}))
        assert Outcome.PASS == outcome(judged(rule, built))


def test_values_of_variables_are_never_shown() -> None:
    assert "secret" not in only(beside(Env=["TOKEN=secret"])).message


def test_most_images_decide_what_is_usual() -> None:
    built = index(started("amd64", Cmd=["x"]), started("arm64"), started("s390x"))
    assert "linux/amd64" == only(judged(rule, built)).subject


def test_windows_is_started_in_its_own_way() -> None:
    windows = started("amd64", "windows", Entrypoint=["app.exe"], Env=["Path=x"])
    assert Outcome.PASS == outcome(judged(rule, index(started("amd64"), windows)))


def test_attestations_are_no_images_and_a_strange_config_is_not_compared() -> None:
    amd64, strange = started("amd64"), started("arm64", Cmd="serve")
    assert Outcome.PASS == outcome(judged(rule, index(amd64, attestation(amd64), strange)))


def test_what_was_not_seen_may_differ() -> None:
    arm64 = started("arm64")
    built = index(started("amd64"), arm64)
    for digest in (arm64.digest, digest_of(arm64.config)):
        assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={digest: DENIED}))
    assert Outcome.PASS == outcome(judged(rule, built, looks={arm64.digest: ABSENT}))
