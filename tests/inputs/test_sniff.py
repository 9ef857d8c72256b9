import pytest

from mfl_lint.inputs.sniff import FileKind, sniff

DOCKERFILE, YAML, LIST = FileKind.DOCKERFILE, FileKind.YAML, FileKind.LIST


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Dockerfile", DOCKERFILE),
        ("a/b/Dockerfile.dev", DOCKERFILE),
        ("app.dockerfile", DOCKERFILE),
        ("Containerfile", DOCKERFILE),
        ("compose.yaml", YAML),
        ("Dockerfile.yaml", YAML),
        ("k8s.json", YAML),
        ("base/Kustomization", YAML),
        ("refs.txt", LIST),
        ("images.list", LIST),
    ],
)
def test_a_name_tells_the_kind(name: str, kind: FileKind) -> None:
    assert kind is sniff(name, "")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# syntax=x\n\nFROM alpine\n", DOCKERFILE),
        ("arg A=1\nfrom a\n", DOCKERFILE),
        ("services:\n  a: {}\n", YAML),
        ("---\n# Source: x\napiVersion: v1\n", YAML),
        ("apiVersion: v1\n", YAML),
        ('{"apiVersion": "v1"}', YAML),
        ("alpine:3.20\n", LIST),
        ("# mine\nlocalhost:5000/app:v1\n", LIST),
        ("", LIST),
    ],
)
def test_the_content_tells_the_kind_where_the_name_does_not(text: str, kind: FileKind) -> None:
    assert kind is sniff("", text)
