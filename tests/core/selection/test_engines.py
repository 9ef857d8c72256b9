import pytest

from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import (
    COMMON_HOSTS,
    ENGINES,
    Engine,
    detected,
    is_32_bit_fallback,
    runs,
)
from mfl_lint.core.selection.engines import accepted


def test_the_engines_have_the_order_of_every_report() -> None:
    names = ["docker", "docker-classic", "containerd", "podman", "first-match"]
    assert names == [str(engine) for engine in ENGINES]


@pytest.mark.parametrize(
    ("engine", "host", "asked"),
    [
        ("docker", "linux/amd64/v3", "linux/amd64/v3"),
        ("docker-classic", "linux/amd64/v3", "linux/amd64/v3"),
        ("containerd", "linux/amd64/v3", "linux/amd64"),
        ("podman", "linux/amd64/v3", "linux/amd64"),
        ("first-match", "linux/amd64/v3", "linux/amd64"),
        ("docker", "linux/arm64", "linux/arm64"),
        ("podman", "linux/arm64", "linux/arm64/v8"),
        ("podman", "linux/arm", "linux/arm/v7"),
        ("containerd", "linux/arm", "linux/arm/v7"),
        ("docker", "windows(10.0.20348.1)/amd64", "windows(10.0.20348+win32k)/amd64"),
        ("containerd", "windows(20348)/amd64", "windows(10.0.20348+win32k)/amd64"),
        ("podman", "windows(10.0.20348.1)/amd64", "windows/amd64"),
    ],
)
def test_each_engine_detects_its_host_in_its_own_way(engine: str, host: str, asked: str) -> None:
    assert Platform.parse(asked).full == detected(Engine(engine), Platform.parse(host)).full


def test_a_host_runs_its_own_level_lower_ones_and_32_bits() -> None:
    host = Platform("linux", "amd64", "v2")
    offers = [("amd64", "v1"), ("amd64", "v2"), ("x86_64", ""), ("386", ""), ("amd64", "v3")]
    seen = [runs(host, Platform("linux", *offered)) for offered in offers]
    assert [True, True, True, True, False] == seen


def test_a_level_without_end_is_no_level() -> None:
    assert 2 == len(accepted(Platform("linux", "amd64", "v999999999")))


def test_the_32_bit_sisters_are_386_and_arm() -> None:
    amd64, arm64 = Platform("linux", "amd64", "v3"), Platform("linux", "aarch64")
    assert is_32_bit_fallback(amd64, Platform("linux", "i386"))
    assert is_32_bit_fallback(arm64, Platform("linux", "arm", "v7"))
    assert not is_32_bit_fallback(arm64, Platform("linux", "386"))
    assert not is_32_bit_fallback(amd64, amd64)


def test_the_common_hosts_are_in_their_normal_form_and_differ() -> None:
    assert len(set(COMMON_HOSTS)) == len(COMMON_HOSTS)
    assert all(runs(host, host) for host in COMMON_HOSTS)
