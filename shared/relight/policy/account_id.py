"""The account that issued an access key or a unique id, read out of the id itself. Pure.

AWS documents only that the first four characters tell an id's type
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids). The rest is
base32, and 40 of its first 48 bits are the number of the account. That was observed, and never promised: whoever shows
such an account says that it is decoded.
"""

from __future__ import annotations

import base64
import re

# Four characters for the type, sixteen of base32 (RFC 4648: neither 0, 1, 8 nor 9), and in unique ids one more. The
# first bit of the base32 is set in the present format: Q to Z, or a digit. Older ids have an I or a J there.
_PRESENT = re.compile(r"A[A-Z]{3}[Q-Z2-7][A-Z2-7]{15}[A-Z0-9]?")
ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_MASK = 0x7FFFFFFFFF80
_SHIFT = 7
_LARGEST = 999_999_999_999


def decoded(unique_id: str) -> str | None:
    """The twelve digits of the account that issued ``ASIA…``, ``AKIA…``, ``AROA…`` or ``AIDA…``.

    None for what is no such id, for one of the older format, and for a number that no account can have.
    """
    if not _PRESENT.fullmatch(unique_id):
        return None
    first = int.from_bytes(base64.b32decode(unique_id[4:20])[:6], "big")
    number = (first & _MASK) >> _SHIFT
    return f"{number:012}" if 0 < number <= _LARGEST else None
