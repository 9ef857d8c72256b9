"""A layer's summary as few bytes, to be kept."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from mfl_lint.core.errors import ManifestInvalid
from mfl_lint.core.layer import LayerSummary

_DECODER: Final = msgspec.msgpack.Decoder(LayerSummary)


def packed(layer: LayerSummary) -> bytes:
    """Return a layer as msgpack, compressed."""
    return zlib.compress(msgspec.msgpack.encode(layer), 1)


def unpacked(data: bytes) -> LayerSummary:
    """Return the layer that `packed` took; ManifestInvalid for what it did not make."""
    try:
        return _DECODER.decode(zlib.decompress(data))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ManifestInvalid(f"a kept layer cannot be read: {error}") from error
