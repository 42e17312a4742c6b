"""Writes down each AWS call that IAM judged: one JSON line with time, service, action, principal, resource, verdict."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, responses


class CallLog:
    """A file that starts empty with each emulator, written from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, service: str, action: str, principal: str, resource: str, verdict: str) -> None:
        """`principal`: `root`, or the last parts of the ARN (`assumed-role/<role>/<session>`, `user/<name>`)."""
        entry = {
            "at": datetime.now(UTC).isoformat(),
            "service": service,
            "action": action,
            "principal": principal,
            "resource": resource,
            "verdict": verdict,
        }
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")


def recording(enforce: Callable[..., Any], log: CallLog) -> Callable[..., Any]:
    """`enforce` of the emulator, written down."""

    def judged(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        log.write(service, iam_action, _principal(access_key_id), resource_arn, "denied" if denied else "allowed")
        return denied

    return judged


def install(path: Path) -> None:
    iam_evaluator.enforce = recording(iam_evaluator.enforce, CallLog(path))


def _principal(access_key_id: str) -> str:
    credential = iam_evaluator.resolve_credential(access_key_id or "", responses.get_account_id())
    arn = str(getattr(credential, "principal_arn", "unknown"))
    return arn.rsplit(":", 1)[-1]
