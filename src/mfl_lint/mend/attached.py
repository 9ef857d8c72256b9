"""What hangs on a digest: signatures, attestations and other referrers. A new list has none.

Source: OCI distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema"; cosign's tags.
"""

from __future__ import annotations

from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import RegistryError
from mfl_lint.core.reference import Reference
from mfl_lint.registry.client import RegistryClient

_MAX_NAMED: Final = 10
_KINDS: Final = {".sig": "signature", ".att": "attestation", ".sbom": "SBOM", "": "referrers"}


async def attached(client: RegistryClient, name: Reference, digest: Digest) -> tuple[str, ...]:
    """Return a line for each thing that hangs on the digest, ten at most.

    What cannot be asked for is a line too: nobody then knows what is lost.
    """
    lines = []
    try:
        for one in await client.referrers(name.repository, digest):
            kind = one.artifact_type or one.media_type or "something"
            lines.append(f"{kind} {one.digest} refers to {digest}, and not to the new list")
    except RegistryError as error:
        lines.append(f"what refers to {digest} could not be looked at: {error}")
    prefix = digest.replace(":", "-")
    try:
        tags = (await client.tags(name.repository)).names
    except RegistryError:
        tags = ()
    for tag in tags:
        if tag.startswith(prefix):
            kind = _KINDS.get(tag.removeprefix(prefix), "tag")
            lines.append(f"the {kind} {name.name}:{tag} is of {digest}, and not of the new list")
    more = len(lines) - _MAX_NAMED
    return (*lines[:_MAX_NAMED], *([f"and {more} more"] if more > 0 else []))
