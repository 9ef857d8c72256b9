"""Every error that the project raises on purpose.

    MflLintError
    ├── ReferenceInvalid      a reference, digest or target that does not parse
    │   ├── PlatformInvalid   a platform specifier that does not parse
    │   └── InputInvalid      a file of references that cannot be read; names file and line
    ├── ManifestInvalid       a document that cannot be read at all
    ├── ConfigInvalid         settings are wrong; names their keys; `mistakes`
    ├── NotObserved           a rule asked for evidence that nobody saw
    ├── Refused               what somebody asked for cannot be done; says why
    ├── Unready               a platform cannot be pulled, or nobody can tell; `answer`
    ├── NotDelivered          a channel did not take a message; `again`, `after_s`
    ├── StoreError            the database cannot be used as it is
    │   ├── LeaseLost         another worker holds the repository; the write was refused
    │   ├── LeadershipLost    another service leads; the write was refused
    │   └── CursorInvalid     a page's cursor that this list did not give out
    └── RegistryError         one failure to look
        ├── Unreachable       no answer, or no registry's answer
        │   └── Unanswered    what was sent may have been carried out, and may be later
        ├── Denied            401 or 403
        ├── NotFound          404 with the registry's own error document
        ├── RateLimited       429, or the host is deferred; `retry_after_s`
        ├── DigestMismatch    the bytes do not hash to what was asked for
        ├── BodyInvalid       an answer that is cut, too large or not decodable
        └── Rejected          what was sent was not taken, and nothing has changed
            └── Overtaken     412: what was to be replaced is something else by now

Callers catch types, never text. Messages hold no credentials and no unbounded bodies.
"""

from __future__ import annotations


class MflLintError(Exception):
    """The root of the tree; its text is one line that a user can act on."""


class ReferenceInvalid(MflLintError):
    """A reference, digest or target that does not parse."""


class PlatformInvalid(ReferenceInvalid):
    """A platform specifier that does not parse."""


class InputInvalid(ReferenceInvalid):
    """A file of references that cannot be read; the text names file and line."""


class ManifestInvalid(MflLintError):
    """A document that cannot be read at all."""


class ConfigInvalid(MflLintError):
    """Settings are wrong. Each of `mistakes` is one line that names its key; the text is the first.

    There is always at least one.
    """

    def __init__(self, first: str, *others: str) -> None:
        super().__init__(f"{first} (and {len(others)} more)" if others else first)
        self.mistakes = (first, *others)


class NotObserved(MflLintError):
    """A rule asked for evidence that nobody saw: the verdict is unknown."""


class Refused(MflLintError):
    """What somebody asked for cannot be done: the text says why, and never holds a secret."""


class NotDelivered(MflLintError):
    """A channel did not take a message. `again`: it may take it later, in `after_s` if it said so.

    The text is one line without secrets.
    """

    def __init__(self, problem: str, *, again: bool, after_s: float | None = None) -> None:
        super().__init__(problem)
        self.again = again
        self.after_s = after_s


class StoreError(MflLintError):
    """The database cannot be used as it is."""


class LeaseLost(StoreError):
    """Another worker holds the repository now; the write was refused."""


class LeadershipLost(StoreError):
    """Another service leads now; the write was refused."""


class CursorInvalid(StoreError):
    """A page's cursor that this list did not give out."""


class RegistryError(MflLintError):
    """One failure to look at a registry."""


class Unreachable(RegistryError):
    """No answer, or an answer that is not a registry's."""


class Unanswered(Unreachable):
    """No answer, or a gateway's, to what was to change something: it may be done, now or later."""


class Denied(RegistryError):
    """401 or 403. Never read as deleted: some registries hide what does not exist."""


class NotFound(RegistryError):
    """404 with the registry's own error document."""


class RateLimited(RegistryError):
    """429, or the host is deferred. `retry_after_s`: seconds, None if the host said nothing."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DigestMismatch(RegistryError):
    """The bytes, complete, do not hash to the digest that they were asked for by.

    `actual` is the digest they do hash to, `claimed` the one that was asked for; None where
    nobody says.
    """

    def __init__(self, message: str, actual: str | None = None, claimed: str | None = None) -> None:
        super().__init__(message)
        self.actual = actual
        self.claimed = claimed


class BodyInvalid(RegistryError):
    """An answer that cannot be used: cut, too large, or not decodable."""


class Rejected(RegistryError):
    """What was sent to a registry was not taken; nothing has changed there."""


class Overtaken(Rejected):
    """412: what was to be replaced is something else by now."""
