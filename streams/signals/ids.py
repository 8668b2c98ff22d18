"""What an id or reference may look like: the platform's pseudonyms and nothing else.

1 to 64 characters of ``[A-Za-z0-9_.:-]`` (CONTRACT.md 'Ids'), not shaped like an e-mail address
(impossible: the alphabet has no ``@``), an IP address or a URL. That an id really is a keyed
pseudonym, no shape can tell; the platform has to see to it.
"""

import ipaddress
import re

MAX_ID_CHARS = 64

LETTERS_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
"""The part of the alphabet no unwanted shape can be made of."""

ALPHABET_BYTES = LETTERS_BYTES + b".:"

_IN_ALPHABET = re.compile(r"[A-Za-z0-9_.:-]+\Z").match
# The decoder looks for these beginnings in a whole value; its tests hold the two together.
_URL = re.compile(r"(?:https?|ftps?|wss?|mailto):|www\..*\.", re.IGNORECASE).match

_IPV4_DOTS = 3
_IPV6_MIN_COLONS = 2


def is_id(text: str, longest: int = MAX_ID_CHARS) -> bool:
    """Whether `text` may stand as an id or a reference of at most `longest` characters."""
    if len(text) > longest or _IN_ALPHABET(text) is None:
        return False
    dots, colons = text.count("."), text.count(":")
    if dots >= _IPV4_DOTS and any(_is_ip(part) for part in text.split(":")):
        return False
    if colons >= _IPV6_MIN_COLONS and _is_ip(text):
        return False
    return not ((dots or colons) and _URL(text))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # Leading zeros make an address ambiguous to the library; people read it all the same.
        return re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", text) is not None
    return True
