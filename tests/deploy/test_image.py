"""The image: what it is made of holds all it needs, and nothing of it is root's to run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile

from tests.deploy.files import DEPLOY, ROOT, judged, program

_TEST_THE_SHIPPED_RULES = """
import streams.cli
print(streams.__file__, flush=True)
raise SystemExit(streams.cli.main(["test", "catalogue"]))
"""
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_hadolint_finds_nothing():
    judged(program("hadolint", "hadolint"), DEPLOY / "Dockerfile")


def test_the_base_is_named_exactly_and_what_runs_is_a_number_that_is_not_root():
    (base,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", base)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON}"}
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)$", last, re.MULTILINE) == ["10001:10001"]
    assert 'ENTRYPOINT ["vigil"]' in last, "no shell stands between a signal and the worker"
    assert "RUN" not in last


def test_every_package_that_goes_in_is_pinned_by_its_hash():
    for name in re.findall(r"-r (\S+\.txt)", DOCKERFILE):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[\w.-]+==\S+ \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 0
    installs = re.findall(r"\binstall\b[^&]*", DOCKERFILE)
    assert all("--require-hashes" in one or "/wheel/*.whl" in one for one in installs)


def test_the_wheel_made_of_what_the_image_sees_runs_the_shipped_rules(tmp_path):
    source, unpacked = tmp_path / "source", tmp_path / "unpacked"
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            there, here = ROOT / line[1:], source / line[1:]
            here.parent.mkdir(parents=True, exist_ok=True)
            if there.is_dir():
                shutil.copytree(there, here, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(there, here)
    judged(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=source)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(unpacked)
    run = subprocess.run(
        [sys.executable, "-c", _TEST_THE_SHIPPED_RULES],
        cwd=tmp_path, env={"PYTHONPATH": str(unpacked)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(unpacked)), "it is the wheel's code that ran"
