"""A layer of the image is fetched from another place than the registry.

Its descriptor has `urls`; nothing is ever fetched from there.

Why: whoever pulls the image needs that other host too: behind a firewall, or once it is switched
off, the image cannot be pulled although the registry has all that was pushed. Mirrors copy the
image without the layer. Windows base images were published so until 2023.

Fix: build the image again on a newer base: `docker buildx build --platform windows/amd64 -t
REFERENCE --push .`; or push the layers too: `allow-nondistributable-artifacts` in the settings of
Docker's daemon.

Source: OCI image-spec 1.1 descriptor.md "urls", layer.md "Non-Distributable Layers".
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild


@rule("MFL212", Severity.INFO, Scope.DOCUMENT, needs=(Needs.CHILDREN,))
def foreign_layer(case: NodeCase) -> Iterator[Fault]:
    """Judge where an image's layers come from."""
    layers = case.node.document.layers if case.node.document is not None else ()
    foreign = [layer for layer in layers if layer.urls]
    if foreign:
        yield Fault(
            f"{len(foreign)} of {len(layers)} layers come from elsewhere: {foreign[0].urls[0]}",
            rebuild(case.parent, case.node),
        )
