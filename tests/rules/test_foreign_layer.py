from __future__ import annotations

from typing import Any

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.foreign_layer import foreign_layer as rule
from tests.builders import DOCKER, BuiltImage, artifact, image, index
from tests.rules.cases import DENIED, judged, only, outcome

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
PLAIN = "application/vnd.docker.image.rootfs.diff.tar.gzip"
URL = "https://mcr.microsoft.com/v2/windows/nanoserver/blobs/sha256:aa"


def layer(media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{'a' * 64}", "size": 9, **more}


def windows(*layers: dict[str, Any]) -> BuiltImage:
    manifest = {"layers": list(layers)}
    return image("windows", "amd64", os_version="10.0.1.1", flavour=DOCKER, manifest=manifest)


OLD = windows(layer(FOREIGN, urls=[URL]), layer(PLAIN))
FAILING = judged(rule, index(OLD, flavour=DOCKER))
PASSING = judged(rule, index(image("linux", "amd64")))


def test_the_message_says_where_it_comes_from() -> None:
    finding = only(FAILING)
    assert "info" == finding.severity
    assert f"1 of 2 layers come from elsewhere: {URL}" == finding.message


def test_urls_count_whatever_the_layers_type() -> None:
    assert Outcome.FAIL == outcome(judged(rule, windows(layer(PLAIN, urls=[URL]))))


def test_a_foreign_type_without_urls_is_fetched_from_the_registry() -> None:
    assert Outcome.PASS == outcome(judged(rule, windows(layer(FOREIGN))))


def test_only_images_are_judged_and_unseen_ones_are_unknown() -> None:
    chart = artifact("application/x", "text/plain", b"chart")
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, chart))
    looks = {OLD.digest: DENIED}
    assert Outcome.UNKNOWN == outcome(judged(rule, index(OLD, flavour=DOCKER), looks=looks))
