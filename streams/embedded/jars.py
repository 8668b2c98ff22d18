"""Fetching Kafka's jars once."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from streams.embedded import places

MIN_JAVA = 17
_TIMEOUT_S = 600
_COMPLETE = ".complete"


class ToolMissing(Exception):
    """Java or Maven is missing, or did not work; the message is one line saying what to install."""


def java() -> str:
    """The path of a Java new enough for Kafka 4. Raises `ToolMissing`."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=f"{home}/bin") if home else None
    path = path or shutil.which("java")
    if path is None:
        raise ToolMissing("Java is missing: apt-get install openjdk-17-jre-headless")
    run = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', run.stderr)
    if version is None or int(version[1]) < MIN_JAVA:
        raise ToolMissing(
            f"Java {version[1] if version else '(unknown)'} is too old for Kafka 4, which needs"
            f" {MIN_JAVA}: apt-get install openjdk-17-jre-headless"
        )
    return path


def ensure() -> Path:
    """The directory with all jars, fetched with Maven where they aren't there yet.

    May be called by several processes at once. Raises `ToolMissing`.
    """
    libs, pom = places.jars_dir(), places.pom()
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    complete = libs / _COMPLETE
    if _is(complete, wanted):
        return libs
    libs.parent.mkdir(parents=True, exist_ok=True)
    with (libs.parent / ".jars.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is(complete, wanted):
            _fetch(pom, libs)
            complete.write_text(wanted)
    return libs


def _is(stamp: Path, wanted: str) -> bool:
    try:
        return stamp.read_text() == wanted
    except FileNotFoundError:
        return False


def _fetch(pom: Path, libs: Path) -> None:
    java()
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissing("Maven is missing: apt-get install maven")
    sys.stderr.write("Fetching Kafka's jars with Maven …\n")
    # Into a fresh directory, so that the jars of an older version don't stay on the class path.
    fresh = Path(tempfile.mkdtemp(prefix="libs-", dir=libs.parent))
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if run.returncode != 0 or not any(fresh.glob("kafka_*.jar")):
        shutil.rmtree(fresh, ignore_errors=True)
        errors = [line for line in run.stdout.splitlines() if line.startswith("[ERROR]")]
        raise ToolMissing(
            f"Maven could not fetch Kafka's jars; check its network or mirror settings: "
            f"{' '.join(errors[:1])[:300]}"
        )
    shutil.rmtree(libs, ignore_errors=True)
    fresh.chmod(0o755)
    fresh.rename(libs)
