import json
import logging
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from mfl_lint.cli.log import Json


def test_a_record_is_one_line_of_json_without_credentials() -> None:
    try:
        raise ValueError("at https://me:hunter2@registry.example")
    except ValueError:
        broken = sys.exc_info()
    record = logging.LogRecord(
        "mfl_lint.web", logging.ERROR, "x.py", 1, "failed\n%s", ("Bearer abc",), broken
    )
    line = Json().format(record)
    said = json.loads(line)
    assert 1 == len(line.splitlines())
    assert ("error", "mfl_lint.web", "failed\nBearer …") == (
        said["level"],
        said["logger"],
        said["message"],
    )
    assert "ValueError: at https://…@registry.example" in said["traceback"]
    assert "hunter2" not in line


def test_a_service_writes_what_it_does_and_who_asked_as_json() -> None:
    Path("mfl-lint.toml").write_text('[serve]\nport = 0\nlog = "json"\naccess_log = "json"\n')
    running = subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    address = running.stdout.readline().split()[2]
    with urllib.request.urlopen(f"{address}findings?limit=5", timeout=10) as answer:
        assert 200 == answer.status
    lines = map(json.loads, running.stderr)
    first = next(line for line in lines if "path" in line)
    running.send_signal(signal.SIGHUP)
    second = next(line for line in lines if "reloaded" in line["message"])
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert ("/findings", 200) == (first["path"], first["status"])
    assert "the configuration was reloaded: 0 registries" == second["message"]
