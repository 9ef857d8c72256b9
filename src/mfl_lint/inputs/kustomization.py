"""A kustomization: its resources, and what becomes of their images.

Source: kustomize's documentation, "images" and "resources"; api/filters/imagetag/updater.go.
"""

from __future__ import annotations

from typing import Final

from mfl_lint.inputs.found import Collector, Contents, Follow, ImageChange
from mfl_lint.inputs.kubernetes import Changes
from mfl_lint.inputs.yaml_tree import Fields, Scalar

FILE_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FOLLOWED: Final = ("resources", "bases")
_UNREAD: Final = (
    "components",
    "generators",
    "helmCharts",
    "helmChartInflationGenerator",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "transformers",
)
_RENDER: Final = "render it and give that: kustomize build DIR | mfl-lint scan -f -"


def is_kustomization(root: Fields) -> bool:
    """Say whether a document is kustomize's own."""
    kind, version = root.scalar("kind"), root.scalar("apiVersion")
    own = version is None or version.text.startswith("kustomize.config.k8s.io/")
    return own and kind is not None and kind.text == "Kustomization"


def read_kustomization(root: Fields, file: str, above: Changes = ()) -> Contents:
    """Return what to follow, with the image changes of this and of the kustomizations above."""
    collector = Collector(file)
    changes = (_changes(root, file), *(tuple(outer) for outer in above))
    for key in _FOLLOWED:
        for path in root.sequence(key):
            if isinstance(path, Scalar):
                collector.follow(Follow(path.text, path.line, changes))
    for key in _UNREAD:
        found = root.at(key)
        if found is not None:
            collector.unresolved(key, found.line, f"it may change images; {_RENDER}")
    return collector.contents()


def _changes(root: Fields, file: str) -> tuple[ImageChange, ...]:
    return tuple(
        ImageChange(
            name=_text(item, "name"),
            new_name=_text(item, "newName"),
            new_tag=_text(item, "newTag"),
            digest=_text(item, "digest"),
            place=f"{file}:{item.line}",
        )
        for item in root.mappings("images")
    )


def _text(item: Fields, key: str) -> str:
    found = item.scalar(key)
    return found.text if found is not None else ""
