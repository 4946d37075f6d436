"""Promise: webhooks go to public addresses over https only, whatever a name server answers at whatever moment."""

import socket
import ssl
from collections.abc import Sequence

import pytest
from pytest_django import Settings

from access.webhooks import targets
from access.webhooks.targets import TargetRefused, check, is_public
from core import http

PUBLIC = "https://hooks.example.com/jeongsan"


def answers(*addresses: str) -> targets.Resolve:
    return lambda _host, _port: addresses


@pytest.fixture(autouse=True)
def strict(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = False
    settings.WEBHOOK_PORTS = (443, 8443)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.31.196.1"),
        *("192.52.193.1", "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1", "198.19.255.255"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8"),
        *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1"),
        *("2001:2::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:1ff:ffff::1", "2001:db8::1"),
        *("2002:7f00:1::", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "5f00::1", "4000::1", "1fff::1"),
        *("fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1"),
        *("", "localhost", "8.8.8", "0x7f000001", "2130706433"),
    ],
)
def test_an_inside_address_is_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(TargetRefused):
        check(PUBLIC, resolve=answers("93.184.216.34", address))


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "93.184.216.34", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"),
        *("192.0.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255"),
        *("2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1", "2003::1"),
    ],
)
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert is_public(address)
    assert check(PUBLIC, resolve=answers(address)).addresses == (address,)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "//hooks.example.com/",
        "hooks.example.com",
        "https://",
        "https:///path",
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:port/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/a\nb",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/#part",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://한빛.example/",
        "https://hooks.example.com/" + "a" * 2_000,
    ],
)
def test_a_url_that_is_not_plain_https_is_refused_before_anybody_is_asked(url: str) -> None:
    def nobody(_host: str, _port: int) -> Sequence[str]:
        pytest.fail("the name server was asked")

    with pytest.raises(TargetRefused):
        check(url, resolve=nobody)


def test_ports_are_those_of_the_setting() -> None:
    assert check("https://hooks.example.com:8443/", resolve=answers("8.8.8.8")).addresses


def test_a_name_without_an_address_is_refused() -> None:
    def gone(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror

    for resolve in (gone, answers()):
        with pytest.raises(TargetRefused):
            check(PUBLIC, resolve=resolve)


def test_odd_spellings_of_loopback_are_refused_by_the_address_they_mean() -> None:
    for url in ("https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://[::ffff:7f00:1]/"):
        with pytest.raises(TargetRefused):
            check(url)


def test_a_machine_of_ones_own_only_by_the_setting(settings: Settings) -> None:
    with pytest.raises(TargetRefused):
        check("http://127.0.0.1:9999/")
    settings.WEBHOOK_PRIVATE_TARGETS = True
    assert check("http://127.0.0.1:9999/").addresses == ("127.0.0.1",)
    with pytest.raises(TargetRefused):
        check("http://user@127.0.0.1:9999/")


class TestRebinding:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Watch which names and addresses the system is asked about."""
        names: list[str] = []
        real = socket.getaddrinfo

        def watched(host: str, *rest: object, **more: object) -> object:
            names.append(host)
            return real(host, *rest, **more)  # type: ignore[arg-type] # handed on as it came

        monkeypatch.setattr(socket, "getaddrinfo", watched)
        return names

    def test_the_connection_goes_to_the_address_that_was_looked_at(self, asked: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with pytest.raises(http.HttpFailure):
                http.request(
                    "POST",
                    f"https://rebound.example:{port}/",
                    body=b"{}",
                    address="127.0.0.1",
                    limits=http.Limits(connect=0.3, read=0.3, total=0.3),
                )
        assert asked == ["127.0.0.1"]

    def test_name_and_host_stay_those_of_the_url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        named: list[str | None] = []

        def wrap(_context: ssl.SSLContext, _plain: socket.socket, *, server_hostname: str | None = None) -> None:
            named.append(server_hostname)
            raise ssl.SSLError

        monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"https://hooks.example.com:{listener.getsockname()[1]}/"
            with pytest.raises(http.NotSent):
                http.request("POST", url, body=b"", address="127.0.0.1")
        assert named == ["hooks.example.com"]
