from mfl_lint.inputs.found import ImageChange
from mfl_lint.inputs.kustomization import is_kustomization, read_kustomization
from mfl_lint.inputs.yaml_tree import Fields, documents

TEXT = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [app.yaml, ../base]
images:
- name: app
  newName: registry.example/app
  newTag: v2
patches:
- path: p.yaml
"""


def _root(text: str) -> Fields:
    (root,) = documents(text, "kustomization.yaml")
    assert isinstance(root, Fields)
    return root


def test_resources_are_followed_with_the_changes_inmost_first() -> None:
    above = ImageChange("x", "", "1", "", "up:1")
    contents = read_kustomization(_root(TEXT), "kustomization.yaml", [[above]])
    own = ImageChange("app", "registry.example/app", "v2", "", "kustomization.yaml:5")
    assert [
        ("app.yaml", 3, ((own,), (above,))),
        ("../base", 3, ((own,), (above,))),
    ] == [(item.path, item.line, item.changes) for item in contents.follows]


def test_what_is_not_applied_is_said() -> None:
    contents = read_kustomization(_root(TEXT), "kustomization.yaml")
    assert ["patches"] == [item.text for item in contents.unresolved]
    assert "kustomize build" in contents.unresolved[0].why


def test_only_kustomizes_own_kind_is_one() -> None:
    assert is_kustomization(_root(TEXT))
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
    assert not is_kustomization(_root(flux))
