"""What is left of layers says the same as all of them, and is little."""

from __future__ import annotations

from random import Random

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.inside import Inside, started
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.manifest import ImageConfig
from mfl_lint.core.parse import parse_config
from mfl_lint.core.reduction import reduced, reduced_layer
from tests.builders import encode
from tests.programs import elf, exe, file, folder, hard, inside, link, summary

MUSL = "/lib/ld-musl-x86_64.so.1"
PROGRAM = elf("amd64", loader=MUSL)


def config(*command: str, os: str = "linux") -> ImageConfig:
    raw = encode({"os": os, "architecture": "amd64", "config": {"Entrypoint": list(command)}})
    return parse_config(raw, digest_of(raw))


MANY = [exe(f"usr/share/x/{number}", b"#!/bin/sh\n") for number in range(5000)]
BASE = summary(
    *MANY,
    folder("usr"),
    link("bin", "usr/bin"),
    exe("usr/bin/busybox", PROGRAM),
    hard("usr/bin/sh", "usr/bin/busybox"),
    exe("lib/ld-musl-x86_64.so.1", elf("amd64")),
)
IMAGES = {
    "plain": inside(BASE, summary(exe("app", elf("arm64")), file("usr/local/bin/x"))),
    "script": inside(BASE, summary(exe("app", b"#!/usr/bin/env -S sh -e\n"))),
    "link": inside(BASE, summary(link("app", "opt/v1/app"), link("opt/v1", "../srv")), BASE),
    "nothing": inside(BASE, BASE),
    "whiteout": inside(BASE, summary(file("lib/.wh.ld-musl-x86_64.so.1"), exe("app", PROGRAM))),
    "opaque": inside(BASE, summary(file("lib/.wh..wh..opq"), exe("app", PROGRAM))),
    "unread": inside(None, summary(exe("app", elf("amd64")))),
    "replaced": inside(BASE, summary(file("usr")), summary(exe("app", b"#!/bin/sh\n"))),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("command", ["/app", "app", "sh", "/opt/v1/app", "/nowhere"])
def test_less_says_the_same_of_what_is_started(name: str, command: str) -> None:
    image, runs = IMAGES[name], config(command)
    less = reduced(image, runs)
    assert started(image, runs) == started(less, runs)
    assert image.digests == less.digests
    assert 60 > max(len(layer.members) for layer in less.layers if layer)


def test_one_file_of_each_sort_of_program_is_left() -> None:
    layer = summary(*(exe(f"bin/{n}", elf("amd64" if n % 2 else "arm64")) for n in range(100)))
    less = reduced_layer(layer)
    assert ["amd64", "arm64"] == sorted(x.executable.machine for x in less.members if x.executable)
    assert not less.complete


def test_what_could_not_be_read_stays_so() -> None:
    layer = LayerSummary(BASE.digest, BASE.members, problem="it is cut")
    image = Inside((BASE.digest,), (layer,))
    assert "it is cut" in started(reduced(image, config("/app")), config("/app")).unknown
    assert "it is cut" == reduced_layer(layer).problem


def test_without_a_config_programs_alone_are_left() -> None:
    less = reduced(inside(BASE), None).layers[0]
    assert less is not None
    assert 2 == len(less.members)


def test_windows_is_told_the_same_of() -> None:
    layer = summary(exe("Files/App/Hello.exe", elf("amd64")), exe("Files/x", b""))
    image, runs = inside(layer), config(r"C:\app\hello.exe", os="windows")
    assert started(image, runs) == started(reduced(image, runs), runs)


def test_random_images_say_the_same_reduced(seed: int, count: object) -> None:
    random = Random(seed)
    names = ["a", "b", "bin", "usr/bin", "usr/bin/a", "bin/a", "bin/b", "lib/x", "lib", "usr"]

    def some() -> tuple[str, bytes | str | None, int]:
        path = random.choice(names)
        match random.randrange(7):
            case 0:
                return link(path, random.choice(names))
            case 1:
                return folder(path)
            case 2:
                return hard(path, random.choice(names))
            case 3:
                return file(f"{path}/.wh..wh..opq")
            case 4:
                return file(f".wh.{path}" if "/" not in path else "lib/.wh.x")
            case 5:
                return exe(path, b"#!/bin/a\n")
        return exe(path, elf("amd64", loader="/lib/x"))

    assert callable(count)
    for _ in range(count(5000)):
        image = inside(*(summary(*(some() for _ in range(6))) for _ in range(3)))
        runs = config(random.choice(["a", "/bin/a", "/usr/bin/a", "/b"]))
        assert started(image, runs) == started(reduced(image, runs), runs)
