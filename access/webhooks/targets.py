"""
Where webhooks may go: to a public address over https, and to nothing inside.

The rules hold when an endpoint is saved and again at each sending. A name is resolved once; every address it has must
be public, and the connection goes to exactly the addresses that were looked at, so a name server that answers
differently a moment later gains nothing. `ipaddress.is_global` says yes to translated and tunnelled addresses that end
up inside, so what is refused is listed here.
"""

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import InvalidRequest

LONGEST_URL = 2_000
_URL = re.compile(r"[!-~]+")
_DEFAULT_PORTS = {"https": 443, "http": 80}

_REFUSED_4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared by the customers of a carrier
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, and where clouds tell machines their secrets
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
_REFUSED_6 = (
    "::/96",  # unspecified, loopback, IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",  # Teredo, benchmarks, ORCHID and other protocols
    "2001:db8::/32",
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",  # site-local of old
    "ff00::/8",
)
_BLOCKED_4 = tuple(IPv4Network(one) for one in _REFUSED_4)
_BLOCKED_6 = tuple(IPv6Network(one) for one in _REFUSED_6)
# Nothing outside this block has been given to anybody.
_GLOBAL_UNICAST = ip_network("2000::/3")

Resolve = Callable[[str, int], Sequence[str]]


class TargetRefused(InvalidRequest):
    """The address must not be sent anything; the message says why."""

    code = "WEBHOOK_TARGET_REFUSED"


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked at: its URL, and the public IP addresses its name had at that moment."""

    url: str
    addresses: tuple[str, ...]


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the open internet. Anything that is no address is not."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _BLOCKED_4)
    plain = IPv6Address(int(found))  # without the name of an interface
    return plain in _GLOBAL_UNICAST and not any(plain in network for network in _BLOCKED_6)


def resolve_name(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name, once. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError from error
    return list(dict.fromkeys(str(where[0]) for _family, _kind, _protocol, _name, where in found))


def check(url: str, *, resolve: Resolve = resolve_name) -> Target:
    """
    Return the target with its addresses; asks the name server, so never inside a transaction.

    Raises TargetRefused for a URL or an address that is not allowed, and for a name that has none.
    """
    host, port = _allowed(url)
    try:
        addresses = tuple(resolve(host, port))
    except OSError:
        addresses = ()
    if not addresses:
        raise TargetRefused(_("이 주소의 서버를 찾을 수 없어요. 주소를 다시 확인해 주세요."), field="url")
    if not settings.WEBHOOK_PRIVATE_TARGETS and not all(is_public(address) for address in addresses):
        raise TargetRefused(_("내부 네트워크 주소로는 보낼 수 없어요. 인터넷에 열린 주소를 적어 주세요."), field="url")
    return Target(url, addresses)


def _allowed(url: str) -> tuple[str, int]:
    """Return host and port of a URL that may be called as far as it says itself."""
    free = settings.WEBHOOK_PRIVATE_TARGETS
    if len(url) > LONGEST_URL or not _URL.fullmatch(url) or "\\" in url or "#" in url:
        raise TargetRefused(_("주소는 공백과 # 없이 영문으로 2,000자까지예요."), field="url")
    unusable = TargetRefused(_("주소는 https://로 시작하고, 아이디나 비밀번호가 들어 있지 않아야 해요."), field="url")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise unusable from None
    schemes = {"https", "http"} if free else {"https"}
    if parts.scheme not in schemes or not host or "@" in parts.netloc or "%" in host:
        raise unusable
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if not free and port not in settings.WEBHOOK_PORTS:
        allowed = ", ".join(str(one) for one in settings.WEBHOOK_PORTS)
        raise TargetRefused(_("포트는 %(ports)s만 쓸 수 있어요.") % {"ports": allowed}, field="url")
    return host, port
