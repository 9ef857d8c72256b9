"""Whether the layers and configs that manifests name are there: each digest once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved, RegistryError
from mfl_lint.core.kind import is_foreign_layer
from mfl_lint.core.manifest import Form
from mfl_lint.core.observation import VERIFIED, Look, LookState, Node
from mfl_lint.registry.source import Known, Source
from mfl_lint.registry.tree import look_of

AT_ONCE: Final = 4


class Blobs:
    """The blobs of one tree in one repository; `known` may vouch for some of them."""

    def __init__(self, source: Source, repository: str, known: Known) -> None:
        self._source = source
        self._repository = repository
        self._known = known
        self._looks: dict[Digest, Look] | None = None

    async def look(self, root: Node, read: Collection[Digest]) -> None:
        """Ask for all blobs below the root but those that were just `read`."""
        named = {digest for node in root.walk() for digest in _named(node)}.difference(read)
        fresh = await self._known.present(self._repository, sorted(named)) if named else ()
        self._looks = dict.fromkeys(fresh, VERIFIED)
        waiting = iter(sorted(named.difference(fresh)))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work(waiting, self._looks))

    @property
    def has_absent(self) -> bool:
        """Say whether a blob was not found."""
        return any(look.state is LookState.ABSENT for look in (self._looks or {}).values())

    def put(self, node: Node, unconfirmed: Look | None = None) -> Node:
        """Return the tree with the looks at its blobs, unchanged where none were taken.

        `unconfirmed` takes the place of every look that ended in absent.
        """
        if self._looks is None:
            return node
        looks = {digest: self._looks[digest] for digest in _named(node) if digest in self._looks}
        if unconfirmed is not None:
            absent = [digest for digest, look in looks.items() if look.state is LookState.ABSENT]
            looks |= dict.fromkeys(absent, unconfirmed)
        children = tuple(self.put(child, unconfirmed) for child in node.children)
        return msgspec.structs.replace(node, children=children, blobs=looks)

    async def _work(self, waiting: Iterator[Digest], looks: dict[Digest, Look]) -> None:
        for digest in waiting:
            try:
                await self._source.check_blob(self._repository, digest)
                looks[digest] = VERIFIED
            except NotObserved:
                continue
            except RegistryError as error:
                looks[digest] = look_of(error)


def _named(node: Node) -> Iterator[Digest]:
    """Yield the layers that the registry has to have, and the config."""
    document = node.document
    if document is None or document.form is not Form.MANIFEST:
        return
    own = [layer for layer in document.layers if not is_foreign_layer(layer)]
    for named in (*own, document.config):
        if named is not None and named.digest is not None:
            yield named.digest
