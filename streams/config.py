"""Settings: a flag beats the environment (`VIGIL_…`), which beats `vigil.toml`, which beats defaults.

`SETTINGS` is the one table. On the command line a setting is the option of the same name wherever
a command has one; the connection's secrets are settings without an option, so that they don't end
up in a process list.
"""

from __future__ import annotations

import difflib
import os
import re
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from streams.logs import FORMATS, LEVELS

DEFAULT_FILE = Path("vigil.toml")
MASK = "••••••"
_TRUTHS = {True: True, False: False, "true": True, "false": False}

_ADDRESS = re.compile(r"[^\s:/]+:\d{1,5}\Z|\[[0-9a-fA-F:]+\]:\d{1,5}\Z")


class ConfigError(Exception):
    """A setting that can't be used: says where it stands and what it must be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `type` is what its value is turned into; a list is of strings.

    In the environment a list is separated by the operating system's path separator (``:``).
    """

    name: str
    about: str
    type: type = str
    default: Any = None
    secret: bool = False
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"VIGIL_{self.name.upper()}"

    def parse(self, value: object) -> Any:
        """The value as its type. Raises `ValueError` saying what it must be."""
        if self.type is list:
            items = value.split(os.pathsep) if isinstance(value, str) else value
            if isinstance(items, list | tuple) and all(isinstance(item, str) for item in items):
                return tuple(items)
            raise ValueError("must be a list of strings")
        if self.type is bool:
            found = _TRUTHS.get(value) if isinstance(value, str | bool) else None
            if found is None:
                raise ValueError("must be true or false")
            return found
        if isinstance(value, str) and self.type is not str:
            try:
                return self.type(value)
            except ValueError:
                raise ValueError(f"must be a number ({self.type.__name__})") from None
        if self.type is float and type(value) is int:
            return float(value)
        if type(value) is not self.type:
            raise ValueError(f"must be a {'string' if self.type is str else 'number'}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        return value


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        setting.name: setting
        for setting in (
            Setting("brokers", "Kafka's bootstrap servers, host:port[,host:port]"),
            Setting("prefix", "put before the name of every topic and group", default=""),
            Setting("partitions", "partitions of every topic when created", int, 12),
            Setting("replication", "replicas of every topic when created; -1: the cluster's"
                    " default", int, -1),
            Setting("rules", "rule directories; the word catalogue is the shipped one", list,
                    ("catalogue",)),
            Setting("schema", "schema file that adds kinds, attributes, …"),
            Setting("worker_id", "this worker's stable name in the group"),
            Setting("web", "where /livez, /readyz and /metrics listen", default="127.0.0.1:8321"),
            Setting("session_timeout_s", "how long the group waits for a dead worker", float, 10.0),
            Setting("log_level", "what is logged to stderr", default="info",
                    choices=LEVELS),
            Setting("log_format", "key=value lines, or JSON for machines", default="logfmt",
                    choices=FORMATS),
            Setting("log_ids", "whether lines name the account or entity they are about", bool,
                    default=False),
            Setting("security_protocol", "how to talk to the brokers", default="PLAINTEXT",
                    choices=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
            Setting("sasl_mechanism", "how to log in with SASL", default="SCRAM-SHA-512",
                    choices=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
            Setting("sasl_username", "the principal"),
            Setting("sasl_password", "its password", secret=True),
            Setting("ssl_cafile", "PEM file of the authorities that sign the brokers"),
            Setting("ssl_certfile", "PEM file of this client's certificate"),
            Setting("ssl_keyfile", "PEM file of its key"),
            Setting("ssl_password", "the key's password", secret=True),
        )
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting's value and where it comes from: `--flag`, `VIGIL_…`, the file, or `default`."""

    setting: Setting
    value: Any
    origin: str

    @property
    def shown(self) -> Any:
        """The value for people's eyes: a secret is masked, also its length."""
        return MASK if self.setting.secret and self.value is not None else self.value


class Settings:
    """The effective settings: ``settings["brokers"]``, ``settings.effective("brokers").origin``."""

    def __init__(self, effective: Mapping[str, Effective]) -> None:
        self._effective = dict(effective)

    @classmethod
    def load(
        cls,
        *,
        flags: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> Settings:
        """Put the settings together; None in `flags` means: not given.

        `file` must exist when named; without one `vigil.toml` of the working directory counts, if
        it is there. Raises `ConfigError`.
        """
        environment = os.environ if environment is None else environment
        in_file = read_file(file)
        where_file = str(file or DEFAULT_FILE)
        effective = {}
        for name, setting in SETTINGS.items():
            flag = (flags or {}).get(name)
            if flag is not None:
                value, origin = flag, f"--{name.replace('_', '-')}"
            elif environment.get(setting.variable):
                value, origin = environment[setting.variable], setting.variable
            elif name in in_file:
                value, origin = in_file[name], where_file
            else:
                effective[name] = Effective(setting, setting.default, "default")
                continue
            try:
                effective[name] = Effective(setting, setting.parse(value), origin)
            except ValueError as error:
                # `from None`: the chained message could quote a secret.
                raise ConfigError(f"{origin}: {name} {error}") from None
        return cls(effective)

    def __getitem__(self, name: str) -> Any:
        return self._effective[name].value

    def effective(self, name: str) -> Effective:
        """Value and origin of one setting."""
        return self._effective[name]

    def all(self) -> tuple[Effective, ...]:
        """Every setting, in the table's order."""
        return tuple(self._effective.values())

    def connection(self, brokers: str | None = None) -> dict[str, Any]:
        """The client settings that aiokafka and kafka-python share, for `brokers` or the setting.

        Raises `ConfigError` if there are no brokers, SASL lacks a name or password or would send
        it in the clear, or a TLS file can't be read.
        """
        servers = brokers or self["brokers"]
        if not servers:
            raise ConfigError(
                "no brokers: give --brokers host:port, set VIGIL_BROKERS, or write"
                ' brokers = "host:port" into vigil.toml'
            )
        for server in servers.split(","):
            if _ADDRESS.match(server) is None:
                raise ConfigError(f"brokers: {server!r} is not host:port")
        protocol = self["security_protocol"]
        client: dict[str, Any] = {
            "bootstrap_servers": servers,
            "security_protocol": protocol,
        }
        if protocol.startswith("SASL"):
            for name in ("sasl_username", "sasl_password"):
                if not self[name]:
                    raise ConfigError(f"{protocol} needs {name}: set VIGIL_{name.upper()}")
            if (protocol, self["sasl_mechanism"]) == ("SASL_PLAINTEXT", "PLAIN"):
                raise ConfigError(
                    "PLAIN without TLS sends the password in the clear: set"
                    " security_protocol = SASL_SSL, or sasl_mechanism = SCRAM-SHA-512"
                )
            client["sasl_mechanism"] = self["sasl_mechanism"]
            client["sasl_plain_username"] = self["sasl_username"]
            client["sasl_plain_password"] = self["sasl_password"]
        if protocol.endswith("SSL"):
            client["ssl_context"] = self._tls()
        return client

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self["ssl_cafile"])
            if self["ssl_certfile"]:
                context.load_cert_chain(
                    self["ssl_certfile"], self["ssl_keyfile"], self["ssl_password"] or ""
                )
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"can't read the TLS files (ssl_cafile, ssl_certfile, ssl_keyfile): {error}"
            ) from None
        return context


def read_file(file: Path | None) -> dict[str, Any]:
    """The settings of a `vigil.toml` as they stand there, names checked. Raises `ConfigError`."""
    path = file or DEFAULT_FILE
    try:
        found = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        if file is None:
            return {}
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None
    for name in found:
        if name not in SETTINGS:
            close = difflib.get_close_matches(name, SETTINGS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(SETTINGS)}"
            raise ConfigError(f"{path}: unknown setting {name}: {hint}")
    return found
