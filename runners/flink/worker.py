"""Start one Python worker as Beam's containers do: with the job's options, and its log sent to Flink.

The worker pool on its own starts workers that know no options: they would keep no state in memory, whatever
``--max_cache_memory_usage_mb`` says.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from typing import TYPE_CHECKING

import grpc  # type: ignore[import-untyped]
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc, endpoints_pb2
from apache_beam.runners.worker import sdk_worker_main
from google.protobuf import json_format, text_format  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 60.0


def environment(arguments: Sequence[str]) -> dict[str, str]:
    """Read what the worker pool passes, and ask the runner for the rest.

    Parameters
    ----------
    arguments
        Beam's container contract: ``--id``, ``--control_endpoint``, ``--logging_endpoint``,
        ``--provision_endpoint`` and others.

    Returns
    -------
    dict of str to str
        The variables that `sdk_worker_main` reads.

    Raises
    ------
    grpc.RpcError
        If the runner does not answer.
    """
    parser = argparse.ArgumentParser(prog="python -m driftline.runners.flink.worker")
    for name in ("id", "control_endpoint", "logging_endpoint", "provision_endpoint"):
        parser.add_argument(f"--{name}", required=True)
    given, _ = parser.parse_known_args(arguments)
    with grpc.insecure_channel(given.provision_endpoint) as channel:
        info = (
            beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
            .GetProvisionInfo(
                beam_provision_api_pb2.GetProvisionInfoRequest(),
                metadata=[("worker_id", given.id)],
                timeout=_SECONDS,
            )
            .info
        )
    return {
        "WORKER_ID": given.id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(given.control_endpoint),
        "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(given.logging_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }


def _descriptor(url: str) -> str:
    return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))


def main() -> None:
    """Run until the runner has no more work, or is gone."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the pool does not read it: a full pipe would stop us
    code = 1
    try:
        os.environ.update(environment(sys.argv[1:]))
        sdk_worker_main.main([])
        code = 0
    except grpc.RpcError as error:
        sys.stderr.write(f"the task manager is gone: {error.code()}\n")
    except BaseException:  # noqa: BLE001  # the process ends below, whatever it was
        traceback.print_exc()
    finally:
        # threads of steps that wait for a dead task manager would keep the process for ever
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
