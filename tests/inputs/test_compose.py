from collections.abc import Mapping

from mfl_lint.core.platform import Platform
from mfl_lint.inputs.compose import read_compose
from mfl_lint.inputs.found import Contents
from mfl_lint.inputs.yaml_tree import documents

TEXT = """\
x-app: &app
  image: ghcr.io/team/app:${TAG:-v1}
  platform: linux/arm64
services:
  web:
    <<: *app
    profiles: [debug]
  again:
    <<: *app
  db:
    image: "postgres:$DB"
  lost:
    image: redis:${REDIS}
  made:
    build: .
  both:
    build: .
    image: team/both
  child:
    extends: {service: db}
    platform: linux/s390x
  other:
    extends: {file: common.yaml, service: x}
  wrong:
    image: team/wrong
    platform: arm
include:
  - more.yaml
  - path: [one.yaml, two.yaml]
"""


def _read(text: str, values: Mapping[str, str] | None = None) -> Contents:
    return read_compose(documents(text, "compose.yaml"), "compose.yaml", values or {})


def test_each_service_gives_its_image_with_its_line() -> None:
    found = _read(TEXT, {"DB": "17"}).found
    arm64, s390x = Platform("linux", "arm64"), Platform("linux", "s390x")
    assert [
        ("ghcr.io/team/app:v1", 2, (arm64,)),
        ("postgres:17", 11, ()),
        ("team/both", 18, ()),
        ("postgres:17", 11, (s390x,)),
        ("team/wrong", 25, ()),
    ] == [(item.text, item.line, item.platforms) for item in found]


def test_what_no_variable_gives_is_said_with_its_line() -> None:
    unresolved = _read(TEXT).unresolved
    assert [("postgres:$DB", 11), ("redis:${REDIS}", 13), ("arm", 26)] == [
        (item.text, item.line) for item in unresolved
    ]
    assert "set REDIS in the environment or in .env" in unresolved[1].why


def test_images_that_are_volumes_are_read() -> None:
    text = """\
services:
  base:
    build: .
    volumes:
      - data:/data
      - {type: volume, source: data, target: /d}
      - type: image
        source: ghcr.io/team/models:${MODEL:-v1}
        target: /models
      - {type: image, target: /nothing}
  child:
    image: team/child
    platform: linux/arm64
    extends: base
    volumes: [{type: image, source: "team/lost:$LOST", target: /l}]
"""
    contents = _read(text)
    assert [
        ("ghcr.io/team/models:v1", 8, ()),
        ("team/child", 12, (Platform("linux", "arm64"),)),
    ] == [(item.text, item.line, item.platforms) for item in contents.found]
    assert [("team/lost:$LOST", 15)] == [(x.text, x.line) for x in contents.unresolved]


def test_what_is_built_is_said_and_not_scanned() -> None:
    notes = _read(TEXT).notes
    assert (
        "compose.yaml:15: service made is built, not pulled: not scanned; give its Dockerfile"
        in notes
    )


def test_variables_of_an_include_that_are_not_read_are_said() -> None:
    contents = _read("include:\n- path: x.yaml\n  env_file: x.env\n- env_file: y.env\n")
    said = "the variables of this env_file are not read: set them in the environment"
    assert (f"compose.yaml:3: {said}", f"compose.yaml:4: {said}") == contents.notes
    assert ["x.yaml"] == [item.path for item in contents.follows]


def test_other_files_are_named() -> None:
    follows = _read(TEXT).follows
    assert [
        ("common.yaml", 23),
        ("more.yaml", 28),
        ("one.yaml", 29),
        ("two.yaml", 29),
    ] == [(item.path, item.line) for item in follows]


def test_services_that_extend_one_another_end() -> None:
    text = "services:\n  a: {extends: b}\n  b: {extends: a}\n"
    assert () == _read(text).found


def test_what_is_no_compose_file_gives_nothing() -> None:
    for text in ("services: [a, b]", "services: {a: b}", "- a", "services: {a: {image: [x]}}"):
        assert () == _read(text).found


def test_an_image_can_be_taken_away() -> None:
    assert () == _read("services: {a: {image: !reset app}}").found
