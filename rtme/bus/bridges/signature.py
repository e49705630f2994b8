"""Proof that a request comes from who knows the secret, and when it was made."""

import hashlib
import hmac

HEADER = "X-Rtme-Signature"


def signed(secret: bytes, body: bytes, time_s: int) -> str:
    """The value of the signature header.

    Args:
        secret: What sender and receiver share.
        body: The request's body, byte for byte.
        time_s: Seconds since 1970.

    Example:
        >>> signed(b"secret", b"{}", 1700000000)[:20]
        't=1700000000,v1=4f83'
    """
    digest = hmac.new(secret, str(time_s).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={time_s},v1={digest}"
