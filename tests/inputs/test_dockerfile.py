from collections.abc import Mapping

import pytest

from mfl_lint.core.platform import Platform
from mfl_lint.inputs.dockerfile import read_dockerfile
from mfl_lint.inputs.found import Contents

THREE_STAGES = """\
# syntax=docker/dockerfile:1
ARG GO=1.22
ARG REGISTRY=ghcr.io/team \\
    DISTRO="debian"
# comment
FROM --platform=$BUILDPLATFORM golang:${GO}-alpine AS build
ARG GO=0
RUN --mount=type=bind,from=busybox:1,target=/b \\
    # a comment in between

    --mount=type=cache,target=/c,from=alpine:3 make
FROM ${REGISTRY}/base:${BASE:-v1} as test
COPY --from=build /a /a
COPY --chown=1:1 --from=nginx:1 /a /a
FROM --platform=linux/arm64 $DISTRO
COPY --from=0 /a /a
COPY --from=TEST /a /a
"""


def _read(text: str, **given: str) -> Contents:
    return read_dockerfile(text, "Dockerfile", given)


def _texts(text: str, given: Mapping[str, str] | None = None) -> list[tuple[str, int]]:
    found = read_dockerfile(text, "Dockerfile", given or {}).found
    return [(item.text, item.line) for item in found]


def test_every_image_of_three_stages_is_found_with_its_line() -> None:
    contents = _read(THREE_STAGES)
    assert [
        ("golang:1.22-alpine", 6, ()),
        ("busybox:1", 8, ()),
        ("alpine:3", 11, ()),
        ("ghcr.io/team/base:v1", 12, ()),
        ("nginx:1", 14, ()),
        ("debian", 15, (Platform("linux", "arm64"),)),
    ] == [(item.text, item.line, item.platforms) for item in contents.found]
    assert () == contents.unresolved


def test_a_build_argument_takes_the_place_of_a_default() -> None:
    assert ("golang:1.23-alpine", 6) in _texts(THREE_STAGES, {"GO": "1.23"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM app:${TAG}", "no ARG before the first FROM gives TAG a value; give --build-arg TAG"),
        ("ARG TAG\nFROM app:$TAG", "--build-arg TAG=VALUE"),
        ("FROM a\nARG TAG=1\nFROM app:$TAG", "--build-arg TAG=VALUE"),
        ("ARG TAG=1\nARG TAG=$NEXT\nFROM app:$TAG", "--build-arg TAG=VALUE"),
        ("FROM app-$TARGETARCH", "each build sets it; give --build-arg TARGETARCH=VALUE"),
        ("ARG TAG=1\nFROM a\nCOPY --from=b:$TAG / /", "variables are not filled in here"),
        ("ARG TAG=1\nFROM a\nRUN --mount=from=b:$TAG x", "variables are not filled in here"),
        ("FROM a\nCOPY --from=0 / /", "no earlier stage has this number"),
        ("FROM a b", "write FROM IMAGE [AS NAME]"),
        ("FROM --platform=arm a", "not a platform"),
        ("FROM a\nRUN <<EOF\nFROM b\n", "has no end"),
    ],
)
def test_what_cannot_be_resolved_is_said(text: str, said: str) -> None:
    unresolved = _read(text).unresolved
    assert 1 == len(unresolved)
    assert said in unresolved[0].why


def test_an_argument_without_default_can_be_given() -> None:
    assert [("app:2", 2)] == _texts("ARG TAG\nFROM app:$TAG", {"TAG": "2"})
    assert [("app-arm64", 1)] == _texts("FROM app-$TARGETARCH", {"TARGETARCH": "arm64"})


def test_stages_and_scratch_are_no_images() -> None:
    text = "FROM a AS One\nFROM one AS two\nFROM scratch\nCOPY --from=TWO / /\n"
    assert [("a", 1)] == _texts(text)


def test_a_stage_is_none_before_it_stands_there() -> None:
    assert [("two", 1), ("b", 2)] == _texts("FROM two AS one\nFROM b AS two\n")


def test_a_stage_that_each_build_chooses_is_said() -> None:
    text = "FROM a AS base-amd64\nFROM b AS base-arm64\nFROM base-${TARGETARCH}\n"
    contents = _read(text)
    assert ([("a", 1), ("b", 2)], ()) == (_texts(text), contents.unresolved)
    assert (
        "Dockerfile:3: base-${TARGETARCH} is a stage that each build chooses" in contents.notes[0]
    )


@pytest.mark.parametrize("platform", ["$TARGETPLATFORM", "${BUILDPLATFORM}", "linux/$TARGETARCH"])
def test_a_platform_of_each_build_asks_for_none(platform: str) -> None:
    (found,) = _read(f"FROM --platform={platform} a").found
    assert () == found.platforms


def test_heredocs_are_no_instructions() -> None:
    text = (
        "FROM a\nRUN <<EOF bash <<-'TWO'\nFROM x\nEOF\nFROM y\n\tTWO\n"
        'COPY <<"A B" /x\nRUN echo "<<NO" <<<word\nFROM b\n'
    )
    assert [("a", 1)] == _texts(text)[:1]
    plain = (
        "FROM a\nRUN <<EOF\nFROM x\n EOF\nEOF\nCOPY <<E /x\n# E\nE\nRUN cat '<<N' <<<w\nFROM b\n"
    )
    assert [("a", 1), ("b", 10)] == _texts(plain)
    two = "FROM a\nRUN <<EOF bash <<-'TWO'\nFROM x\nEOF\nFROM y\n\tTWO\nFROM b\n"
    assert [("a", 1), ("b", 7)] == _texts(two)


def test_the_escape_directive_changes_continuations() -> None:
    text = "# escape=`\nFROM a `\n  AS one\nFROM c:\\\nFROM b\n"
    assert [("a", 2), ("b", 5)] == [item for item in _texts(text) if item[0] in "ab"]
    late = "# hello\n# escape=`\nFROM a \\\n  AS one\n"
    assert [("a", 3)] == _texts(late)


def test_line_ends_of_windows_and_lower_case_are_read() -> None:
    assert [("a", 1), ("b", 2)] == _texts("from a as x\r\nFrom b\r\n")


def test_what_a_child_does_is_not_looked_at() -> None:
    assert [("a", 1)] == _texts("FROM a\nONBUILD COPY --from=b / /\n")


def test_a_mount_is_csv() -> None:
    text = 'FROM a\nRUN --network=none --mount="type=bind,from=b" --mount=type=tmpfs x\n'
    assert [("a", 1)] == _texts(text)[:1]
    assert ("c:1", 2) in _texts('FROM a\nRUN --mount=type=bind,"from=c:1",rw x\n')
