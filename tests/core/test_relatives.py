from __future__ import annotations

import pytest

from mfl_lint.core.relatives import family

NAMES = ("a/app-ppc64le", "a/app-s390x", "a/app-x86", "a/other", "amd64/tool", "ppc64le/tool")


@pytest.mark.parametrize("name", ["a/app", "a/app-s390x", "a/app-x86"])
def test_a_family_is_found_by_its_stem_and_by_each_of_its_members(name: str) -> None:
    found = family(name, NAMES)
    assert found is not None
    assert ("a/app", ["a/app-ppc64le", "a/app-s390x", "a/app-x86"]) == (
        found.stem,
        list(found.members),
    )
    assert "x86" == found.members["a/app-x86"].text


def test_namespaces_are_families_too() -> None:
    found = family("ppc64le/tool", NAMES)
    assert found is not None
    assert ("tool", ["amd64/tool", "ppc64le/tool"]) == (found.stem, list(found.members))
    assert found == family("library/tool", NAMES)


def test_a_word_beside_the_plain_name_is_a_family_of_one() -> None:
    found = family("app-arm64", ("app", "app-arm64"))
    assert found is not None
    assert ("app", ["app-arm64"]) == (found.stem, list(found.members))


@pytest.mark.parametrize("name", ["a/other", "go-arm-emulator", "charm", "b/app"])
def test_what_no_other_name_shows_to_be_a_platform_is_no_family(name: str) -> None:
    assert family(name, (*NAMES, name)) is None
