"""The HTTP server that both sources stand on: requests and answers as values, the simulated clock in `Date`."""

from collections.abc import Callable
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from local.simulators.faults import DROP, Faults
from local.simulators.messages import RefusedError, Request, Response, as_json
from local.simulators.store import Store

__all__ = ["Application", "RefusedError", "Request", "Response", "as_json", "make_server"]

type Application = Callable[[Request], Response]


def make_server(
    port: int, store: Store, source: Application, control: Application, faults: Faults
) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that hands `/_control/` to `control` and all else, unless a fault plays, to `source`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One segment an answer: headers and body written apart would wait for each other's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(self.command, parts.path, parts.query, dict(self.headers), self.rfile.read(length))
            if request.path.startswith("/_control/"):
                self._send(control(request))
                return
            fault = faults.play()
            if fault is DROP:
                self.close_connection = True
                return
            self._send(fault if isinstance(fault, Response) else source(request))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  http.server names them so

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(store.now, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
            """Say nothing: a page is asked for hundreds of times in a run."""

    ThreadingHTTPServer.daemon_threads = True
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
