import pytest

from mfl_lint.core.platform import Platform
from mfl_lint.inputs.found import Contents, ImageChange
from mfl_lint.inputs.kubernetes import Changes, changed, read_kubernetes
from mfl_lint.inputs.yaml_tree import documents

BUILD = "node.kubernetes.io/windows-build: 10.0.20348"
POD = """\
containers:
- name: main
  image: team/main:1
initContainers:
- image: team/init:1
ephemeralContainers:
- image: team/debug:1
volumes:
- name: model
  image: {reference: team/model:1}
- name: none
"""


def _read(text: str, changes: Changes = ()) -> Contents:
    return read_kubernetes(documents(text, "k.yaml"), "k.yaml", changes)


def _texts(text: str, changes: Changes = ()) -> list[tuple[str, int]]:
    return [(item.text, item.line) for item in _read(text, changes).found]


def _nested(kind: str, path: str) -> str:
    """Return an object that holds the pod's specification at a path."""
    rows = [f"apiVersion: v1\nkind: {kind}\n"]
    indent = ""
    for step in path.split("."):
        rows.append(f"{indent}{step}:\n")
        indent += "  "
    return "".join(rows) + "".join(f"{indent}{line}\n" for line in POD.splitlines())


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", "spec"),
        ("PodTemplate", "template.spec"),
        ("Deployment", "spec.template.spec"),
        ("StatefulSet", "spec.template.spec"),
        ("DaemonSet", "spec.template.spec"),
        ("ReplicaSet", "spec.template.spec"),
        ("Job", "spec.template.spec"),
        ("CronJob", "spec.jobTemplate.spec.template.spec"),
        ("AnalysisOfTheirOwn", "spec.workers.fast.template.spec"),
    ],
)
def test_whatever_holds_a_pod_gives_its_images(kind: str, path: str) -> None:
    at = 3 + len(path.split("."))
    assert [
        ("team/init:1", at + 4),
        ("team/main:1", at + 2),
        ("team/debug:1", at + 6),
        ("team/model:1", at + 9),
    ] == _texts(_nested(kind, path))


def test_lists_documents_and_comments_are_read_through() -> None:
    text = (
        "---\n# Source: chart/templates/a.yaml\n---\n"
        "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec: {containers: [{image: a}]}\n"
        "- kind: ConfigMap\n---\n"
        "kind: Pod\nspec: {containers: [{image: b}, {name: no-image}]}\n"
    )
    assert [("a", 8), ("b", 12)] == _texts(text)


def test_a_schema_deploys_nothing() -> None:
    text = "kind: CustomResourceDefinition\nspec: {example: {containers: [{image: a}]}}\n"
    assert [] == _texts(text)


@pytest.mark.parametrize(
    ("selector", "platforms"),
    [
        ("kubernetes.io/arch: arm64", (Platform("linux", "arm64"),)),
        ("{kubernetes.io/arch: s390x, kubernetes.io/os: linux}", (Platform("linux", "s390x"),)),
        ("beta.kubernetes.io/arch: arm", (Platform("linux", "arm"),)),
        (
            "kubernetes.io/arch: amd64, kubernetes.io/os: windows, " + BUILD,
            (Platform("windows", "amd64", os_version="10.0.20348"),),
        ),
        ("kubernetes.io/os: linux", ()),
        ("disk: fast", ()),
    ],
)
def test_a_node_selector_asks_for_a_platform(
    selector: str, platforms: tuple[Platform, ...]
) -> None:
    indented = selector if selector.startswith("{") else f"{{{selector}}}"
    text = f"kind: Pod\nspec:\n  nodeSelector: {indented}\n  containers: [{{image: a}}]\n"
    (found,) = _read(text).found
    assert platforms == found.platforms


def test_a_selector_that_is_no_platform_is_said() -> None:
    text = (
        "kind: Pod\nspec:\n  nodeSelector:\n    kubernetes.io/arch: a/b/c/d\n"
        "  containers: [{image: a}]\n"
    )
    (unresolved,) = _read(text).unresolved
    assert ("linux/a/b/c/d", 4) == (unresolved.text, unresolved.line)


@pytest.mark.parametrize(
    "image", ["app:${TAG}", "app:$(TAG)", "'{{ .Values.image }}'", "app:<tag>"]
)
def test_a_placeholder_is_said_not_guessed(image: str) -> None:
    contents = _read(f"kind: Pod\nspec:\n  containers:\n  - image: {image}\n")
    assert ((), [4]) == (contents.found, [item.line for item in contents.unresolved])


def _change(name: str, new_name: str = "", new_tag: str = "", digest: str = "") -> ImageChange:
    return ImageChange(name, new_name, new_tag, digest, "k:1")


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("app:1", _change("app", new_tag="2"), "app:2"),
        ("app", _change("app", new_tag="2"), "app:2"),
        ("app@sha256:a", _change("app", new_tag="2"), "app:2"),
        ("app:1", _change("app", new_name="host:5000/x"), "host:5000/x:1"),
        ("host:5000/app:1", _change("host:5000/app", new_tag="2"), "host:5000/app:2"),
        ("app:1", _change("app", digest="sha256:b"), "app@sha256:b"),
        ("app:1", _change("app", new_tag="2", digest="sha256:b"), "app:2@sha256:b"),
        ("other/app:1", _change("app", new_tag="2"), "other/app:1"),
    ],
)
def test_a_kustomization_changes_images(text: str, change: ImageChange, expected: str) -> None:
    assert expected == changed(text, [[change]])[0]


def test_an_outer_kustomization_sees_what_the_inner_one_made() -> None:
    inner, outer = _change("app", new_name="mirror/app"), _change("mirror/app", new_tag="2")
    assert "mirror/app:2" == changed("app:1", [[inner], [outer]])[0]
    assert "mirror/app:1" == changed("app:1", [[outer], [inner]])[0]


def test_only_containers_are_changed_by_a_kustomization() -> None:
    text = "kind: Pod\nspec:\n  containers: [{image: a}]\n  ephemeralContainers: [{image: a}]\n"
    assert [("a:2", 3), ("a", 4)] == _texts(text, [[_change("a", new_tag="2")]])
