from __future__ import annotations

import io
import os
import random
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import Unreachable
from mfl_lint.core.layer import LayerSummary, MemberKind
from mfl_lint.registry.layers import LayerLimits, read_layer
from tests.programs import (
    HARD,
    TAR,
    elf,
    exe,
    file,
    folder,
    hard,
    link,
    packed,
    summary,
    tar,
)

DIGEST = Digest("sha256:" + "0" * 64)
MEBIBYTE = 1024 * 1024
FILES = (
    folder("usr/bin/"),
    exe("./usr/bin/app", elf("arm", flags=HARD, arch=10, padding=70_000)),
    exe("/usr/bin/run.sh", b"#!/bin/sh -e\n"),
    file("usr/share/words", b"word\n" * 2000),
    link("bin", "usr/bin"),
    hard("usr/bin/other", "./usr/bin/app"),
    file("usr/lib/.wh.old"),
    file("var/cache/.wh..wh..opq"),
    file(".wh.top"),
    file("usr/.wh..wh.plnk"),
)


class Stream:
    """A stream of generated pieces that counts what was taken of it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.taken = 0
        self._pieces = pieces

    def read(self, size: int, /) -> bytes:
        piece = next(self._pieces, b"")
        self.taken += len(piece)
        return piece


def read(data: bytes, limits: LayerLimits | None = None, media_type: str = TAR) -> LayerSummary:
    return read_layer(io.BytesIO(data), media_type, DIGEST, limits or LayerLimits())


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_a_layer_tells_its_paths_links_whiteouts_and_programs(packing: str, format: int) -> None:  # noqa: A002
    raw = tar(*FILES, format=format)
    data = packed(raw, packing)
    found = read(data)
    kinds = {member.path: member.kind.value for member in found.members}
    assert {
        "usr/bin": "directory",
        "usr/bin/app": "file",
        "usr/bin/run.sh": "file",
        "usr/share/words": "file",
        "bin": "link",
        "usr/bin/other": "hardlink",
    } == kinds
    assert sorted(kinds) == [member.path for member in found.members]
    assert (("top", "usr/lib/old"), ("var/cache",)) == (found.whiteouts, found.opaque)
    assert ("", True, len(data), len(raw)) == (
        found.problem,
        found.complete,
        found.read_bytes,
        found.size_bytes,
    )
    app, script, other = (found.member(f"usr/bin/{name}") for name in ("app", "run.sh", "other"))
    assert app is not None
    assert app.executable is not None
    assert ("arm", "hard", 7) == (
        app.executable.machine,
        app.executable.float_abi,
        app.executable.arm_level,
    )
    assert script is not None
    assert ("/bin/sh -e", True) == (script.shebang, script.is_executable)
    assert other is not None
    assert "usr/bin/app" == other.target


def test_a_summary_is_the_same_after_it_was_stored() -> None:
    found = read(tar(*FILES))
    stored = msgspec.msgpack.encode(found)
    assert found == msgspec.msgpack.decode(stored, type=LayerSummary)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_several_members_or_frames_are_one_layer(packing: str) -> None:
    raw = tar(*FILES)
    parts = [raw[at : at + 3000] for at in range(0, len(raw), 3000)]
    found = read(b"".join(packed(part, packing) for part in parts))
    assert read(raw).members == found.members
    assert "" == found.problem


def test_a_skippable_frame_before_and_after_zstd_is_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"1234"
    found = read(skipped + packed(tar(*FILES), "zstd") + skipped)
    assert read(tar(*FILES)).members == found.members
    assert "" == found.problem


def test_the_packing_is_told_by_the_bytes_and_not_by_the_media_type() -> None:
    found = read(packed(tar(*FILES), "zstd"), media_type=f"{TAR}+gzip")
    assert "" == found.problem


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_whole(format: int) -> None:  # noqa: A002
    name, target = "deep/" * 60 + "app", "/" + "far/" * 60 + "app"
    found = read(tar(exe(name, elf()), link("l", target), format=format))
    assert {"l": target, name: ""} == {one.path: one.target for one in found.members}


def test_names_that_are_no_utf_8_are_kept_as_text() -> None:
    raw = tar(exe("aXb", elf())).replace(b"aXb", b"a\xffb", 1)
    header = bytearray(raw[:512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    found = read(bytes(header) + raw[512:])
    assert ["a\\xffb"] == [one.path for one in found.members]
    assert msgspec.msgpack.encode(found)


def test_a_name_that_leads_out_of_the_root_stays_inside() -> None:
    found = read(tar(exe("../../etc/app", elf()), file("..", b""), file("a/../b", b"")))
    assert ["b", "etc/app"] == [one.path for one in found.members]


def test_the_last_of_equal_paths_counts() -> None:
    found = read(tar(exe("app", elf("amd64")), link("app", "other")))
    assert [MemberKind.LINK] == [one.kind for one in found.members]


def test_a_sparse_program_is_read_where_its_data_begins_at_once() -> None:
    data = elf("s390x")
    info = tarfile.TarInfo("app")
    info.size = 512
    info.mode = 0o755
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "app",
        "GNU.sparse.realsize": "1000000",
    }
    stored = b"1\n0\n%d\n" % len(data)
    body = stored.ljust(512, b"\0") + data
    info.size = len(body)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(body))
        archive.addfile(tarfile.TarInfo("next"))
    found = read(buffer.getvalue())
    app = found.member("app")
    assert app is not None
    assert app.executable is not None
    assert ("s390x", "") == (app.executable.machine, found.problem)
    assert found.member("next") is not None


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_a_layer_cut_at_any_byte_says_so_and_keeps_what_came(packing: str) -> None:
    whole = packed(tar(exe("first", elf()), exe("second", elf("arm64", padding=2000))), packing)
    plain_ends = {1024, 4096}
    step = 1 if packing != "plain" else 61
    for length in range(1, len(whole), step):
        found = read(whole[:length])
        ended = packing == "plain" and (length in plain_ends or length > 1024 + 3072)
        assert ended or found.problem, length
        assert {one.path for one in found.members} <= {"first", "second"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it is no tar archive: empty file"),
        (b"not a tar" * 100, "a header is damaged: invalid header"),
        (b"BZh9" + b"x" * 100, "it is packed with bzip2, which no standard allows"),
        (b"\xfd7zXZ\0" + b"x" * 100, "it is packed with xz, which no standard allows"),
        (b"\x1f\x8b" + b"x" * 100, "its gzip is damaged: Error -3 while decompressing"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "its zstd is damaged: "),
        (tar(exe("a", elf()))[:1024] + b"x" * 512, "a header is damaged: invalid header"),
    ],
)
def test_what_is_no_layer_has_a_problem(data: bytes, expected: str) -> None:
    assert read(data).problem.startswith(expected)


def test_layers_of_other_kinds_are_not_read() -> None:
    for media_type in (f"{TAR}+gzip+encrypted", "application/vnd.in-toto+json", "a\ud800\n"):
        found = read(tar(*FILES), media_type=media_type)
        assert (0, ()) == (found.read_bytes, found.members)
        assert found.problem.endswith("is no layer that is read")


def bomb(size: int) -> Iterator[bytes]:
    """Yield a gzip file that unpacks to a file of `size` zero bytes."""
    packer = zlib.compressobj(9, wbits=31)
    info = tarfile.TarInfo("bomb")
    info.size = size
    yield packer.compress(info.tobuf())
    zeros = bytes(MEBIBYTE)
    for _ in range(size // MEBIBYTE):
        if piece := packer.compress(zeros):
            yield piece
    yield packer.flush()


def test_a_bomb_stops_at_the_bound_and_takes_little_memory(count: Callable[[int], int]) -> None:
    size = count(1024) * MEBIBYTE
    limit = size // 2
    stream = Stream(bomb(size))
    tracemalloc.start()
    try:
        found = read_layer(stream, TAR, DIGEST, LayerLimits(unpacked_bytes=limit))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"bomb of {size} bytes: {found.size_bytes} unpacked, {stream.taken} read, peak {peak}")
    assert f"it unpacks to more than {limit} bytes: not read further" == found.problem
    assert limit < found.size_bytes <= limit + 256 * 1024
    assert peak < 8 * MEBIBYTE


def test_zeros_behind_the_end_of_the_archive_are_bounded_too() -> None:
    data = packed(tar(exe("app", elf())) + bytes(8 * MEBIBYTE), "zstd")
    found = read(data, LayerLimits(unpacked_bytes=MEBIBYTE))
    assert found.problem.startswith("it unpacks to more than")


def test_it_ends_in_time() -> None:
    ticks = iter(range(1000))
    limits = LayerLimits(deadline=10, clock=lambda: float(next(ticks)))
    found = read_layer(Stream(bomb(1024 * MEBIBYTE)), TAR, DIGEST, limits)
    assert "it took longer than it may: not read further" == found.problem


def header(kind: bytes, size: int, name: str = "x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def pax(text: bytes, kind: bytes = b"x") -> bytes:
    return header(kind, len(text)) + text + bytes(-len(text) % 512)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K", b"X"])
def test_a_header_of_gigabytes_is_not_read(kind: bytes) -> None:
    stream = Stream(iter([header(kind, 8 * 1024 * MEBIBYTE)] + [bytes(MEBIBYTE)] * 100))
    found = read_layer(stream, TAR, DIGEST, LayerLimits())
    assert f"a header has more than {MEBIBYTE} bytes" == found.problem
    assert stream.taken < 3 * MEBIBYTE


def test_a_sparse_map_without_end_is_not_read() -> None:
    endless = pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n") + header(b"0", MEBIBYTE * 64)
    numbers = b"99999999\n" + b"1\n" * (4 * MEBIBYTE)
    found = read(endless + numbers)
    assert f"a header has more than {MEBIBYTE} bytes" == found.problem


def test_headers_on_headers_are_damage() -> None:
    found = read(pax(b"6 a=b\n") * 900 + header(b"0", 0))
    assert found.problem


@pytest.mark.parametrize(
    "text",
    [
        b"9" * 500_000,
        b"20 size=-1000000000\n",
        b"30 size=99999999999999999999\n",
        b"12 size=nan\n",
        b"0 size=1\n",
        b"15 path=\xff\xfe\xff\n",
        b"20 GNU.sparse.map=a\n",
        b"22 GNU.sparse.map=1,2\n" + b"23 GNU.sparse.size=9999\n",
    ],
)
def test_hostile_extended_headers_end_at_once(text: bytes) -> None:
    found = read(pax(text) + header(b"0", 10) + bytes(512) + tar(exe("last", elf())))
    assert found.size_bytes < MEBIBYTE * 2
    assert found.problem or found.members


def test_global_headers_do_not_gather() -> None:
    many = b"".join(pax(b"%d k%04d=b\n" % (10, number), b"g") for number in range(30))
    # Each is followed by a file: headers on headers would be another fault.
    pieces = [many[at : at + 1024] + header(b"0", 0, "f") for at in range(0, len(many), 1024)]
    assert "it has too many global headers" == read(b"".join(pieces)).problem


def test_more_headers_than_may_be_are_not_read() -> None:
    found = read(tar(*(file(f"f{n}") for n in range(20))), LayerLimits(headers=10))
    assert "it has more than 10 files: not read further" == found.problem


def test_beyond_the_bound_of_members_plain_files_go_first() -> None:
    plain = [file(f"lib/{n:03}") for n in range(50)]
    found = summary(*plain, exe("z/app", elf()), link("z/l", "app"), limits=LayerLimits(members=20))
    assert ["z/app", "z/l"] == [one.path for one in found.members]
    assert (False, "") == (found.complete, found.problem)


def test_programs_are_bounded_too() -> None:
    many = [exe(f"bin/{n:03}", elf()) for n in range(50)]
    found = summary(*many, limits=LayerLimits(members=20))
    assert (20, False) == (len(found.members), found.complete)
    marks = [file(f"d/.wh.{n:03}") for n in range(50)]
    found = summary(*marks, limits=LayerLimits(members=20))
    assert (20, False) == (len(found.whiteouts), found.complete)


def test_what_is_watched_is_kept_with_what_is_above_it() -> None:
    plain = [file(f"lib/{n:03}") for n in range(50)]
    files = (*plain, folder("etc"), file("etc/x"), file("etc/y"), file("etc/.wh.z"))
    limits = LayerLimits(members=10)
    found = summary(*files, limits=limits, watched=["etc/x", "etc/z", "lib/001"])
    assert ["etc", "etc/x", "lib/001"] == [one.path for one in found.members]
    assert ("etc/z",) == found.whiteouts
    told = [found.tells_of(path) for path in ("etc", "etc/x", "etc/z", "etc/y", "opt")]
    assert [True, True, True, False, False] == told


def test_a_mark_that_hides_a_watched_path_is_kept_however_full_it_is() -> None:
    many = [exe(f"lib/{at:03}", elf()) for at in range(50)]
    marks = [file(".wh..wh..opq"), file("etc/.wh..wh..opq"), file(".wh.usr")]
    limits = LayerLimits(members=10)
    found = summary(*many, *marks, limits=limits, watched=("etc/app", "usr/bin/app"))
    assert (("usr",), ("", "etc")) == (found.whiteouts, found.opaque)
    assert found.hides("anything")


class Broken:
    """A stream that fails as a connection does."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        piece = self._data.read(size)
        if not piece:
            raise Unreachable("the connection was lost")
        return piece


def test_what_the_stream_raises_is_not_taken_for_damage() -> None:
    data = packed(tar(*FILES), "gzip")
    with pytest.raises(Unreachable, match="the connection was lost"):
        read_layer(Broken(data[: len(data) // 2]), TAR, DIGEST, LayerLimits())


WHOLE = tar(*FILES, format=tarfile.PAX_FORMAT)[:20_000]


@given(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=600))
def test_any_damage_ends_in_a_summary(at: int, damage: bytes) -> None:
    found = read(WHOLE[:at] + damage + WHOLE[at + len(damage) :])
    assert len(found.members) <= len(FILES) + 2


def test_damaged_packings_end_in_a_summary(count: Callable[[int], int], seed: int) -> None:
    chance = random.Random(seed)
    wholes = [packed(tar(*FILES), packing) for packing in ("gzip", "zstd")]
    limits = LayerLimits(unpacked_bytes=16 * MEBIBYTE)
    problems = 0
    for _ in range(count(2000)):
        whole = bytearray(chance.choice(wholes))
        for _ in range(chance.randint(1, 4)):
            whole[chance.randrange(len(whole))] = chance.randrange(256)
        problems += bool(read(bytes(whole), limits).problem)
    assert problems


def test_nothing_is_written_to_disk(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    read(tar(*FILES))
    assert [] == os.listdir()


def test_a_digest_is_the_callers_word() -> None:
    raw = tar(*FILES)
    assert digest_of(raw) == read_layer(io.BytesIO(raw), TAR, digest_of(raw), LayerLimits()).digest
