"""The emulator's functions that the additions replace or call, as they were when the additions were written.

They are private to MiniStack, so that any release may change them: its version is pinned, and what differs is named
here instead of failing somewhere inside a run.
"""

import importlib
import inspect
import re
from collections.abc import Mapping
from importlib.metadata import version

VERSION = "1.5.33"

EXPECTED: Mapping[str, str] = {
    "ministack.app:main": "()",
    "ministack.app:pin_request_origin": "(source_ip: str, secure_transport: bool) -> None",
    "ministack.core.iam_actions:extract_resource_arn": (
        "(service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict, region: str, "
        "account_id: str) -> str"
    ),
    "ministack.core.iam_evaluator:enforce": (
        "(access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = '*', "
        "service_context: dict[str, typing.Any] | None = None)"
        " -> ministack.core.iam_evaluator.EvalResult | ministack.core.iam_evaluator.AuthError | None"
    ),
    "ministack.core.iam_evaluator:resolve_credential": (
        "(access_key_id: str, account_id: str | None = None, session_token=...)"
        " -> ministack.core.iam_evaluator.ResolvedCredential | ministack.core.iam_evaluator.CredentialResolutionError"
    ),
    "ministack.services.athena:_materialize_table_files": "(location, workdirs)",
    "ministack.services.athena:_rewrite_data_paths": "(query, database, catalog=None)",
    "ministack.services.athena:_run_duckdb": "(query, database, catalog=None)",
    "ministack.services.athena:_table_relation": "(table_data, files)",
    "ministack.services.cloudformation.provisioners:_glue_job_fields": "(props)",
    "ministack.services.cloudformation.provisioners:_sfn_definition": "(props)",
    "ministack.services.glue:_batch_stop_job_run": "(data)",
    "ministack.services.glue:_create_job": "(data)",
    "ministack.services.glue:_get_job_run": "(data)",
    "ministack.services.glue:_is_spark_job": "(job)",
    "ministack.services.glue:_start_crawler": "(data)",
    "ministack.services.glue:_start_job_run": "(data)",
    "ministack.services.glue:_update_job": "(data)",
    "ministack.services.lambda_svc:_execute_function_warm": "(func: dict, event: dict, request_id: str) -> dict",
    "ministack.services.stepfunctions:_ExecutionError.__init__": "(self, error, cause)",
    "ministack.services.stepfunctions:_add_event": "(execution, event_type, details=None)",
    "ministack.services.stepfunctions:_execute_task": "(state_def, raw_input, execution, ctx)",
    "ministack.services.stepfunctions:_invoke_resource": "(resource, input_data)",
    "ministack.services.stepfunctions:_run_sub_machine": "(states, start_at, input_data, execution, ctx)",
}


class EmulatorChanged(RuntimeError):
    """The installed emulator is not the one that the additions were written for."""


def found(name: str) -> str:
    """The signature of `module:name`, defaults that are objects shown as dots; "missing" where there is none."""
    module, _, path = name.partition(":")
    value: object = importlib.import_module(module)
    for part in path.split("."):
        value = getattr(value, part, None)
    if not callable(value):
        return "missing"
    return re.sub(r"<object object at \w+>", "...", str(inspect.signature(value)))


def check(expected: Mapping[str, str] = EXPECTED, installed: str | None = None) -> None:
    """Raise `EmulatorChanged`, with every function that differs, unless the emulator is the known one."""
    actual = installed or version("ministack")
    if actual != VERSION:
        raise EmulatorChanged(
            f"ministack {actual} is installed, but local/emulator is written for {VERSION}: install that version, "
            "or go through local/emulator/signatures.py against the new sources and raise VERSION"
        )
    changed = [f"{name} is {found(name)}, was {was}" for name, was in expected.items() if found(name) != was]
    if changed:
        raise EmulatorChanged(
            "functions of the emulator that local/emulator replaces have changed: " + "; ".join(changed)
        )
