import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mfl_lint.cli.output import OutputFailed, check_output, is_unicode, write_report
from tests.builders import image, index


def _alone(folder: Path) -> Path:
    (folder / "alone").mkdir()
    return folder / "alone"


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = _alone(tmp_path) / "report.json"
    write_report("ü\n", path)
    assert "ü\n" == path.read_text()
    assert [path] == list(path.parent.iterdir())


def test_lone_surrogates_do_no_harm(tmp_path: Path) -> None:
    write_report("\ud800", tmp_path / "r")
    assert "\\ud800" == (tmp_path / "r").read_text()


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o640)
    write_report("new", path)
    assert ("new", 0o640) == (path.read_text(), stat.S_IMODE(path.stat().st_mode))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_report("new", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert "new" == (tmp_path / "real").read_text()


def test_a_full_device_is_one_line() -> None:
    with pytest.raises(OutputFailed, match=r"^-o /dev/full: No space left on device$"):
        write_report("text", Path("/dev/full"))


def test_a_full_disk_leaves_the_old_file_and_no_half_one(tmp_path: Path) -> None:
    path = _alone(tmp_path) / "report"
    path.write_text("old")
    program = (
        "import sys; from pathlib import Path; from mfl_lint.cli.output import write_report\n"
        "write_report('x' * 100_000, Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "OutputFailed" in done.stderr
    assert "old" == path.read_text()
    assert [path] == list(path.parent.iterdir())


def test_places_that_cannot_be_written_are_told_before_the_work(tmp_path: Path) -> None:
    check_output(None)
    alone = _alone(tmp_path)
    check_output(alone / "new")
    assert [] == list(alone.iterdir())
    with pytest.raises(OutputFailed, match="it is a directory"):
        check_output(tmp_path)
    with pytest.raises(OutputFailed, match="does not exist"):
        check_output(tmp_path / "none" / "report")


def test_files_are_always_unicode(tmp_path: Path) -> None:
    assert is_unicode(tmp_path / "x")


@pytest.mark.parametrize(
    "arguments",
    [
        ("rules",),
        ("completion", "bash"),
        ("inspect", "--raw", "file:index.json"),
        ("--help",),
        ("users", "add", "ann", "--no-password"),
    ],
)
def test_a_full_standard_output_is_one_line_and_2(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "index.json").write_bytes(index(image("linux", "amd64")).raw)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mfl_lint", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    said = "mfl-lint: error: the standard output: No space left on device\n"
    assert (2, said) == (done.returncode, done.stderr)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("call", "code"), [("rules", 0), ("scan", 2)])
def test_a_closed_stream_leads_nowhere(closed: str, call: str, code: int) -> None:
    shell = f'"$0" -m mfl_lint {call} {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, sys.executable], capture_output=True, timeout=60, check=False
    )
    assert code == done.returncode
    assert b"Traceback" not in done.stderr


def test_a_mistake_is_2_where_nobody_can_be_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mfl_lint", "scan"], stderr=full, timeout=60, check=False
        )
    assert 2 == done.returncode


def test_an_interrupt_while_all_is_loaded_is_130_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "mfl_lint", "rules"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (130, b"", b"") == (done.returncode, done.stdout, done.stderr)
