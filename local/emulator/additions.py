"""Puts all additions into the emulator, after its version and the functions they replace have been checked."""

from local.emulator import signatures
from local.emulator.settings import EmulatorSettings
from local.emulator.spark_pool import SparkPool
from local.toolchain.jvm import Toolchain


def install(settings: EmulatorSettings, toolchain: Toolchain) -> SparkPool:
    """Raises `signatures.EmulatorChanged` by name where the emulator is not the known one."""
    signatures.check()
    # MiniStack reads its environment as it is imported: not before the check, and never at this module's top.
    from local.emulator import (  # noqa: PLC0415
        athena_iceberg,
        branch_history,
        calls,
        crawler,
        function_errors,
        glue_resources,
        glue_spark,
        glue_sync,
        secure_transport,
        state_machine_yaml,
    )

    pool = SparkPool(settings, toolchain)
    glue_resources.install()
    calls.install(settings.calls)  # after it: what is written down is the whole judgement
    secure_transport.install()
    state_machine_yaml.install()
    branch_history.install()
    function_errors.install()
    glue_spark.install(settings, pool)
    glue_sync.install()
    crawler.install(settings)
    athena_iceberg.install(settings, toolchain)
    return pool
