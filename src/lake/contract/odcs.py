"""Reading contracts: the Open Data Contract Standard's own models, and the strictness that they lack.

The models of `open-data-contract-standard` take any key in silence; here an unknown key is a mistake.
"""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any, Literal

from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel, Field, ValidationError, model_validator

from lake.contract.errors import ContractError, Mistake
from lake.contract.plan import Paging, Strategy
from lake.contract.rest import EntityRest, SourceRest
from lake.contract.strict import Strict

if TYPE_CHECKING:
    from lake.contract.documents import Document

DURATION = r"^P(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?$"


class Stamp(Strict):
    """The API fields of a stamp: one `field`, or a `date` with a `time` or alone."""

    field: str | None = None
    date: str | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Stamp:
        if (self.field is None) == (self.date is None) or (self.date is None and self.time is not None):
            raise ValueError("give either `field`, or `date` and `time`, or a `date` alone")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """The API fields in order."""
        return tuple(name for name in (self.field, self.date, self.time) if name is not None)


class CursorSpec(Stamp):
    """`extraction.cursor`: the stamp by which changes are found.

    `compare: day` says that the server compares date and time by the date alone.
    """

    zone: str | None = None
    compare: Literal["day"] | None = None
    nulls: Literal["own_pass"] | None = None
    stand_in: Stamp | None = None


class DeletesSpec(Strict):
    """`extraction.deletes[]`: one way in which deletions are seen."""

    strategy: Strategy
    field: str | None = None
    every: str | None = Field(default=None, pattern=DURATION)
    max_fraction: float | None = Field(default=None, gt=0, le=1)
    min_rows: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _complete(self) -> DeletesSpec:
        needed = {"soft_flag": {"field"}, "key_sweep": {"every", "max_fraction", "min_rows"}}.get(self.strategy, set())
        given = {name for name in ("field", "every", "max_fraction", "min_rows") if getattr(self, name) is not None}
        if given != needed:
            raise ValueError(f"{self.strategy} takes {sorted(needed) or 'nothing'}, found {sorted(given) or 'nothing'}")
        return self


class FullRefreshSpec(Strict):
    """`extraction.full_refresh`: how often the entity is read whole again."""

    every: str = Field(pattern=DURATION)


class InitialSpec(Strict):
    """`extraction.initial`: where the first extraction begins, and the length of the windows that it is split into."""

    from_: str | None = Field(default=None, alias="from")
    window: str | None = Field(default=None, pattern=DURATION)


class PagingSpec(Strict):
    """`extraction.paging`: how one page leads to the next, and how many rows one query gives at most.

    `rows_may_shift: accepted`: the server's links or tokens are counts of rows, so that rows shift while others change.
    """

    mode: Paging = "keyset"
    result_cap: int | None = Field(default=None, ge=1)
    rows_may_shift: Literal["accepted"] | None = None


class CountSpec(Strict):
    """`extraction.count`: why the source's own count of rows is not believed, where it is wrong by design."""

    ignored: str = Field(min_length=1)


class ExtractionSpec(Strict):
    """`customProperties.extraction` of a contract. Without a `cursor` the full refresh is the entity's window."""

    cursor: CursorSpec | None = None
    full_refresh: FullRefreshSpec | None = None
    initial: InitialSpec = InitialSpec()
    paging: PagingSpec = PagingSpec()
    count: CountSpec | None = None
    rest: EntityRest | None = None
    page_size: int = Field(ge=1, le=50_000)
    deletes: list[DeletesSpec] = Field(min_length=1)
    filter: str | None = None
    overlap: str | None = Field(default=None, pattern=DURATION)
    settle_lag: str | None = Field(default=None, pattern=DURATION)


class ChildSpec(Strict):
    """`customProperties.child` of a schema object after the first: how it hangs below the first."""

    navigation: str
    parent_key: list[str] = Field(min_length=1)
    filter: str | None = None


class QuarantineSpec(Strict):
    """`curated.quarantine`: more than this share of at least so many rows broken stop a load."""

    max_fraction: float = Field(default=0.2, gt=0, le=1)
    min_rows: int = Field(default=100, ge=0)


class CuratedSpec(Strict):
    """`customProperties.curated` of a contract: how the curated tables are kept."""

    history: bool = False
    sort: list[str] = Field(default_factory=list)
    partition: list[str] = Field(default_factory=list)
    quarantine: QuarantineSpec = QuarantineSpec()
    time_travel: str = Field(default="P7D", pattern=DURATION)


class AuthSpec(Strict):
    """`auth` of a source: how it is proved who asks. The secret itself lies in Secrets Manager."""

    type: Literal["none", "basic", "bearer", "api_key", "oauth2_client_credentials"]
    token_path: str | None = Field(default=None, pattern=r"^/")
    token_url: str | None = Field(default=None, pattern=r"^https://[^/?#@]+/")
    client_auth: Literal["post", "basic"] | None = None
    scope: str | None = None
    header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")

    @model_validator(mode="after")
    def _complete(self) -> AuthSpec:
        needed, allowed = {
            "oauth2_client_credentials": (set(), {"token_path", "token_url", "client_auth", "scope"}),
            "api_key": ({"header"}, {"header"}),
        }.get(self.type, (set(), set()))
        names = ("token_path", "token_url", "client_auth", "scope", "header")
        given = {name for name in names if getattr(self, name) is not None}
        if self.type == "oauth2_client_credentials" and len(given & {"token_path", "token_url"}) != 1:
            raise ValueError(f"{self.type} needs `token_path` (at the source) or `token_url` (elsewhere), and not both")
        if not needed <= given <= allowed:
            raise ValueError(
                f"{self.type} needs {sorted(needed) or 'nothing'} and takes {sorted(allowed) or 'nothing'}, "
                f"found {sorted(given) or 'nothing'}"
            )
        return self


class LimitsSpec(Strict):
    """`limits` of a source, shared by its entities."""

    daily_requests: int | None = Field(default=None, ge=1)
    daily_share: float | None = Field(default=None, gt=0, le=1)
    requests_per_second: float | None = Field(default=None, gt=0)
    max_retries: int = Field(default=5, ge=0)
    max_retry_after_s: int = Field(default=60, ge=0)
    timeout_s: int = Field(default=60, ge=1)
    concurrency: int = Field(default=2, ge=1)
    parallel_windows: int = Field(default=1, ge=1, le=16)


class ClockSpec(Strict):
    """`clock` of a source: what its entities use unless they say otherwise."""

    overlap: str = Field(pattern=DURATION)
    settle_lag: str = Field(pattern=DURATION)


class SourceSpec(Strict):
    """A `source.yaml`."""

    source: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    protocol: Literal["salesforce", "odata", "rest"]
    version: Literal["v2", "v4"] | None = None
    description: str
    base_path: str = Field(pattern=r"^/")
    auth: AuthSpec
    params: dict[str, str] = Field(default_factory=dict)
    limits: LimitsSpec
    clock: ClockSpec
    rest: SourceRest | None = None

    @model_validator(mode="after")
    def _fits_protocol(self) -> SourceSpec:
        if self.version is not None and self.protocol != "odata":
            raise ValueError("`version` is for `protocol: odata`")
        if self.rest is not None and self.protocol != "rest":
            raise ValueError("`rest` is for `protocol: rest`")
        return self


def contract_of(document: Document) -> OpenDataContractStandard:
    """The contract in a document; raises ContractError with each unknown key and each wrong value."""
    file, raw = document.file, document.raw
    mistakes = [Mistake(file, field, reason) for field, reason in _unknown(raw, OpenDataContractStandard, "")]
    try:
        contract = OpenDataContractStandard.model_validate(raw)
    except ValidationError as error:
        named = {mistake.field for mistake in mistakes}
        others = [mistake for mistake in mistakes_of(file, "", error) if mistake.field not in named]
        raise ContractError(mistakes + others) from None
    if mistakes:
        raise ContractError(mistakes)
    return contract


def mistakes_of(file: str, prefix: str, error: ValidationError) -> list[Mistake]:
    """What pydantic found, as mistakes; `prefix` is the path of the validated part in its file."""
    found = []
    for item in error.errors():
        path = prefix
        for step in item["loc"]:
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
        found.append(Mistake(file, path or "(file)", item["msg"].removeprefix("Value error, ")))
    return found


def _unknown(raw: Any, model: type[BaseModel], path: str) -> list[tuple[str, str]]:
    """The keys of `raw` that `model` does not know, at any depth, with the place and the nearest known name."""
    if not isinstance(raw, dict):
        return []
    known = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    found = []
    for key, value in raw.items():
        place = f"{path}.{key}" if path else str(key)
        if key not in known:
            found.append((place, f"the standard has no such key{_nearest(str(key), known)}"))
            continue
        nested = _model_in(known[key])
        if nested is None:
            continue
        if isinstance(value, list):
            for position, item in enumerate(value):
                found += _unknown(item, nested, f"{place}[{position}]")
        else:
            found += _unknown(value, nested, place)
    return found


def _nearest(key: str, known: dict[str, Any]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The pydantic model inside `list[Model] | None` and the like, where there is exactly one form of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = typing.get_origin(annotation)
    if origin in (list, typing.Union, types.UnionType):
        models = [found for part in typing.get_args(annotation) if (found := _model_in(part))]
        return models[0] if models else None
    return None
