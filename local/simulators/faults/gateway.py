"""Faults that answer in the source's place, or do something before it answers."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

from local.simulators.faults.kinds import Kind, Met, one_of
from local.simulators.instants import clock_text
from local.simulators.messages import Break, Response, as_json

type Before = Callable[[Met], None]
type Instead = Callable[[Met], Response | None]


def meanwhile(met: Met) -> None:
    """Things are done in the source before it answers: `do` lists [action, body] of the control API."""
    for action, body in met.settings["do"]:
        met.perform(action, body)


def slow(met: Met) -> None:
    """The answer takes `seconds` longer; where it `varies`, each one another share of them."""
    share = met.rng.choice((0.05, 0.3, 1.0)) if met.settings["varies"] else 1.0
    met.hold(met.request, float(met.settings["seconds"]) * share)


def down(met: Met) -> Response:
    """The connection is closed without an answer."""
    del met
    return Response(503, breaks=Break())


def reset(met: Met) -> Response:
    """The connection is reset before the answer begins."""
    del met
    return Response(503, breaks=Break(how="reset"))


def http(met: Met) -> Response:
    """A gateway answers with `status` in its own words, and with `retry_after` where that is given."""
    wait = met.settings["retry_after"]
    return _page(int(met.settings["status"]), {} if wait is None else {"Retry-After": str(wait)})


def too_many(met: Met) -> Response:
    """429, with Retry-After as `form`: "seconds", "date" (by the source's clock) or "none"."""
    return _page(429, _retry_after(met))


def unavailable(met: Met) -> Response:
    """503, with Retry-After as `form`: "seconds", "date" (by the source's clock) or "none"."""
    return _page(503, _retry_after(met))


def gateway_timeout(met: Met) -> Response:
    """504 from a gateway that waited in vain."""
    del met
    return _page(504, {})


def redirect(met: Met) -> Response:
    """The answer is elsewhere: `status` 301, 302, 307 or 308, and `host` in front of what was asked."""
    return _page(int(met.settings["status"]), {"Location": str(met.settings["host"]) + met.request.target})


def error_in_body(met: Met) -> Response:
    """Status 200, and an error as `form`: "json" in the vendor's words, or "html" as a page to log in."""
    if met.settings["form"] == "html":
        page = b"<!DOCTYPE html><html><head><title>Login</title></head><body><form>Please log in</form></body></html>"
        return Response(200, page, "text/html;charset=utf-8")
    return as_json(met.face.error("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please try again later."))


def token_expiry(met: Met) -> Response | None:
    """The token that a request bears is valid no more: 401 until another one comes."""
    token = met.request.header("authorization")
    revoked: set[str] = met.memory.setdefault("revoked", set())
    if met.strikes:
        revoked.add(token)
    if token not in revoked:
        return None
    return as_json(met.face.error("INVALID_SESSION_ID", "Session expired or invalid"), 401)


def quota(met: Met) -> Response | None:
    """Beyond `requests` requests on one day of the source's clock, all are refused until the next day."""
    day = clock_text(met.now)[:10]
    met.memory[day] = met.memory.get(day, 0) + 1
    if met.memory[day] <= int(met.settings["requests"]):
        return None
    status, code, message = met.face.quota
    return as_json(met.face.error(code, message), status)


def xml_bomb(met: Met) -> Response | None:
    """The metadata is a small document that entities make a very large one."""
    if not met.request.path.endswith("$metadata"):
        return None
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY l0 "lol">{laughs}]><b>&l9;</b>'
    return Response(200, bomb.encode(), "application/xml")


def _retry_after(met: Met) -> dict[str, str]:
    seconds = int(met.settings["seconds"])
    match met.settings["form"]:
        case "seconds":
            return {"Retry-After": str(seconds)}
        case "date":
            return {"Retry-After": format_datetime(met.now + timedelta(seconds=seconds), usegmt=True)}
        case _:
            return {}


def _page(status: int, headers: dict[str, str]) -> Response:
    page = f"<html><body><h1>{status}</h1>The gateway cannot answer now.</body></html>"
    return Response(status, page.encode(), "text/html", headers)


def _changes(rng: Random) -> dict[str, Any]:
    change = ["random_changes", {"seed": rng.randrange(10**6), "changes": rng.randint(1, 20)}]
    return {"do": [change], "after": rng.randint(1, 6), "times": rng.randint(1, 3)}


def _slowness(rng: Random) -> dict[str, Any]:
    """An invocation of a minute has time for the slowest answer, though it is asked for as often as all faults want."""
    return {"seconds": rng.choice((1, 4, 9)), "varies": rng.random() < 0.5}


_FORMS = one_of("form", "seconds", "date", "none")


def _forms(rng: Random) -> dict[str, Any]:
    return {"form": rng.choice(("seconds", "date", "none")), "seconds": rng.randint(0, 1)}


BEFORE: dict[str, Kind[Before]] = {
    "meanwhile": Kind(meanwhile, "quiet", "rows", {"do": []}, draw=_changes),
    "slow": Kind(slow, "quiet", settings={"seconds": 0.1, "varies": False}, draw=_slowness),
}

INSTEAD: dict[str, Kind[Instead]] = {
    "down": Kind(down, "transient", "all"),
    "reset": Kind(reset, "transient", "all"),
    "http": Kind(http, "transient", "all", {"status": 503, "retry_after": None}, draw=None),
    "too_many": Kind(too_many, "transient", "all", {"form": "seconds", "seconds": 1}, _FORMS, draw=_forms),
    "unavailable": Kind(unavailable, "transient", "all", {"form": "none", "seconds": 1}, _FORMS, draw=_forms),
    "gateway_timeout": Kind(gateway_timeout, "transient", "all"),
    "redirect": Kind(
        redirect,
        "detectable",
        settings={"status": 302, "host": "http://127.0.0.1:9"},
        check=one_of("status", 301, 302, 307, 308),
        draw=lambda rng: {"status": rng.choice((301, 302, 307, 308))},
    ),
    "error_in_body": Kind(
        error_in_body,
        "detectable",
        "rows",
        {"form": "json"},
        one_of("form", "json", "html"),
        draw=lambda rng: {"form": rng.choice(("json", "html"))},
    ),
    "xml_bomb": Kind(xml_bomb, "detectable", faces=("odata_v4", "odata_v2"), draw=None),
    "token_expiry": Kind(token_expiry, "transient", watchful=True, faces=("salesforce",)),
    "quota": Kind(
        quota,
        "detectable",
        settings={"requests": 100},
        watchful=True,
        draw=lambda rng: {"requests": rng.randint(3, 40)},
    ),
}
