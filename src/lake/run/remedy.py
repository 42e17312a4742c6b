"""What went wrong, in words: the cause without its wrapping, and the next step for whoever reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# Error class → what to do. The classes are those that extractors, jobs and AWS raise.
REMEDIES = {
    "SourceAuthError": (
        "Put valid credentials into the source's secret (the stack's parameters CrmSecretArn and ErpSecretArn name it)"
        " and start the run again. No deployment is needed."
    ),
    "SourceUnavailable": (
        "See whether the source is up and reachable from AWS. The next run goes on where this one stopped; nothing is lost."
        " If it is up but slow, raise the function's Timeout in template.yaml, or lower the contract's page_size."
    ),
    "SourceTooSlow": (
        "One page of the source takes longer than an invocation of its function: raise the function's Timeout in"
        " template.yaml, or lower the contract's page_size. The next run goes on where this one stopped; nothing is lost."
    ),
    "SourceError": "Read the source's answer above; the function's log has more of it. Then start the run again.",
    "FilterIgnored": (
        "The source answered with rows outside the window: it did not apply the filter. See that the contract's cursor is a"
        " field which the source can filter by."
    ),
    "SourceRejected": (
        "The source refuses what the contract asks for, often a field that it no longer has or may not be read: correct"
        " the contract in contracts/ or the permission in the source, then start the run again."
    ),
    "MalformedAnswer": "See what stands between AWS and the source (a proxy, a login page): its answer was not the protocol's.",
    "AnswerTooLarge": "Lower the contract's page_size, or see what stands between AWS and the source.",
    "OrderIgnored": "Paging would lose rows: leave this entity unread until the source's vendor has explained its order.",
    "NoProgress": "Paging would never end: leave this entity unread until the source's vendor has explained its pages.",
    "UnknownContinuation": (
        "Rows may be missing, so nothing of this reading counts yet. The message names the member and what to write: how it"
        " leads on (`paging`, `rest.paginator`), or `rest.beside` where it is no sign of more rows. Then deploy."
    ),
    "ResultCapReached": (
        "The source gives one query no more rows than that: say `paging: key` in the contract, or a shorter `window`."
    ),
    "SweepShort": (
        "Nothing was ended, and the next run reads it again. See which keys do not come (`lake source compare ENTITY`): often the"
        " paging is not the server's own (`lake source check`). Where the count is wrong by design, say"
        " `count: {ignored: <reason>}` in the contract."
    ),
    "RowsLacking": (
        "See which keys the lake lacks (`lake source compare ENTITY`), then read all of it again (`lake reload ENTITY`). Where"
        " the count is wrong by design, say `count: {ignored: <reason>}` in the contract."
    ),
    "PagesShift": (
        "Page by `keyset` or `key` where the source can; else accept it in the contract (`paging: {mode: server, rows_may_shift:"
        " accepted}` with a `full_refresh`), so that sweeps may end again what is gone."
    ),
    "RowsShifted": (
        "The next run reads the window again. Read it at another hour, when nobody writes, or page by `keyset` or `key`."
    ),
    "RangeIncomplete": (
        "What came is landed. Read the range again (`lake backfill`) at an hour when nobody writes, or page by `keyset` or `key`."
    ),
    "WitnessMissing": (
        "See what the source answers when it is asked by key (`lake source check`, `lake source compare ENTITY`); the next sweep"
        " looks again."
    ),
    "TooManySuspects": "See in the source whether these rows are gone (`lake source compare ENTITY`).",
    "SourceDrifted": (
        "The source describes the entity otherwise than its contract. Rows go on landing, and what does not fit goes into"
        " quarantine: correct the contract in contracts/ and deploy."
    ),
    "LeaseHeld": "Another execution was still reading this entity. The next run takes it up; nothing is to be done.",
    "LeaseLost": "Another execution took this entity over in the middle. The next run takes it up; nothing is to be done.",
    "LeaseContended": "Start the run again.",
    "SweepBrake": (
        "More keys are gone from the source than the contract's brake allows. See in the source whether they were really deleted;"
        " nothing was deleted in the lake. If they were, `lake accept ENTITY LOAD`; if not, `lake discard ENTITY LOAD`; then"
        " start the run again."
    ),
    "QualityBrake": (
        "More rows of a load break the contract than it lets pass; nothing was merged. Look at some of them (`lake quarantine"
        " show ENTITY LOAD ROW`), then mend the contract and deploy, or `lake accept ENTITY LOAD`, or `lake discard ENTITY LOAD`;"
        " then start the run again."
    ),
    "ManyBadRows": (
        "Good rows went on. See which rules they break (`lake quarantine list ENTITY`): correct the source, or mend the contract,"
        " deploy, and `lake quarantine replay ENTITY`."
    ),
    "GlueJobFailed": (
        "Read the job's log (log group /aws-glue/<LakeName>/error). The loads stay in raw; the next run curates them."
    ),
    "Glue.ConcurrentRunsExceededException": (
        "A run of this job that nobody waits for was still going on. Let it end or stop it in the Glue console, then start"
        " the run again."
    ),
    "CrawlerFailed": (
        "Only Athena's view of raw is behind. Read the crawler's log (/aws-glue/crawlers); the next run starts it again."
    ),
    "NotCurated": "The rows are safe in raw. Start the run again; if it stays so, read the curate job's log.",
    "FreshnessMissed": (
        "The first run after that instant reads on. Where the source's quota is too small for this rhythm, ask for more of it,"
        " or run less often (CrmSchedule, ErpSchedule)."
    ),
    "BalanceOpen": (
        "Do not trust this entity's tables until it is explained. Keep the run's report, and compare its numbers with the"
        " manifests in raw and the job's log."
    ),
    "PlanError": "The deployed package lacks its plans: run `sam build && sam deploy`.",
    "States.Timeout": "The step took longer than the state machine allows. Its log says where it hung; the next run goes on.",
    "Sandbox.Timedout": "The function ran out of time. Its log says where; the next run goes on from the last checkpoint.",
    "States.Permissions": "The state machine's role lacks a permission that the cause names: deploy the template again.",
}
UNKNOWN = "Read the log of the step that failed, then start the run again: it goes on where this one stopped."


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong. `where`: an entity or a step; `error`: its class; `cause`: one or a few sentences."""

    where: str
    error: str
    cause: str
    remedy: str


def problem(where: str, error: str, cause: str | None, remedy: str | None = None) -> Problem:
    """The problem that Step Functions reports as an error and a cause, unwrapped. `remedy`: what the step itself advises."""
    name, text = unwrap(error, cause or "")
    return Problem(where, name, text, remedy or REMEDIES.get(name, UNKNOWN))


def unwrap(error: str, cause: str) -> tuple[str, str]:
    """The error's class and its message: a function's cause is a JSON text around it, a Glue job's is the job run."""
    raw = _json_object(cause)
    if "errorMessage" in raw:
        return _class(raw.get("errorType") or error), str(raw["errorMessage"])
    if "JobName" in raw or "JobRunState" in raw:
        state = raw.get("JobRunState", "FAILED")
        said = raw.get("ErrorMessage") or "it gave no reason"
        return (
            "GlueJobFailed",
            f"the job {raw.get('JobName', '')} ended as {state} (run {raw.get('Id', 'unknown')}): {said}",
        )
    return _class(error), cause or "no cause was given"


def _class(error: str) -> str:
    """A Python class without its module; AWS's own names (`States.Timeout`) stay whole."""
    return (
        error if error.startswith(("States.", "Lambda.", "Runtime.", "Sandbox.", "Glue.")) else error.rpartition(".")[2]
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}
