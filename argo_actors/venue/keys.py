"""The keys of an account, and where a request shows them."""

import base64
import binascii
from typing import NamedTuple

from .wire import Headers, header


class Keys(NamedTuple):
    """What a client must show."""

    key_id: str
    secret: str

    def for_data(self) -> "Keys":
        """A second pair of the owner's, which opens market data and nothing else."""
        return Keys(f"DATA{self.key_id}", f"data-{self.secret}")

    def open_data(self, shown: "Keys | None") -> bool:
        """Whether what is shown opens the market data of this account."""
        return shown in (self, self.for_data())


def shown(headers: Headers) -> Keys | None:
    """The keys in a request's own two headers or in a basic login; None when it shows none."""
    basic = header(headers, "Authorization")
    if basic.startswith("Basic "):
        try:
            name, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Keys("", "")
        return Keys(name, secret)
    given = Keys(header(headers, "APCA-API-KEY-ID"), header(headers, "APCA-API-SECRET-KEY"))
    return None if given == Keys("", "") else given
