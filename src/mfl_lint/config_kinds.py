"""What settings are made of.

A field that ends in `_s` is in seconds here and a duration ("90s", "24h") in the file, under
its name without `_s`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
RoleName = Literal["viewer", "editor", "admin"]
SomeSeconds = Annotated[float, msgspec.Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The root of what a settings file may hold: unknown keys are mistakes."""
