"""Where the embedded Kafka's jars and data live."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def in_checkout() -> bool:
    """Whether Vigil runs from a source tree, as opposed to an installed distribution."""
    return (_CHECKOUT / "deploy" / "kafka" / "pom.xml").is_file()


def pom() -> Path:
    """Kafka's Maven coordinates; a distribution carries its own copy."""
    return _CHECKOUT / "deploy" / "kafka" / "pom.xml" if in_checkout() else _PACKAGE / "pom.xml"


def jars_dir() -> Path:
    """Where the jars are copied to."""
    if in_checkout():
        return _CHECKOUT / ".build" / "kafka" / "libs"
    return _base("XDG_CACHE_HOME", ".cache") / "vigil" / "kafka" / "libs"


def data_dir() -> Path:
    """The default directory of `vigil kafka`."""
    if in_checkout():
        return _CHECKOUT / ".build" / "kafka" / "data"
    return _base("XDG_STATE_HOME", ".local/state") / "vigil" / "kafka"


def _base(variable: str, fallback: str) -> Path:
    chosen = os.environ.get(variable, "")
    return Path(chosen) if chosen.startswith("/") else Path.home() / fallback
