"""The Beam options that matter for a driftline job on Flink, set in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PARALLELISM = 128
"""Flink's number of key groups; the Kafka source spreads its partitions over these."""


STREAM_OPTIONS = (
    "--streaming",
    # without checkpoints nothing survives, and a splittable source does not even go on
    "--checkpointing_interval=10000",
    # without it what is inside a bundle when a checkpoint starts is stuck for ever
    "--finish_bundle_before_checkpointing",
    # a source's remainder comes back only when its bundle closes: after each poll, soon. Not at each element:
    # a bundle costs more than what is done in it for one segment or shard
    "--max_bundle_size=1000",
    "--max_bundle_time_mills=10",
    # fixed, so that a job can be restored with another parallelism
    f"--max_parallelism={MAX_PARALLELISM}",
    "--max_cache_memory_usage_mb=100",
)
"""What every stream needs on a portable Flink runner, where the user does not say otherwise."""


def streaming_options(
    *,
    job_endpoint: str,
    worker_pool: str,
    artifact_endpoint: str | None = None,
    parallelism: int = 2,
    workers: int = 2,
    checkpoint_seconds: float = 10.0,
    unaligned: bool = False,
    state_cache_mb: int = 100,
) -> list[str]:
    """Options for one streaming job.

    Parameters
    ----------
    job_endpoint
        ``host:port`` of the Beam job server.
    worker_pool
        ``host:port`` of the worker pool *as seen from each task manager*: one beside each, on localhost.
    artifact_endpoint
        ``host:port`` of the job server's artifact service, where it differs from what the server announces.
    parallelism
        Subtasks of each step; at most the slots that are free in the cluster.
    workers
        Python processes a task manager: one per core, since each has its own interpreter lock.
    checkpoint_seconds
        Time between checkpoints. What was read since the last one is read again after a failure.
    unaligned
        Whether checkpoints overtake the data in flight. Bundles are a few milliseconds here, so aligned
        checkpoints do not wait long; unaligned ones would store whole batches of rows each time.
    state_cache_mb
        Memory, in MiB, in which each Python process keeps the state it has just used.

    Returns
    -------
    list of str
        What stands after ``--`` on driftline's command line.
    """
    options = [
        "--runner=PortableRunner",
        f"--job_endpoint={job_endpoint}",
        "--environment_type=EXTERNAL",
        f"--environment_config={worker_pool}",
        f"--parallelism={parallelism}",
        f"--sdk_worker_parallelism={workers}",
        f"--checkpointing_interval={round(checkpoint_seconds * 1000)}",
        f"--max_cache_memory_usage_mb={state_cache_mb}",
    ]
    options = overridden(STREAM_OPTIONS, options)
    if artifact_endpoint:
        options.append(f"--artifact_endpoint={artifact_endpoint}")
    if unaligned:
        options.append("--unaligned_checkpoint_enabled")
    return options


def overridden(options: Sequence[str], more: Sequence[str]) -> list[str]:
    """Options of which later ones replace earlier ones of the same name.

    Beam hands both to the job server, which takes either.

    >>> overridden(["--parallelism=2", "--streaming"], ["--parallelism=1"])
    ['--streaming', '--parallelism=1']
    """
    names = {option.partition("=")[0] for option in more}
    return [*(option for option in options if option.partition("=")[0] not in names), *more]
