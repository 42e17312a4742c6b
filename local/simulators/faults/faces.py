"""How each protocol spells what faults need to know: where its rows and links are, and what its errors look like."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Face:
    """One protocol. `rows` matches the paths that are answered with rows; its first group is what their pages share.

    `records` and `link` are the way to both within a page, empty where it has none.
    """

    name: str
    paths: re.Pattern[str]
    rows: re.Pattern[str]
    records: tuple[str, ...]
    link: tuple[str, ...]
    error: Callable[[str, str], object]
    quota: tuple[int, str, str]
    login: str = "/oauth2/token"

    def series(self, path: str) -> str:
        """What the path of each page of one reading has in common."""
        match = self.rows.match(path)
        return match[1] if match else path

    def is_login(self, path: str) -> bool:
        """Whether a token is asked for."""
        return path.endswith(self.login)


def _odata_v4(code: str, message: str) -> object:
    return {"error": {"code": code, "message": message}}


def _odata_v2(code: str, message: str) -> object:
    return {"error": {"code": code, "message": {"lang": "en", "value": message}}}


def _salesforce(code: str, message: str) -> object:
    return [{"message": message, "errorCode": code}]


def _plain(code: str, message: str) -> object:
    return {"status": "error", "category": code, "message": message}


def _hubspot(code: str, message: str) -> object:
    limited = {"errorType": "RATE_LIMIT", "policyName": "DAILY"} if code == "RATE_LIMITS" else {}
    return {"status": "error", "category": code, "message": message} | limited


_USED_UP = "The daily limit of requests is exceeded"

FACES: Final = {
    face.name: face
    for face in (
        Face(
            name="odata_v4",
            paths=re.compile(r"/sap/opu/odata4/"),
            rows=re.compile(r"(/sap/opu/odata4/sap/[^/]+/\w+)$"),
            records=("value",),
            link=("@odata.nextLink",),
            error=_odata_v4,
            quota=(429, "/IWFND/QUOTA", _USED_UP),
        ),
        Face(
            name="odata_v2",
            paths=re.compile(r"/sap/opu/odata/"),
            rows=re.compile(r"(/sap/opu/odata/sap/[^/]+/\w+)$"),
            records=("d", "results"),
            link=("d", "__next"),
            error=_odata_v2,
            quota=(429, "/IWFND/QUOTA", _USED_UP),
        ),
        Face(
            name="salesforce",
            paths=re.compile(r"/services/"),
            rows=re.compile(r"(/services/data/v[\d.]+/query(?:All)?)(?:/|$)"),
            records=("records",),
            link=("nextRecordsUrl",),
            error=_salesforce,
            quota=(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        ),
        Face(
            name="hubspot",
            paths=re.compile(r"/crm/"),
            rows=re.compile(r"(/crm/(?:v3|objects)/.+)"),
            records=("results",),
            link=("paging", "next", "after"),
            error=_hubspot,
            quota=(429, "RATE_LIMITS", "You have reached your daily limit."),
        ),
    )
}

REST: Final = Face(
    name="rest",
    paths=re.compile(""),
    rows=re.compile(r"(/.+)(?<!/count)$"),
    records=("data",),
    link=("next",),
    error=_plain,
    quota=(429, "quota", _USED_UP),
)
"""Any other API, with its rows below `data`."""


def face_of(path: str) -> Face:
    """The protocol that a path belongs to."""
    return next((face for face in FACES.values() if face.paths.match(path)), REST)
