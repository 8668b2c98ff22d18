"""What an error of a Kafka client means and what to do, in one line without a secret.

aiokafka and kafka-python have classes of their own for the same errors; they are told apart by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.admin import tls

_LOGIN = ("SaslAuthenticationFailed", "AuthenticationFailed")
_MECHANISM = ("UnsupportedSaslMechanism", "AuthenticationMethodNotSupported")
_SILENCE = ("KafkaTimeout", "KafkaConnection", "RequestTimedOut", "NodeNotReady")
_DENIED = {
    "TopicAuthorizationFailed": "the topic",
    "GroupAuthorizationFailed": "the group",
    "TransactionalIdAuthorizationFailed": "the transactional id",
    "ClusterAuthorizationFailed": "the cluster",
}


def explain(
    error: Exception, connection: Mapping[str, Any], *, timeout_s: float | None = None
) -> str:
    """`connection` is what the client was made with; `timeout_s` how long it was waited for."""
    brokers = connection["bootstrap_servers"]
    name = type(error).__name__.removesuffix("Error")
    if name in _LOGIN:
        return (
            f"Kafka at {brokers} refused the login of {_who(connection)}: check"
            " VIGIL_SASL_USERNAME, VIGIL_SASL_PASSWORD and VIGIL_SASL_MECHANISM"
            f" ({connection.get('sasl_mechanism')})"
        )
    if name in _MECHANISM:
        return (
            f"Kafka at {brokers} knows no {connection.get('sasl_mechanism')} on this listener:"
            " check VIGIL_SASL_MECHANISM"
        )
    if name in _DENIED:
        return denied(f"{_DENIED[name]}{_named(error)}", connection)
    if name in _SILENCE or isinstance(error, OSError):
        within = f" within {timeout_s:g} s" if timeout_s else ""
        return tls.fault(connection, patient=True) or (
            f"no Kafka answered at {brokers}{within}: is the address right"
            " (--brokers, VIGIL_BROKERS), is it running (vigil kafka start), is"
            " security_protocol what its listener speaks?"
        )
    return f"Kafka at {brokers}: {type(error).__name__}: {error}"


def denied(what: str, connection: Mapping[str, Any]) -> str:
    """What to say where an ACL is missing for `what`."""
    return (
        f"Kafka at {connection['bootstrap_servers']} denies {_who(connection)} what it needs of"
        f" {what}: have the cluster's administrator run vigil topics acls --check, which names"
        " the missing ACL, and --apply, which adds it"
    )


def _who(connection: Mapping[str, Any]) -> str:
    user = connection.get("sasl_plain_username")
    if user:
        return f"User:{user}"
    secured = connection.get("ssl_context") is not None
    return "this client's certificate" if secured else "clients that don't log in"


def _named(error: Exception) -> str:
    """The names of what was denied, where the client tells them."""
    found: list[str] = []
    for argument in error.args:
        match argument:
            case str() if " " not in argument:
                found.append(argument)
            case set() | frozenset() | list() | tuple():
                found += sorted(str(one) for one in argument)
    return f" {', '.join(found)}" if found else ""
