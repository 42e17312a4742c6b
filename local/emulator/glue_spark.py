"""Glue job runs that run: each is a Python process of its own beside a Spark JVM, under the job's role, with Glue's arguments."""

import contextvars
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import glue
from ministack.services.cloudformation import provisioners

from local.emulator import service_role
from local.emulator.answers import Answer, answered, refused
from local.emulator.glue_logs import keep_logs
from local.emulator.settings import EmulatorSettings
from local.emulator.spark_pool import Job, Outcome, SparkPool, Worker

logger = logging.getLogger("local.glue")
ACTIVE = ("STARTING", "RUNNING", "STOPPING")

Handler = Callable[[dict[str, Any]], Answer]


@dataclass
class GlueRuns:
    """Glue's StartJobRun and BatchStopJobRun for Spark jobs, in place of the emulator's."""

    settings: EmulatorSettings
    pool: SparkPool
    start_other: Handler
    stop_other: Handler
    workers: dict[str, Worker] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, data: dict[str, Any]) -> Answer:
        name = data.get("JobName", "")
        job = glue._jobs.get(name)
        if job is None or not glue._is_spark_job(job):
            return self.start_other(data)
        with self.lock:
            runs = glue._job_runs.setdefault(name, [])
            allowed = job.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)
            if sum(run["JobRunState"] in ACTIVE for run in runs) >= allowed:
                return refused("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
            run = _new_run(job, data)
            runs.insert(0, run)
        self._in_background(self._execute, run, job)
        return answered({"JobRunId": run["Id"]})

    def stop(self, data: dict[str, Any]) -> Answer:
        """The emulator marks the runs; their processes are ended here."""
        with self.lock:
            answer = self.stop_other(data)
            stopped = [item["JobRunId"] for item in json.loads(answer[2])["SuccessfulSubmissions"]]
            for worker in [self.workers[run_id] for run_id in stopped if run_id in self.workers]:
                worker.end()  # before it can be another run's
        return answer

    def _execute(self, run: dict[str, Any], job: dict[str, Any]) -> None:
        try:
            outcome = self._run(run, job)
        except ClientError as error:
            outcome = Outcome("FAILED", f"{error.response['Error']['Code']}: {error.response['Error']['Message']}")
        except Exception as error:
            logger.exception("the run %s of %s could not be carried out", run["Id"], run["JobName"])
            outcome = Outcome("FAILED", f"{type(error).__name__}: {error}")
        if run["JobRunState"] in ACTIVE:
            run["JobRunState"], run["ErrorMessage"] = outcome.state, outcome.message
        now = time.time()
        run["CompletedOn"] = run["LastModifiedOn"] = int(now)
        run["ExecutionTime"] = round(now - run["StartedOn"])
        logger.info("Glue job %s run %s: %s %s", run["JobName"], run["Id"], run["JobRunState"], run["ErrorMessage"])

    def _run(self, run: dict[str, Any], job: dict[str, Any]) -> Outcome:
        role = service_role.assume(self.settings, job["Role"], "glue.amazonaws.com", "GlueJobRunnerSession")
        worker = self.pool.take()
        folder = worker.folder
        try:
            with self.lock:
                if run["JobRunState"] == "STOPPED":
                    return Outcome("STOPPED")
                run["JobRunState"] = "RUNNING"
                self.workers[run["Id"]] = worker
            self._name_after(run, folder)
            arguments = {**run["Arguments"], "--JOB_NAME": run["JobName"], "--JOB_RUN_ID": run["Id"]}
            return worker.run(Job(job["Command"]["ScriptLocation"], arguments, role), run["Timeout"] * 60)
        finally:
            with self.lock:
                self.workers.pop(run["Id"], None)
            self.pool.give_back(worker)
            keep_logs(self.settings, role, run, folder)

    def _name_after(self, run: dict[str, Any], folder: Path) -> None:
        """`logs/glue/<job>/<run id>` leads to the folder of the run: its processes' pids, and its logs."""
        link = self.settings.logs / "glue" / re.sub(r"[^\w.-]", "_", run["JobName"]) / run["Id"]
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)

    @staticmethod
    def _in_background(work: Callable[..., None], *arguments: object) -> None:
        """The emulator keeps account and region in context variables, which threads don't inherit."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work, *arguments), daemon=True).start()


def install(settings: EmulatorSettings, pool: SparkPool) -> None:
    runs = GlueRuns(settings, pool, glue._start_job_run, glue._batch_stop_job_run)
    glue._start_job_run = runs.start
    glue._batch_stop_job_run = runs.stop
    _keep_execution_property()


def _keep_execution_property() -> None:
    """The emulator drops a job's `ExecutionProperty`; the limit of concurrent runs stands in it."""
    provisioners._GLUE_JOB_DEFAULTS["ExecutionProperty"] = {"MaxConcurrentRuns": 1}
    create, update = glue._create_job, glue._update_job

    def create_job(data: dict[str, Any]) -> Answer:
        answer: Answer = create(data)
        _set_execution_property(data.get("Name", ""), data)
        return answer

    def update_job(data: dict[str, Any]) -> Answer:
        answer: Answer = update(data)
        _set_execution_property(data.get("JobName", ""), data.get("JobUpdate", {}))
        return answer

    glue._create_job, glue._update_job = create_job, update_job


def _set_execution_property(name: str, data: dict[str, Any]) -> None:
    if name in glue._jobs and "ExecutionProperty" in data:
        glue._jobs[name]["ExecutionProperty"] = data["ExecutionProperty"]


def _new_run(job: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {
        "Id": f"jr_{secrets.token_hex(32)}",
        "Attempt": 0,
        "JobName": job["Name"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": {**job.get("DefaultArguments", {}), **data.get("Arguments", {})},
        "ErrorMessage": "",
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "Timeout": data.get("Timeout") or job.get("Timeout", 480),
        "MaxCapacity": job.get("MaxCapacity"),
        "WorkerType": job.get("WorkerType", "G.1X"),
        "NumberOfWorkers": job.get("NumberOfWorkers", 2),
        "LogGroupName": job.get("DefaultArguments", {}).get("--custom-logGroup-prefix", "/aws-glue/jobs"),
        "GlueVersion": job.get("GlueVersion", "6.0"),
    }
