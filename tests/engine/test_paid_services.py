"""What all clients of paid services share: where a key may go, and how long a service asks to wait."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from engine.errors import BadInput
from engine.paid_services import retry_after, service_address

VARIABLE = "STAGE_FAL_URL"


@pytest.mark.parametrize(
    ("named", "address"),
    [
        (None, "https://fal.example"),
        ("  ", "https://fal.example"),
        ("https://gateway.example.com/fal/ ", "https://gateway.example.com/fal"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_key_may_go_to_https_or_nowhere_far(
    monkeypatch: pytest.MonkeyPatch, named: str | None, address: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if named is not None:
        monkeypatch.setenv(VARIABLE, named)
    assert service_address(VARIABLE, "https://fal.example") == address


@pytest.mark.parametrize(
    "named",
    [
        "http://gateway.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "gateway.example.com",
        "ftp://localhost",
        "https://",
        "https:///path",
        "https://host:notaport",
        "http://[::1",
        "https://exa\u0001mple.com",
    ],
)
def test_a_key_goes_nowhere_else(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(VARIABLE, named)
    with pytest.raises(BadInput, match=f"^{VARIABLE} must be an https address .* correct it or unset it.$"):
        service_address(VARIABLE, "https://fal.example")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("9", 9),
        (" 2.5 ", 2.5),
        ("-3", 0),
        ("\u00b2", 0),
        ("nan", 0),
        ("inf", 0),
        ("1e999", 0),
        ("soon", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_what_a_service_asks_to_wait(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_wait_until_a_date(zone: str) -> None:
    date = formatdate(time.time() + 90, usegmt=True).replace("GMT", zone)
    assert 85 < retry_after(date) <= 90
