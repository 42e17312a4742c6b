"""Log lines of a Glue job: one JSON object a line on standard output, which Glue sends to CloudWatch."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Level, instant, logger, message; the fields given as `extra={"fields": {...}}`; the stack of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "level": record.levelname,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_json() -> None:
    """Let what `lake` says go to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("lake")
    root.handlers = [handler]
    root.setLevel(logging.INFO)
