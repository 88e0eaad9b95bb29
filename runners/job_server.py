"""Runners behind a Java job server: Flink, Spark, portable."""

from __future__ import annotations

JOB_SERVER_RUNNERS = frozenset({"flink", "portable", "spark"})
"""Runners of this kind, in lower case and without ``runner``."""

FLINK_RUNNERS = frozenset({"flink", "portable"})
"""Those of them that run streams here."""

JOB_SERVER_OPTIONS = frozenset(
    {
        "allow_non_restored_state",
        "attached_mode",
        "auto_balance_write_files_sharding_enabled",
        "auto_watermark_interval",
        "block_on_job_termination",
        "checkpoint_timeout_millis",
        "checkpointing_interval",
        "checkpointing_mode",
        "disable_metrics",
        "enable_stable_input_drain",
        "execution_mode_for_batch",
        "execution_retry_delay",
        "externalized_checkpoints_enabled",
        "fail_on_checkpointing_errors",
        "faster_copy",
        "finish_bundle_before_checkpointing",
        "flink_conf_dir",
        "force_slot_sharing_group",
        "force_unaligned_checkpoint_enabled",
        "job_check_interval_in_secs",
        "latency_tracking_interval",
        "max_bundle_size",
        "max_bundle_time_mills",
        "min_pause_between_checkpoints",
        "number_of_concurrent_checkpoints",
        "number_of_execution_retries",
        "object_reuse",
        "operator_chaining",
        "re_iterable_group_by_key_result",
        "retain_externalized_checkpoints_on_cancellation",
        "savepoint_path",
        "shutdown_sources_after_idle_ms",
        "state_backend",
        "state_backend_storage_path",
        "tolerable_checkpoint_failure_number",
        "unaligned_checkpoint_enabled",
    },
)
"""Options that only the Java job server knows: Beam's Python side hands them on unread."""
