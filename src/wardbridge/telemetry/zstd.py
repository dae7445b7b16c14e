"""zstd with contexts that are kept: making one costs more than compressing a small block."""

from __future__ import annotations

import threading

import zstandard

from wardbridge.core.errors import Invalid

_LIMIT = 1 << 28


class _Contexts(threading.local):
    """A context must not be shared between threads."""

    def __init__(self) -> None:
        self.quick = zstandard.ZstdCompressor(level=1, write_checksum=False)
        self.dense = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self.back = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def squeeze(data: bytes | memoryview, *, dense: bool = False) -> bytes:
    """Level 1 for what is soon rewritten, ``dense`` (level 3, with checksum) for what is kept."""
    return (_contexts.dense if dense else _contexts.quick).compress(data)


def expand(data: bytes | memoryview) -> bytes:
    """The inverse of :func:`squeeze`. Raises Invalid for other bytes, or damaged ones."""
    try:
        return _contexts.back.decompress(data, max_output_size=_LIMIT)
    except zstandard.ZstdError as error:
        raise Invalid(f"not a telemetry block: {error}", "telemetry") from error
