"""Requests to the local endpoint count as sent over TLS.

It speaks plain HTTP, and enforces the bucket policies that refuse what came without TLS.
"""

from ministack import app


def install() -> None:
    pin = app.pin_request_origin

    def pin_as_secure(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_as_secure
