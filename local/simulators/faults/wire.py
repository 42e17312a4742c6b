"""Faults of what goes over the wire: bytes, headers, and the connection's end."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from random import Random
from typing import Any

from local.simulators.faults.kinds import Kind, Met, one_of
from local.simulators.messages import Break, Response

type Distort = Callable[[Met, Response], Response]

_MEGABYTE = 2**20
_HARM: dict[str, Callable[[bytes, int], bytes]] = {
    "control": lambda body, at: body[:at] + b"\x01" + body[at:],
    "encoding": lambda body, at: body[:at] + b"\xff\xfe" + body[at:],
    "garbage": lambda body, at: body + b"\nWarning: mysql_connect() on line 7",
}


def malformed(met: Met, response: Response) -> Response:
    """The body is no JSON: what must not be stands in it (`how`: "control", "encoding" or "garbage", else by chance)."""
    how = met.settings["how"] or met.rng.choice(sorted(_HARM))
    return replace(response, body=_HARM[how](response.body, _inside(met.rng, response.body)))


def truncated(met: Met, response: Response) -> Response:
    """The body ends early, and its length says so."""
    return replace(response, body=response.body[: _inside(met.rng, response.body)])


def wrong_content_type(met: Met, response: Response) -> Response:
    """A good body is called something else: `to`."""
    return replace(response, content_type=str(met.settings["to"]))


def clock_skew(met: Met, response: Response) -> Response:
    """The `Date` header is `seconds` ahead of the source's clock (behind it where negative), never ahead of real time."""
    skewed = min(met.now + timedelta(seconds=float(met.settings["seconds"])), datetime.now(UTC))
    return replace(response, headers=response.headers | {"Date": format_datetime(skewed, usegmt=True)})


def gzip_body(met: Met, response: Response) -> Response:
    """The body is compressed for whoever accepts that."""
    if "gzip" not in met.request.header("accept-encoding"):
        return response
    return _zipped(response, gzip.compress(response.body, 1))


def gzip_bomb(met: Met, response: Response) -> Response:
    """A small compressed body becomes `megabytes` of blanks."""
    return _zipped(response, _bomb(int(met.settings["megabytes"])))


def cut_off(met: Met, response: Response) -> Response:
    """The connection is closed before all of the body has come."""
    return replace(response, breaks=Break(_inside(met.rng, response.body)))


def reset_midway(met: Met, response: Response) -> Response:
    """The connection is reset before all of the body has come."""
    return replace(response, breaks=Break(_inside(met.rng, response.body), "reset"))


def _inside(rng: Random, body: bytes) -> int:
    """A place in the middle half of a body."""
    quarter = len(body) // 4
    return rng.randrange(quarter, max(quarter + 1, 3 * quarter))


def _zipped(response: Response, body: bytes) -> Response:
    return replace(response, body=body, headers=response.headers | {"Content-Encoding": "gzip"})


@cache
def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    blanks = b" " * _MEGABYTE
    return b"".join([*(packer.compress(blanks) for _ in range(megabytes)), packer.flush()])


def _skew(rng: Random) -> dict[str, Any]:
    return {"seconds": rng.randint(-300, 120)}


WIRE: dict[str, Kind[Distort]] = {
    "malformed": Kind(malformed, "detectable", "rows", {"how": None}, one_of("how", None, *_HARM)),
    "truncated": Kind(truncated, "detectable", "rows"),
    "wrong_content_type": Kind(
        wrong_content_type,
        "quiet",
        settings={"to": "text/html; charset=iso-8859-1"},
        draw=lambda rng: {
            "to": rng.choice(("text/html; charset=iso-8859-1", "application/octet-stream", "text/plain"))
        },
    ),
    "clock_skew": Kind(clock_skew, "quiet", "all", {"seconds": 60}, draw=_skew),
    "gzip": Kind(gzip_body, "quiet", "all"),
    "gzip_bomb": Kind(gzip_bomb, "detectable", "rows", {"megabytes": 256}, draw=None),
    "cut_off": Kind(cut_off, "transient"),
    "reset_midway": Kind(reset_midway, "transient"),
}
