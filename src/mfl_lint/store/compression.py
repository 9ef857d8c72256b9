"""Documents as few bytes, as the database keeps them.

Zstandard, because one compressor serves many small documents: making zlib's anew for each costs
more than all else that is done to store it. Documents that 0.1.0 wrote are zlib's.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 1
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


def compressor() -> Callable[[bytes], bytes]:
    """Return what compresses one document after the other; of one thread."""
    made = zstd.ZstdCompressor(level=_LEVEL)
    return lambda raw: made.compress(raw, mode=made.FLUSH_FRAME)


def decompressed(kept: bytes) -> bytes:
    """Return the document; ValueError where its bytes were damaged."""
    try:
        return zstd.decompress(kept) if kept.startswith(_ZSTD) else zlib.decompress(kept)
    except (zlib.error, zstd.ZstdError) as error:
        raise ValueError(str(error)) from error
