"""Writing to a registry: manifests, blobs that are mounted, copied or there already.

Nothing here decides what is written; what a registry answers is not believed without proof.
Source: distribution-spec 1.1 "Push"; RFC 9110 section 13 (If-Match, If-None-Match).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    NotFound,
    Overtaken,
    RegistryError,
    Rejected,
    Unanswered,
    Unreachable,
)
from mfl_lint.core.manifest import Descriptor
from mfl_lint.registry.addressed import path_of
from mfl_lint.registry.answer import Answer, error_document
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.streaming import Intake
from mfl_lint.registry.uploads import Upload, UploadLost, push_scope, rejection
from mfl_lint.registry.verified import claimed_digest
from mfl_lint.registry.wire import NO_HEADERS

Sent = Callable[[int], None]
_BEGINNINGS: Final = 3
_ANY_SIZE: Final = 2**63


class Writer:
    """Writes to one registry. `writes` counts the requests that could have changed something."""

    def __init__(self, client: RegistryClient) -> None:
        self.client = client
        self.writes = 0

    async def put_manifest(
        self,
        repository: str,
        target: str,
        raw: bytes,
        media_type: str,
        *,
        if_match: str = "",
        if_none_match: str = "",
        once: bool = False,
    ) -> Digest | None:
        """Have a manifest kept under a tag or digest; return the digest that the registry names.

        `once`: it is not tried again, since that could undo what somebody else did meanwhile.
        Rejected (Overtaken for `if_match` and `if_none_match`) and Denied are certain: nothing has
        changed. After Unanswered it may be kept, now or later; after any other RegistryError it is
        not known whether it is, but nothing more comes of it.
        """
        conditions = {"If-Match": if_match, "If-None-Match": if_none_match}
        headers = {"Content-Type": media_type}
        headers |= {name: value for name, value in conditions.items() if value}
        self.writes += 1
        answer = await self.client.send(
            "PUT",
            path_of(repository, "manifests", target),
            push_scope(repository),
            headers,
            raw,
            1 if once else None,
        )
        if answer.status not in (200, 201, 202, 204):
            raise self._not_kept(answer)
        return claimed_digest(answer)

    def _not_kept(self, answer: Answer) -> RegistryError:
        """Return the error that an answer to a manifest stands for."""
        if answer.status == 412:
            return Overtaken(str(self.client.refusal(answer)))
        if answer.status == 404:
            return Rejected(str(self.client.refusal(answer)))
        if answer.status >= 500 and error_document(answer.body) is None:
            # A gateway's: the registry behind it may be at it still.
            return Unanswered(str(self.client.refusal(answer)))
        return rejection(self.client, answer)

    async def mount(self, repository: str, digest: Digest, source: str) -> Upload | None:
        """Take a blob over from another repository of the registry; None where that was done.

        Else an upload was begun in its place: by the registry, or anew where it refuses the mount
        (or whoever gives tokens does), which says nothing of an upload.
        """
        path = f"{_uploads(repository)}?mount={digest}&from={source}"
        scope = push_scope(repository, source)
        self.writes += 1
        try:
            answer = await self.client.send("POST", path, scope, NO_HEADERS, b"")
        except Denied:
            answer = None
        if answer is None or answer.status not in (201, 202):
            if answer is not None and _is_hopeless(answer.status):
                raise rejection(self.client, answer)
            answer = await self._begin(_uploads(repository), push_scope(repository))
        return None if answer.status == 201 else Upload(self.client, repository, answer)

    async def copy(
        self,
        blob: Descriptor,
        source: RegistryClient,
        source_repository: str,
        repository: str,
        upload: Upload | None = None,
        *,
        sent: Sent = lambda size_bytes: None,
    ) -> None:
        """Copy a blob from where it lies, in an upload that was begun or in one of its own.

        It is hashed on its way; a cut on either side is resumed where it was. `sent` is told
        after each chunk how many bytes have arrived.
        """
        for beginning in range(_BEGINNINGS):
            if upload is None:
                answer = await self._begin(_uploads(repository), push_scope(repository))
                upload = Upload(self.client, repository, answer)
            try:
                await self._pour(blob, source, source_repository, upload, sent)
                return await self._finish(repository, blob, upload)
            except UploadLost:
                if beginning + 1 == _BEGINNINGS:
                    raise
                upload = None
            except BaseException:
                await upload.cancel()
                raise
        return None

    async def has_blob(self, repository: str, digest: Digest) -> bool:
        """Say whether the blob is there already."""
        try:
            await self.client.check_blob(repository, digest)
        except NotFound:
            return False
        return True

    async def _begin(self, path: str, scope: str) -> Answer:
        self.writes += 1
        answer = await self.client.send("POST", path, scope, NO_HEADERS, b"")
        if answer.status not in (201, 202):
            raise rejection(self.client, answer)
        return answer

    async def _pour(
        self, blob: Descriptor, source: RegistryClient, place: str, upload: Upload, sent: Sent
    ) -> None:
        """Read the blob into the upload, and where that is cut off the rest of it."""

        async def take(piece: bytes) -> bool:
            before = upload.sent
            await upload.write(piece)
            if upload.sent != before:
                sent(upload.sent)
            return True

        size = _ANY_SIZE if blob.size_bytes is None else blob.size_bytes
        digest = Digest(blob.digest or "")
        intake, stuck = Intake(digest, take, size), 0
        while True:
            before = intake.received
            try:
                return await source.pour(place, digest, intake)
            except (Unreachable, BodyInvalid):
                stuck = 0 if intake.received > before else stuck + 1
                if intake.received == size:
                    return intake.verify(f"{digest} of {place}")
                if stuck > source.retries:
                    raise
                await source.pause(stuck + 1)

    async def _finish(self, repository: str, blob: Descriptor, upload: Upload) -> None:
        """Have the blob kept; where no answer comes, whether it is there decides."""
        digest = Digest(blob.digest or "")
        self.writes += 1
        try:
            await upload.finish(digest)
        except (Unreachable, BodyInvalid) as error:
            if not await self._is_there(repository, digest):
                raise UploadLost(str(error)) from None

    async def _is_there(self, repository: str, digest: Digest) -> bool:
        try:
            return await self.has_blob(repository, digest)
        except RegistryError:
            return False


def _is_hopeless(status: int) -> bool:
    """Say whether after such an answer to a mount an upload would fail too."""
    return status == 429 or (status >= 500 and status != 501)


def _uploads(repository: str) -> str:
    """Return the path where uploads begin; the repository's name is checked."""
    return path_of(repository, "blobs", "uploads") + "/"
