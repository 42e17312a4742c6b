"""The least start that such a function can have: Arrow, the AWS SDK, and the same clients."""

import time

clock, cpu = time.perf_counter(), time.process_time()

import boto3  # noqa: E402
import pyarrow  # noqa: E402, F401

CLIENTS = [boto3.client("s3"), boto3.client("dynamodb"), boto3.client("secretsmanager")]
SECONDS, CPU = time.perf_counter() - clock, time.process_time() - cpu

from bench.measuring import Sample, Task, peak_mib, write  # noqa: E402

write(Task.told(), Sample(SECONDS, CPU, peak_mib()))
