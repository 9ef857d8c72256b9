import pytest

from mfl_lint.core.selection.windows import is_newer, parse_version, runs_build, without_revision


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("10.0.20348.2402", (10, 0, 20348)),
        ("10.0.20348", (10, 0, 20348)),
        ("20348", (10, 0, 20348)),
        ("10.0", None),
        ("10.0.x", None),
        ("10.0.20348\n", None),
        ("٣.0.20348", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_an_os_version_is_three_numbers(version: str, expected: object) -> None:
    assert expected == parse_version(version)


def test_a_host_shows_no_revision() -> None:
    assert "10.0.20348" == without_revision("10.0.20348.2402")
    assert "10.0.20348" == without_revision("20348")
    assert "nonsense" == without_revision("nonsense")


@pytest.mark.parametrize(
    ("host", "container", "expected"),
    [
        ("10.0.20348.1", "10.0.20348.9999", True),
        ("", "10.0.17763", True),
        ("nonsense", "10.0.17763", True),
        ("10.0.17763", "", True),
        ("10.0.17763", "nonsense", False),
        ("10.0.20348", "6.3.20348", False),
        ("10.0.26200", "10.0.20348", False),
        ("10.0.26200", "10.0.26100", True),
    ],
)
def test_a_version_that_is_absent_matches_and_one_that_is_no_version_does_not(
    host: str, container: str, expected: bool
) -> None:
    assert expected == runs_build(host, container)


def test_only_a_build_that_can_be_read_is_newer() -> None:
    assert is_newer("10.0.26100", "10.0.20348.1")
    assert not is_newer("10.0.20348.2", "10.0.20348.1")
    assert not is_newer("nonsense", "10.0.20348")
    assert not is_newer("10.0.26100", "")
