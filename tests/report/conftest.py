"""One scan that shows everything a report can hold, and golden files to compare with."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Outcome, Rule, RuleVerdict, Scope
from mfl_lint.core.scan import Place, Scan, ScannedPlatform, ScannedTarget, Unresolved
from mfl_lint.report.material import Material
from tests.builders import image, index
from tests.rules.shell import grouped

GOLDEN = Path(__file__).parent / "golden"
BUILT = index(image("linux", "amd64"), image("linux", "arm64"))
AMD64, ARM64 = BUILT.children
TWO_WAYS = f"""\
# if the image itself is right, correct the list:
{grouped("app:bad", f"app@{AMD64.digest}")}
# or, if it was built for the wrong platform, build it again:
#   docker buildx build --platform linux/amd64,linux/arm64 -t app:bad --push ."""


def _finding(severity: Severity, tag: str, **changed: str) -> Finding:
    name = "docker.io/library/app" + (f":{tag}" if tag else "")
    fields = {
        "rule": "MFL101",
        "slug": "platform-contradicts-config",
        "platform": "linux/arm64",
        "message": "the index says linux/arm64, the config says linux/amd64",
        "fix": f"docker buildx build --platform linux/amd64,linux/arm64 -t {name} --push .",
    } | changed
    return Finding(
        severity=severity,
        registry="docker.io",
        repository="library/app",
        tag=tag,
        reference=name,
        digest=ARM64.digest,
        position=1,
        subject="linux/arm64",
        fingerprint=f"{severity:0<64}",
        **fields,
    )


def _target(
    tag: str, state: LookState = LookState.VERIFIED, undecided: tuple[RuleVerdict, ...] = ()
) -> ScannedTarget:
    seen = state is LookState.VERIFIED
    platforms = (
        ScannedPlatform("linux/amd64", AMD64.digest, 402, LookState.VERIFIED),
        ScannedPlatform("linux/arm64", ARM64.digest, 402, LookState.ABSENT),
        ScannedPlatform("linux/arm/v7", None, None, None),
    )
    return ScannedTarget(
        f"app:{tag}",
        BUILT.digest if seen else None,
        BUILT.media_type if seen else "",
        state,
        "" if seen else "HEAD registry-1.docker.io/v2/library/app/manifests: refused",
        platforms if seen else (),
        undecided,
        canonical=f"docker.io/library/app:{tag}",
    )


@pytest.fixture
def scan() -> Scan:
    """Return targets and findings of every kind."""
    undecided = (RuleVerdict("MFL103", Outcome.UNKNOWN, "linux/arm64: throttled"),)
    long = "what was found is told in a line that is much too long for one row: " * 3
    return Scan(
        datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        (
            _target("good"),
            _target("bad", undecided=undecided),
            _target("fragile"),
            _target("gone", LookState.ABSENT),
            _target("down", LookState.UNREACHABLE),
        ),
        (
            _finding(Severity.ERROR, "bad", fix=TWO_WAYS),
            _finding(Severity.WARNING, "fragile", message=long.strip()),
            _finding(Severity.INFO, "fragile", rule="MFL213", slug="media-type-absent", fix=""),
            _finding(Severity.WARNING, "", rule="MFL301", slug="platform-in-name", platform=""),
        ),
        ("docker.io/library/*: docker.io has no catalogue",),
    )


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Return a function that compares text with a golden file.

    With UPDATE_GOLDEN=1 it writes the file instead, to be read and committed.
    """

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_bytes(text.encode())
        assert path.read_bytes().decode() == text

    return compare


@pytest.fixture
def material(scan: Scan) -> Material:
    """Return that scan with two references out of files, and the rules that found something."""
    named = {
        "app:bad": (Place("deploy/app.yaml", 12), Place("compose.yaml", 3)),
        "app:down": (Place("compose.yaml", 9),),
    }
    targets = tuple(
        msgspec.structs.replace(target, places=named.get(target.reference, ()))
        for target in scan.targets
    )
    hidden = Unresolved("app:${TAG}", "compose.yaml", 14, "TAG is not set")
    placed = msgspec.structs.replace(
        scan,
        targets=targets,
        problems=(*scan.problems, str(hidden)),
        unresolved=(hidden,),
        notes=("12 older tags of app were left out",),
    )
    return Material(placed, RULES, ignored=2, exit_code=1)


def _rule(name: str, slug: str, severity: Severity) -> Rule:
    sections = {
        "Why": "the [wrong] image runs.",
        "Fix": "correct the list.",
        "Source": "OCI image-spec 1.1, image-index.md.",
    }
    what = f"What {slug} finds. It is told in {{0}} two sentences."
    return Rule(name, slug, severity, Scope.ENTRY, (), frozenset(), what, sections, lambda case: ())


RULES = (
    _rule("MFL101", "platform-contradicts-config", Severity.ERROR),
    _rule("MFL213", "media-type-absent", Severity.INFO),
    _rule("MFL999", "found-nothing", Severity.WARNING),
)
