"""Answers of the emulator's JSON services, typed."""

from typing import Any

from ministack.core.responses import error_response_json, json_response

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


def answered(body: dict[str, Any]) -> Answer:
    answer: Answer = json_response(body)
    return answer


def refused(code: str, message: str) -> Answer:
    answer: Answer = error_response_json(code, message, 400)
    return answer
