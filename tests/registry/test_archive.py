"""OCI layouts in tar files: honest ones, and ones that want to be extracted."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Literal

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import BodyInvalid, DigestMismatch, ManifestInvalid, NotFound
from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES
from mfl_lint.core.observation import Observation
from mfl_lint.registry import archive
from mfl_lint.registry.archive import ArchiveSource
from mfl_lint.registry.layout import LayoutSource
from mfl_lint.registry.observe import observe
from tests.builders import LOOKED_AT, image, index, node, write_layout

LAYOUTS = Path(__file__).parents[1] / "corpus" / "layouts"
ARM64 = image(arch="arm64")
MULTI = index(image(), ARM64)
Change = Callable[[tarfile.TarFile], None]


def pack(folder: Path, file: Path, *, mode: str = "w", prefix: str = "", dirs: bool = True) -> Path:
    """Write a folder as an archive, the members' names behind a prefix."""
    with tarfile.open(file, mode) as tar:  # type: ignore[call-overload]  # literal modes only
        for path in sorted(folder.rglob("*")):
            if dirs or path.is_file():
                tar.add(path, f"{prefix}{path.relative_to(folder)}", recursive=False)
    return file


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(data))


def packed(tmp_path: Path, change: Change = lambda _tar: None, mode: str = "w") -> Path:
    """Write the layout of one index as an archive, with something done to it at its end."""
    file = pack(write_layout(tmp_path / "layout", {"v1": MULTI}), tmp_path / "file.tar", mode=mode)
    if mode == "w":
        with tarfile.open(file, "a") as tar:
            change(tar)
    return file


async def look_at_all(source: LayoutSource | ArchiveSource) -> list[Observation]:
    seen = []
    for reference in source.references():
        one = await observe(source, "oci", reference, now=lambda: LOOKED_AT)
        assert isinstance(one, Observation)
        seen.append(one)
    await source.close()
    return seen


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("layout", sorted(x.name for x in LAYOUTS.iterdir() if x.is_dir()))
async def test_an_archive_is_seen_as_the_folder_that_it_was_made_from(
    tmp_path: Path, layout: str, prefix: str, mode: str
) -> None:
    file = pack(LAYOUTS / layout, tmp_path / "file", mode=mode, prefix=prefix, dirs=bool(prefix))
    in_folder = await look_at_all(LayoutSource(LAYOUTS / layout))
    in_archive = await look_at_all(ArchiveSource(file))
    assert [(x.look.state, x.root) for x in in_folder] == [
        (x.look.state, x.root) for x in in_archive
    ]
    assert [file.name] == os.listdir(tmp_path)


async def test_an_archive_holds_what_was_built(tmp_path: Path) -> None:
    (seen,) = await look_at_all(ArchiveSource(packed(tmp_path)))
    assert node(MULTI) == seen.root


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
async def test_every_style_of_tar_is_read(tmp_path: Path, style: Literal[0, 1, 2]) -> None:
    def extend(tar: tarfile.TarFile) -> None:
        tar.format = style
        add(tar, "very/" * 20 + "long" * 20, b"name")

    (seen,) = await look_at_all(ArchiveSource(packed(tmp_path, extend)))
    assert seen.complete


HOSTILE: dict[str, tuple[str, Change]] = {
    "a symbolic link": ("is a link", lambda t: add(t, "a", type=tarfile.SYMTYPE, linkname="/etc")),
    "a hard link": (
        "is a link",
        lambda t: add(t, "a", type=tarfile.LNKTYPE, linkname="oci-layout"),
    ),
    "a FIFO": ("is a link, a device", lambda t: add(t, "a", type=tarfile.FIFOTYPE)),
    "a character device": ("is a link, a device", lambda t: add(t, "a", type=tarfile.CHRTYPE)),
    "a block device": ("is a link, a device", lambda t: add(t, "a", type=tarfile.BLKTYPE)),
    "a way out": ("path out of", lambda t: add(t, "blobs/../../a")),
    "a folder outside": ("path out of", lambda t: add(t, "../a", type=tarfile.DIRTYPE)),
    "an absolute name": ("path out of", lambda t: add(t, "/etc/passwd")),
    "a name twice": ("in it twice", lambda t: add(t, "index.json", b"{}")),
    "a name twice, spelt otherwise": ("in it twice", lambda t: add(t, ".//index.json", b"{}")),
    "a header of a megabyte": (
        "header of",
        lambda t: add(t, "a", pax_headers={"comment": "x" * (1 << 20)}),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_members_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    reason, change = HOSTILE[name]
    file = packed(tmp_path, change)
    files = (file, squeezed(file))
    before = sorted(tmp_path.rglob("*"))
    for path in files:
        with pytest.raises(ManifestInvalid, match=reason) as caught:
            ArchiveSource(path)
        assert "\n" not in str(caught.value)
        assert 500 > len(str(caught.value))
    assert before == sorted(tmp_path.rglob("*"))


def squeezed(file: Path) -> Path:
    """Return the archive compressed with gzip."""
    out = file.with_name("file.tar.gz")
    out.write_bytes(gzip.compress(file.read_bytes()))
    return out


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """Return a tar header with a size field as given, and the right checksum."""
    block = bytearray(512)
    block[: len(name)] = name.encode()
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


NEGATIVE = b"\xff" * 10 + struct.pack(">h", -1024)
HUGE = b"\x80" + (1 << 60).to_bytes(11, "big")
RAW = {
    "nothing": b"",
    "text": b"not a tar archive " * 100,
    "a negative size": header("a", NEGATIVE) * 3,
    "a negative size of an extended header": header("a", NEGATIVE, b"x") * 3,
    "a negative size of a long name": header("a", NEGATIVE, b"L") * 3,
    "a size beyond the end": header("a", HUGE) * 3,
    "an extended header beyond the end": header("a", HUGE, b"x") * 3,
    "extended headers without end": header("a", b"00000000000\0", b"x") * 5000,
    "slow extended headers": (
        header("a", b"%011o\0" % 4096, b"x") + b"1" * 4096 + header("b", b"00000000000\0")
    ),
    "sparse": header("a", b"00000000000\0", b"S") * 3,
    "a damaged gzip": gzip.compress(header("a", b"00000000000\0") * 9)[:-20],
    "gzip of noise": b"\x1f\x8b\x08" + bytes(range(256)) * 9,
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(600),
}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("squeeze", [False, True])
def test_what_is_no_archive_is_refused_at_once(tmp_path: Path, name: str, squeeze: bool) -> None:
    file = tmp_path / "file"
    file.write_bytes(gzip.compress(RAW[name]) if squeeze else RAW[name])
    began = perf_counter()
    with pytest.raises(ManifestInvalid) as caught:
        ArchiveSource(file)
    assert 5 > perf_counter() - began
    assert "\n" not in str(caught.value)
    assert 500 > len(str(caught.value))


def test_many_large_extended_headers_are_refused(tmp_path: Path) -> None:
    def extend(tar: tarfile.TarFile) -> None:
        for at in range(1000):
            add(tar, str(at), pax_headers={"comment": "x" * 2000})

    with pytest.raises(ManifestInvalid, match="too many large ones"):
        ArchiveSource(packed(tmp_path, extend))


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    raw = packed(tmp_path).read_bytes()
    for cut in range(100, len(raw) - 10240, 999):
        (tmp_path / "cut").write_bytes(raw[:cut])
        with pytest.raises(ManifestInvalid):
            ArchiveSource(tmp_path / "cut")


def test_a_fifo_blocks_nobody_and_a_folder_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", ".", "missing"):
        with pytest.raises(ManifestInvalid):
            ArchiveSource(tmp_path / name)


def test_a_bomb_is_not_inflated_to_its_end(tmp_path: Path) -> None:
    size = 2 << 30
    with gzip.open(tmp_path / "bomb", "wb", compresslevel=1) as file:
        file.write(header("layer", b"%011o\0" % size))
        for _ in range(400):
            file.write(bytes(1 << 20))
    with pytest.raises(ManifestInvalid, match="inflates to more than"):
        ArchiveSource(tmp_path / "bomb")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "many"
    members = (header(str(at), b"00000000000\0") for at in range(archive.MAX_MEMBERS + 1))
    file.write_bytes(b"".join(members))
    with pytest.raises(ManifestInvalid, match="more than 20000 members"):
        ArchiveSource(file)


async def test_layers_are_passed_over_and_too_large_files_are_not_read(tmp_path: Path) -> None:
    large = os.urandom(MAX_DOCUMENT_BYTES + 1)
    layer = gzip.compress(b"layer")

    def extend(tar: tarfile.TarFile) -> None:
        for raw in (large, layer):
            add(tar, f"blobs/sha256/{digest_of(raw)[7:]}", raw)

    file = packed(tmp_path, extend)
    plain, small = ArchiveSource(file), ArchiveSource(squeezed(file))
    for source in (plain, small):
        with pytest.raises(BodyInvalid):
            await source.blob("", digest_of(large), MAX_DOCUMENT_BYTES)
        with pytest.raises(NotFound):
            await source.blob("", digest_of(b"nothing"), MAX_DOCUMENT_BYTES)
    assert layer == await plain.blob("", digest_of(layer), 1000)
    with pytest.raises(BodyInvalid, match="not kept"):
        await small.blob("", digest_of(layer), 1000)
    for source in (plain, small):
        (seen,) = await look_at_all(source)
        assert seen.complete


async def test_wrong_bytes_are_a_mismatch(tmp_path: Path) -> None:
    name = "0" * 64
    source = ArchiveSource(packed(tmp_path, lambda t: add(t, f"blobs/sha256/{name}", b"{}")))
    with pytest.raises(DigestMismatch) as caught:
        await source.document("", Digest(f"sha256:{name}"))
    assert digest_of(b"{}") == caught.value.actual
    await source.close()


async def test_an_archive_that_shrinks_while_it_is_open_is_invalid(tmp_path: Path) -> None:
    file = packed(tmp_path)
    source = ArchiveSource(file)
    os.truncate(file, 0)
    with pytest.raises(BodyInvalid, match="is cut"):
        await source.document("", "v1")
    await source.close()
