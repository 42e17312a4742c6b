"""A source that answers from memory: OData and Salesforce pages of one row file, cut where a query says.

Started by the benchmark as a process of its own, on another core than the sides'. Below `/first/<n>` it has the first n rows
only. `/-/counts` says how often it was asked for what.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socketserver
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from bench.queries import NotUnderstood, rows_of, soql
from bench.rows import FORMS, RowFile, open_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

type Body = tuple[bytes, memoryview, bytes]

NOTHING = memoryview(b"")
ENOUGH = 65_536
SETTLED = timedelta(hours=1)
FIRST = re.compile(r"/first/(\d+)(/.*)")
LATER = re.compile(r"(\d+)-(\d+)")
TOKEN = b'{"access_token":"bench","token_type":"Bearer","instance_url":"http://127.0.0.1"}'


@dataclass
class Source:
    """Rows, the page size where a query names none, and the seconds that each page takes to think of.

    Its clock starts `SETTLED` after the last row: what comes behind that is empty, as at a source that was read yesterday.
    """

    rows: RowFile
    page_size: int
    thinking: float
    counts: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        shape = self.rows.shape
        return shape.stamp(shape.count) + SETTLED + timedelta(seconds=time.monotonic() - self.started)

    def answer(self, method: str, target: str) -> tuple[int, Body]:
        """Status and body of a request."""
        parts = urlsplit(target)
        path, prefix, most = parts.path, "", self.rows.shape.count
        if match := FIRST.fullmatch(path):
            most, path = int(match[1]), match[2]
            prefix = f"/first/{most}"
        try:
            if path == "/-/counts":
                return 200, _whole(json.dumps(self.counts).encode())
            if method == "POST":
                self.counts["token"] += 1
                return 200, _whole(TOKEN)
            options = {name: values[0] for name, values in parse_qs(parts.query).items()}
            return 200, self._read(path, options, prefix, most)
        except NotUnderstood as error:
            return 400, _whole(str(error).encode())

    def _read(self, path: str, options: dict[str, str], prefix: str, most: int) -> Body:
        asked = _odata if self.rows.shape.form.name == "odata" else _salesforce
        condition, limit, later = asked(path, options)
        if limit == 0:
            self.counts["count"] += 1
            return _whole(_count(self.rows.shape.form.name, most))
        self.counts["page"] += 1
        time.sleep(self.thinking)
        if later is not None:
            first, end = later
        else:
            first, end = rows_of(condition, self.rows.shape)
        end = min(end, most)
        stop = min(end, first + (limit or self.page_size))
        link = f"{stop}-{end}" if limit is None and stop < end else None
        return self._page(path, prefix, min(first, stop), stop, link)

    def _page(self, path: str, prefix: str, first: int, stop: int, link: str | None) -> Body:
        rows = self.rows.cut(first, stop)
        if self.rows.shape.form.name == "odata":
            tail = f',"@odata.nextLink":"{prefix}{path}?$skiptoken={link}"' if link else ""
            return b'{"value":[', rows, f"]{tail}}}".encode()
        folder = re.split(r"/query", path)[0]
        tail = f',"nextRecordsUrl":"{prefix}{folder}/query/{link}"' if link else ""
        head = f'{{"totalSize":{self.rows.shape.count},"done":{"false" if link else "true"}{tail},"records":['
        return head.encode(), rows, b"]}"


def _odata(path: str, options: dict[str, str]) -> tuple[str, int | None, tuple[int, int] | None]:
    """Condition, limit (0 for a count) and the rows that a link leads to."""
    if path.endswith("/$count"):
        return "", 0, None
    top = options.get("$top")
    known = {"$select", "$orderby", "$top", "$filter", "$skiptoken"}
    if set(options) - known:
        raise NotUnderstood(f"options {set(options) - known}")
    return options.get("$filter", ""), int(top) if top else None, _link(options.get("$skiptoken"))


def _salesforce(path: str, options: dict[str, str]) -> tuple[str, int | None, tuple[int, int] | None]:
    later = _link(unquote(path.rpartition("/")[2]))
    if later is not None:
        return "", None, later
    query = options.get("q", "")
    if query.startswith("SELECT COUNT()"):
        return "", 0, None
    condition, _, limit = soql(query)
    return condition, limit, None


def _link(text: str | None) -> tuple[int, int] | None:
    match = LATER.fullmatch(text or "")
    return None if match is None else (int(match[1]), int(match[2]))


def _count(form: str, count: int) -> bytes:
    return str(count).encode() if form == "odata" else f'{{"totalSize":{count},"done":true,"records":[]}}'.encode()


def _whole(body: bytes) -> Body:
    return body, NOTHING, b""


class Handler(socketserver.BaseRequestHandler):
    """One connection, kept alive."""

    server: Server

    def handle(self) -> None:
        """Answers until the client hangs up."""
        self.request.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                more = self.request.recv(ENOUGH)
                if not more:
                    return
                received += more
            head, _, received = received.partition(b"\r\n\r\n")
            method, target, *_ = head.decode("latin-1").split(" ", 2)
            for length in re.findall(rb"(?i)content-length: *(\d+)", head):
                while len(received) < int(length):
                    received += self.request.recv(ENOUGH)
                received = received[int(length) :]
            self._send(*self.server.source.answer(method, target))

    def _send(self, status: int, body: Body) -> None:
        length = sum(map(len, body))
        head = (
            f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
            f"Date: {format_datetime(self.server.source.now, usegmt=True)}\r\n\r\n"
        )
        self.request.sendall(head.encode() + body[0])
        for piece in body[1:]:
            self.request.sendall(piece)


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, source: Source) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.source = source


def main(words: Iterable[str] | None = None) -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--form", choices=sorted(FORMS), required=True)
    parser.add_argument("--page-size", type=int, required=True)
    parser.add_argument("--thinking", type=float, default=0.0)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", type=int, required=True)
    arguments = parser.parse_args(None if words is None else list(words))
    os.sched_setaffinity(0, {arguments.core})
    rows = open_rows(arguments.rows, FORMS[arguments.form])
    with Server(arguments.port, Source(rows, arguments.page_size, arguments.thinking)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
