from __future__ import annotations

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.loader_missing import loader_missing as rule
from tests.builders import attestation, image, index, layer
from tests.programs import elf
from tests.rules.cases import judged, only, outcome
from tests.rules.deep import judged_deep

GLIBC = "/lib64/ld-linux-x86-64.so.2"
TOP = layer({"app/hello": elf("amd64", loader=GLIBC)})
BASE = layer({GLIBC[1:]: elf("amd64")})
LONE = image(layers=[TOP])
FAILING = judged_deep(rule, index(LONE))
PASSING = judged_deep(rule, index(image(layers=[BASE, TOP])))


def test_the_message_names_the_program_its_layer_and_the_loader() -> None:
    finding = only(FAILING)
    assert "error" == finding.severity
    assert (
        f"/app/hello in layer {digest_of(TOP.raw)[:19]}… is ELF for amd64 and needs {GLIBC}, "
        "which is in no layer of the image"
    ) == finding.message


def test_a_static_program_needs_no_loader() -> None:
    assert Outcome.PASS == outcome(judged_deep(rule, image(files={"app/hello": elf()})))


def test_a_loader_that_a_layer_removes_is_missing() -> None:
    removed = layer({"lib64/.wh.ld-linux-x86-64.so.2": b""})
    found = judged_deep(rule, image(layers=[BASE, removed, TOP]))
    assert Outcome.FAIL == outcome(found)


def test_the_loader_of_a_script_s_interpreter_is_looked_for() -> None:
    files = {"app/hello": b"#!/bin/sh\n", "bin/sh": elf(loader=GLIBC)}
    assert only(judged_deep(rule, image(files=files))).message.startswith("/bin/sh in layer")


def test_without_having_asked_for_layers_it_does_not_apply() -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, index(LONE)))


def test_a_layer_that_was_not_read_may_have_it() -> None:
    built = image(layers=[BASE, TOP])
    hidden = digest_of(BASE.raw)
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, built, unread=[hidden]))
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, built, problems={hidden: "cut"}))


def test_what_starts_nothing_is_unknown() -> None:
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, image(files={"x": b""})))


def test_attestations_are_not_judged() -> None:
    static = image(files={"app/hello": elf()})
    assert Outcome.PASS == outcome(judged_deep(rule, index(static, attestation(static))))
