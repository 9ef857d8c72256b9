"""The image has another number of layers than its config knows.

The config lists one `diff_id` for each layer of the root filesystem, in the same order.

Why: the image can be pulled and not unpacked: containerd says `mismatched image rootfs and
manifest layers`, Docker `layers from manifest don't match image configuration`.

Fix: build it again: `docker buildx build --platform linux/amd64 -t REFERENCE --push .`. It
happens where layers are appended or squashed by a script that forgets the config; `crane append`
and `oras` with the right config, or a Dockerfile, keep both in step.

Source: OCI image-spec 1.1 config.md, "rootfs.diff_ids"; containerd and moby, unpacking.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild
from mfl_lint.rules._evidence import config_of


@rule("MFL214", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.CHILDREN, Needs.CONFIGS))
def layers_contradict_config(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's layers against its config."""
    node = case.node
    config = config_of(node)
    if config is None or config.diff_ids is None or node.document is None:
        return
    layers = len(node.document.layers)
    if config.diff_ids != layers:
        yield Fault(
            f"the manifest has {layers} layers, the config {config.diff_ids} diff_ids",
            rebuild(case.parent, node),
        )
