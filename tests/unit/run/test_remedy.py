"""Errors as Step Functions wraps them, in words."""

import json

import pytest

from lake.curate import errors as curate_errors
from lake.extract import errors as extract_errors
from lake.run.remedy import REMEDIES, UNKNOWN, problem


def test_a_functions_error_is_unwrapped_to_its_class_and_message() -> None:
    cause = json.dumps({"errorMessage": "erp answered 401", "errorType": "SourceAuthError", "stackTrace": ["..."]})
    found = problem("erp.sales_order", "SourceAuthError", cause)
    assert (found.error, found.cause) == ("SourceAuthError", "erp answered 401")
    assert "ErpSecretArn" in found.remedy


def test_a_glue_jobs_error_names_job_run_and_its_own_message() -> None:
    cause = json.dumps(
        {"JobName": "lake-curate", "Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "NothingCurated: all"}
    )
    found = problem("Curate", "States.TaskFailed", cause)
    assert found.error == "GlueJobFailed"
    assert found.cause == "the job lake-curate ended as FAILED (run jr_1): NothingCurated: all"


def test_a_job_that_gave_no_reason_says_so() -> None:
    found = problem("Curate", "States.TaskFailed", json.dumps({"JobName": "lake-curate", "JobRunState": "TIMEOUT"}))
    assert found.cause == "the job lake-curate ended as TIMEOUT (run unknown): it gave no reason"


@pytest.mark.parametrize("cause", ["just text", "", None, "[1, 2]", '"text"'])
def test_a_cause_that_is_no_wrapping_is_kept(cause: str | None) -> None:
    assert problem("PlanWork", "States.Timeout", cause).cause == (cause or "no cause was given")


def test_a_class_is_named_without_its_module() -> None:
    assert problem("crm.account", "botocore.exceptions.ClientError", "denied").error == "ClientError"


def test_a_steps_own_remedy_is_preferred() -> None:
    assert (
        problem("erp.sales_order", "SweepBrake", "60 of 100 gone", "look at the source").remedy == "look at the source"
    )


def test_an_unknown_error_still_says_what_to_do() -> None:
    assert problem("crm.account", "ZeroDivisionError", "division by zero").remedy == UNKNOWN


def test_each_error_that_extraction_raises_has_a_remedy() -> None:
    kinds = {extract_errors.ExtractError, extract_errors.BadRequest, extract_errors.OutOfTime}
    raised = {
        name
        for name, kind in vars(extract_errors).items()
        if isinstance(kind, type) and issubclass(kind, extract_errors.ExtractError) and kind not in kinds
    }
    assert raised - set(REMEDIES) == set()


def test_each_error_that_curate_raises_brings_its_remedy_itself() -> None:
    error = curate_errors.SweepBrake("60 of 100 keys are gone", "look at the source")
    assert error.remedy == "look at the source"
