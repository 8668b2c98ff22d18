"""Why TLS with the brokers fails: asked with one handshake, since clients only say "timed out"."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any

_HANDSHAKE_S = 5.0
_GLANCE_S = 0.3
_LISTEN_S = 2.0

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED, of OpenSSL's x509_vfy.h, as the next ones
_NOT_YET_VALID = 9
_OTHER_NAME = (62, 64)  # …_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)  # an issuer is missing or signs for itself

_NO_TLS = ("wrong version number", "record layer failure", "unexpected eof")
"""How a listener answers that takes our greeting for a request, or hangs up on it."""


def fault(connection: Mapping[str, Any], *, patient: bool = False) -> str | None:
    """What is wrong with TLS at the first bootstrap server that answers; None if nothing is.

    None also where TLS isn't wanted or nobody answers: that is for the client to tell. A broker
    that refuses our certificate says so only after the handshake: it is listened to for a moment
    where the certificate is the login, for longer if `patient`.
    """
    context = connection.get("ssl_context")
    if context is None:
        return None
    mutual = connection["security_protocol"] == "SSL"
    listen_s = _LISTEN_S if patient else _GLANCE_S if mutual else 0.0
    for address in str(connection["bootstrap_servers"]).split(","):
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        try:
            plain = socket.create_connection((host, int(port)), timeout=_HANDSHAKE_S)
        except OSError:
            continue
        with plain:
            return _handshake(context, plain, host, address, listen_s)
    return None


def _handshake(
    context: ssl.SSLContext, plain: socket.socket, host: str, address: str, listen_s: float
) -> str | None:
    try:
        with context.wrap_socket(plain, server_hostname=host) as wrapped:
            if listen_s > 0:
                wrapped.settimeout(listen_s)
                with contextlib.suppress(TimeoutError):
                    wrapped.recv(1)
    except ssl.SSLCertVerificationError as error:
        return _unverified(error, host, address)
    except ssl.SSLError as error:
        return _refused(error, address)
    except OSError:
        return None
    return None


def _unverified(error: ssl.SSLCertVerificationError, host: str, address: str) -> str:
    match error.verify_code:
        case code if code == _EXPIRED:
            return f"the certificate of {address} has expired: renew it on the broker"
        case code if code == _NOT_YET_VALID:
            return f"the certificate of {address} is not valid yet: compare the clocks"
        case code if code in _OTHER_NAME:
            return (
                f"the certificate of {address} is for another name than {host}: reach the broker"
                " by a name that stands in it, or renew it with this one"
            )
        case code if code in _UNKNOWN_AUTHORITY:
            return (
                f"the certificate of {address} is signed by no authority trusted here: set"
                " VIGIL_SSL_CAFILE to the PEM file of the authority that signs the brokers"
            )
        case _:
            return f"the certificate of {address} is not accepted: {error.verify_message}"


def _refused(error: ssl.SSLError, address: str) -> str:
    reason = (error.reason or "unknown").lower().replace("_", " ")
    if any(sign in reason for sign in _NO_TLS):
        return f"{address} speaks no TLS: is security_protocol what its listener speaks?"
    if "alert" in reason:
        return (
            f"{address} refuses this client's certificate ({reason}): see VIGIL_SSL_CERTFILE and"
            " VIGIL_SSL_KEYFILE, and which authority the broker trusts"
        )
    return f"TLS with {address} fails ({reason})"
