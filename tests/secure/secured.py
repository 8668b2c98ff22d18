"""A real broker that lets nobody in without TLS, a password and an ACL."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from kafka.admin import (
    KafkaAdminClient,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from streams.admin import acls, create
from streams.admin.cluster import open_cluster
from streams.admin.rights import PRINCIPALS, Right
from streams.embedded import EmbeddedKafka
from streams.topics import Party
from tests.kafka.waiting import until
from tests.secure.certificates import Authority

ADMIN = "admin"
PARTITIONS = 2
VIGIL = [sys.executable, "-m", "streams.cli"]
_ROOT = Path(__file__).parents[2]


class Worker(NamedTuple):
    """A worker's process and where its stderr goes."""

    process: subprocess.Popen[bytes]
    log: Path


class Secured:
    """The broker, its authority, and a password for each party; as a context manager it runs.

    Clients log in with SCRAM or PLAIN, the administrator and the broker itself with PLAIN. One
    more listener shows a certificate that has expired, another wants one of its clients.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory, "authority")
        self.stranger = Authority(directory, "stranger")
        self.passwords = {f"vigil-{party.value}": secrets.token_hex(16) for party in Party}
        self.passwords |= {ADMIN: secrets.token_hex(16), "mallory": secrets.token_hex(16)}
        port, controller, expired, mutual = (_free_port() for _ in range(4))
        self.address, self.expired, self.mutual = (
            f"127.0.0.1:{number}" for number in (port, expired, mutual)
        )
        node = self.authority.sign("node")
        stale = self.authority.sign("stale", days=(-30, -1))
        plain = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
            f' username="{ADMIN}" password="{self.passwords[ADMIN]}"'
            + "".join(f' user_{user}="{password}"' for user, password in self.passwords.items())
            + ";"
        )
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        settings = {
            "listeners": f"CLIENTS://{self.address},CONTROLLER://127.0.0.1:{controller},"
            f"EXPIRED://{self.expired},MUTUAL://{self.mutual}",
            "advertised.listeners": f"CLIENTS://{self.address},EXPIRED://{self.expired},"
            f"MUTUAL://{self.mutual}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:SASL_SSL,"
            "EXPIRED:SASL_SSL,MUTUAL:SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": node,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
            "listener.name.expired.ssl.keystore.location": stale,
            "listener.name.expired.ssl.keystore.type": "PEM",
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": plain,
            "listener.name.clients.plain.sasl.jaas.config": plain,
            "listener.name.clients.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.expired.plain.sasl.jaas.config": plain,
            "listener.name.expired.scram-sha-512.sasl.jaas.config": scram,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN}",
        }
        self.node = EmbeddedKafka(
            directory / "node",
            port=port,
            tied=True,
            settings=settings,
            login=self.connection(ADMIN, mechanism="PLAIN"),
        )

    def __enter__(self) -> Self:
        self.node.start()
        users = [
            UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password)
            for user, password in self.passwords.items()
            if user != ADMIN
        ]
        with self.admin() as admin:
            assert set(admin.alter_user_scram_credentials(users).values()) == {None}
        return self

    def __exit__(self, *_: object) -> None:
        self.node.stop()

    @contextlib.contextmanager
    def admin(self) -> Any:
        """Kafka's admin client of the administrator."""
        client = KafkaAdminClient(**self.connection(ADMIN, mechanism="PLAIN"))
        with contextlib.closing(client):
            yield client

    def connection(self, user: str, *, mechanism: str = "SCRAM-SHA-512") -> dict[str, Any]:
        """Client settings of a user."""
        return {
            "bootstrap_servers": self.address,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": mechanism,
            "sasl_plain_username": user,
            "sasl_plain_password": self.passwords[user],
            "ssl_context": ssl.create_default_context(cafile=self.authority.file),
        }

    def environment(self, user: str, **changed: str) -> dict[str, str]:
        """Vigil's settings of a user, as a deployment gives them; `changed` without ``VIGIL_``."""
        ours = {
            "brokers": self.address,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN" if user == ADMIN else "SCRAM-SHA-512",
            "sasl_username": user,
            "sasl_password": self.passwords[user],
            "ssl_cafile": str(self.authority.file),
            "session_timeout_s": "6",
            **changed,
        }
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")},
            **{f"VIGIL_{name.upper()}": value for name, value in ours.items() if value},
            "PYTHONPATH": str(_ROOT),
        }

    def vigil(self, user: str, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as a user. No secret may stand in what it prints."""
        run = subprocess.run(
            [*VIGIL, *arguments], capture_output=True, text=True, check=False, timeout=60,
            env=self.environment(user, **changed), cwd=self.directory,
        )  # fmt: skip
        self.assert_no_secret(run.stdout + run.stderr)
        return run

    def json(self, user: str, *arguments: str, code: int = 0) -> Any:
        """What a command prints with `--json`, given that it ends with `code`."""
        run = self.vigil(user, *arguments, "--json")
        assert run.returncode == code, run.stderr
        return json.loads(run.stdout)

    def assert_no_secret(self, text: str) -> None:
        """Fail if a password stands in a text."""
        assert not [user for user, password in self.passwords.items() if password in text]

    @contextlib.contextmanager
    def without(self, right: Right) -> Iterator[None]:
        """Take one right away, and give it back; returns when it is in force."""
        acl = acls.acl_of(right, PRINCIPALS[right.party])
        with self.admin() as admin:
            ((_, matching, _),) = admin.delete_acls([acl])
            assert matching == [acl]
            until(lambda: not admin.describe_acls(acl)[0])
            try:
                yield
            finally:
                assert not admin.create_acls([acl])["failed"]
                until(lambda: admin.describe_acls(acl)[0])

    @contextlib.contextmanager
    def worker(
        self, prefix: str, name: str, *, level: str = "info", **changed: str
    ) -> Iterator[Worker]:
        """`vigil run` as the workers' principal; killed in the end, and no secret in its log."""
        log = self.directory / f"{name}.log"
        command = [*VIGIL, "--log-level", level, "run", "--worker-id", name, "--prefix", prefix]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--web", f"127.0.0.1:{_free_port()}"], stdout=file, stderr=file,
                env=self.environment("vigil-workers", **changed), cwd=self.directory,
            )  # fmt: skip
        try:
            yield Worker(process, log)
        finally:
            process.kill()
            process.wait()
            self.assert_no_secret(log.read_text())

    def grant(self, prefix: str, *, workers: str = PRINCIPALS[Party.WORKERS]) -> None:
        """Make the topics and add all rights of the table; returns when they are in force."""
        principals = dict(PRINCIPALS) | {Party.WORKERS: workers}
        administrator = self.connection(ADMIN, mechanism="PLAIN")
        create(administrator, prefix=prefix, partitions=PARTITIONS)
        with open_cluster(administrator) as cluster:
            acls.grant(cluster, principals, prefix)
            until(lambda: not acls.compare(cluster, principals, prefix).missing)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
