"""The start of an extract function: its handler's module and its clients, as a new process has them."""

import time

clock, cpu = time.perf_counter(), time.process_time()

from lake.extract import handler  # noqa: E402

FUNCTION = handler.handler_for("odata")
CLIENTS = handler._clients()
SECONDS, CPU = time.perf_counter() - clock, time.process_time() - cpu

from bench.measuring import Sample, Task, peak_mib, write  # noqa: E402

write(Task.told(), Sample(SECONDS, CPU, peak_mib()))
