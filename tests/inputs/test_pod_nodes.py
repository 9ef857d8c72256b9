import pytest

from mfl_lint.inputs.found import Collector
from mfl_lint.inputs.pod_nodes import MAX_EACH, needed_platforms
from mfl_lint.inputs.yaml_tree import Fields, documents

ARM = "{key: kubernetes.io/arch, operator: In, values: [arm64]}"
BOTH = "{key: kubernetes.io/arch, operator: In, values: [amd64, arm64]}"
WINDOWS = "{key: kubernetes.io/os, operator: In, values: [windows]}"
BUILDS = '{key: node.kubernetes.io/windows-build, operator: In, values: ["10.0.1", "10.0.2"]}'
OTHER = "{key: zone, operator: In, values: [a]}"


def _affinity(*terms: str, kind: str = "required") -> str:
    named = ", ".join(f"{{matchExpressions: [{term}]}}" for term in terms)
    when = f"{kind}DuringSchedulingIgnoredDuringExecution"
    return f"affinity: {{nodeAffinity: {{{when}: {{nodeSelectorTerms: [{named}]}}}}}}\n"


def _needed(text: str) -> tuple[list[str], list[str]]:
    """Return the platforms that a pod needs, and what was said besides."""
    (pod,) = documents(text, "k.yaml")
    assert isinstance(pod, Fields)
    collector = Collector("k.yaml")
    platforms = [platform.full for platform in needed_platforms(pod, collector)]
    return platforms, [item.text for item in collector.contents().unresolved]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_affinity(ARM), ["linux/arm64"]),
        (_affinity(BOTH), ["linux/amd64", "linux/arm64"]),
        (_affinity(f"{BOTH}, {OTHER}"), ["linux/amd64", "linux/arm64"]),
        (_affinity(ARM, BOTH), ["linux/arm64", "linux/amd64"]),
        (
            _affinity(f"{BOTH}, {WINDOWS}"),
            ["windows/amd64", "windows/arm64"],
        ),
        (
            f"nodeSelector: {{kubernetes.io/os: windows}}\n{_affinity(f'{ARM}, {BUILDS}')}",
            ["windows(10.0.1)/arm64", "windows(10.0.2)/arm64"],
        ),
        (f"nodeSelector: {{kubernetes.io/arch: amd64}}\n{_affinity(BOTH)}", ["linux/amd64"]),
    ],
)
def test_all_platforms_that_the_nodes_may_have_are_needed(text: str, expected: list[str]) -> None:
    assert (expected, []) == _needed(text)


@pytest.mark.parametrize(
    "text",
    [
        "containers: []\n",
        _affinity(),
        _affinity(OTHER),
        _affinity(ARM, OTHER),
        _affinity(ARM, kind="preferred"),
        _affinity(ARM.replace("In", "NotIn")),
        _affinity(ARM.replace("[arm64]", "arm64")),
        _affinity(*[ARM] * (MAX_EACH + 1)),
        _affinity(ARM.replace("arm64", ", ".join(["arm64"] * (MAX_EACH + 1)))),
        "affinity: x\n",
    ],
)
def test_nodes_that_may_be_any_need_nothing(text: str) -> None:
    assert ([], []) == _needed(text)


def test_a_value_that_is_no_architecture_is_said() -> None:
    assert (["linux/arm64"], ["linux/a/b/c/d"]) == _needed(
        _affinity(ARM.replace("[arm64]", "[a/b/c/d, arm64]"))
    )
