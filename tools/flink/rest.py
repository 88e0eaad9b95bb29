"""What Flink's REST interface tells and takes."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tools.processes import wait_until

_FINAL = frozenset({"FINISHED", "CANCELED", "FAILED"})


class FlinkError(RuntimeError):
    """Flink refused a request, or a job is not in the state it should be in."""


@dataclass(frozen=True)
class FlinkRest:
    """A client of one job manager.

    Parameters
    ----------
    url
        ``http://host:port``.
    """

    url: str

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """Send one request and read the JSON answer.

        Raises
        ------
        FlinkError
            If Flink answers with an error; with its text.
        OSError
            If nobody answers.
        """
        request = urllib.request.Request(  # noqa: S310  # always http
            self.url + path,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise FlinkError(f"{method or 'GET'} {path}: {error.read().decode(errors='replace')}") from None
        return json.loads(text) if text else {}

    def answers(self) -> bool:
        """Whether the job manager can be asked."""
        try:
            self.ask("/overview")
        except (OSError, FlinkError):
            return False
        return True

    def task_managers(self) -> list[dict[str, Any]]:
        """The registered task managers."""
        return self.ask("/taskmanagers")["taskmanagers"]

    def jobs(self) -> dict[str, str]:
        """The state of every job: id to ``RUNNING``, ``RESTARTING``, ``CANCELED``, ..., newest first."""
        jobs = sorted(self.ask("/jobs/overview")["jobs"], key=lambda job: -job["start-time"])
        return {job["jid"]: job["state"] for job in jobs}

    def running_jobs(self) -> list[str]:
        """Ids of the jobs that have not ended, newest first."""
        return [job for job, state in self.jobs().items() if state not in _FINAL]

    def job(self, job_id: str) -> dict[str, Any]:
        """All that Flink shows of a job: state, timestamps, its vertices and their subtasks' counts."""
        return self.ask(f"/jobs/{job_id}")

    def wait_running(self, job_id: str | None = None, seconds: float = 120.0) -> str:
        """Wait until a job and *all* its subtasks run.

        Parameters
        ----------
        job_id
            Without it the newest that has not ended: a submitted job is known to Flink a little later.

        Raises
        ------
        FlinkError
            If the job ends instead; with the reason.
        """
        found = [job_id] if job_id else []

        def running() -> bool:
            if not found:
                found.extend(self.running_jobs()[:1])
            if not found:
                return False
            job = self.job(found[0])
            if job["state"] in _FINAL:
                raise FlinkError(f"job {found[0]} is {job['state']}\n{self.exceptions(found[0])}")
            return job["state"] == "RUNNING" and all(
                vertex["status"] in ("RUNNING", "FINISHED") for vertex in job["vertices"]
            )

        wait_until(running, seconds, f"job {job_id or ''} to run")
        return found[0]

    def exceptions(self, job_id: str) -> str:
        """The newest failure of a job, with its stack trace."""
        entries = self.ask(f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return entries[0]["stacktrace"] if entries else ""

    def failures(self, job_id: str) -> int:
        """How often the job has restarted; told up to ten seconds later."""
        return int(self.job_metrics(job_id, "numRestarts").get("numRestarts", 0))

    def cancel(self, job_id: str, seconds: float = 60.0) -> None:
        """Cancel a job: it stops where it is and its last checkpoint stays. Waits for the end."""
        self.ask(f"/jobs/{job_id}?mode=cancel", method="PATCH")
        wait_until(lambda: self.jobs().get(job_id) in _FINAL, seconds, f"the end of job {job_id}")

    def stop_with_savepoint(self, job_id: str, *, drain: bool = False, seconds: float = 120.0) -> str:
        """Stop a job with a savepoint and return its path, for ``--savepoint_path`` of the next one.

        Parameters
        ----------
        drain
            Whether windows fire before the end; a drained job must not be continued from the savepoint.
        """
        trigger = self.ask(f"/jobs/{job_id}/stop", {"drain": drain}, "POST")["request-id"]
        return self._savepoint(job_id, trigger, seconds)

    def savepoint(self, job_id: str, *, cancel: bool = False, seconds: float = 120.0) -> str:
        """Take a savepoint, of a job that goes on or (`cancel`) is cancelled with it, and return its path."""
        trigger = self.ask(f"/jobs/{job_id}/savepoints", {"cancel-job": cancel}, "POST")["request-id"]
        return self._savepoint(job_id, trigger, seconds)

    def _savepoint(self, job_id: str, trigger: str, seconds: float) -> str:
        end = time.monotonic() + seconds
        while True:
            answer = self.ask(f"/jobs/{job_id}/savepoints/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                break
            if time.monotonic() > end:
                raise FlinkError(f"no savepoint of job {job_id} after {seconds:g} s")
            time.sleep(0.2)
        if "location" not in answer["operation"]:
            raise FlinkError(f"savepoint of job {job_id} failed: {answer['operation'].get('failure-cause')}")
        return answer["operation"]["location"]

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Counts, summary and history of a job's checkpoints.

        ``["counts"]["completed"]``, ``["summary"]["end_to_end_duration"]["max"]`` (ms),
        ``["latest"]["completed"]["state_size"]`` (bytes).
        """
        return self.ask(f"/jobs/{job_id}/checkpoints")

    def wait_checkpoint(self, job_id: str, seconds: float = 60.0) -> None:
        """Wait until one more checkpoint has begun and completed."""
        # not the count of all: attempts before all tasks run are counted but get no number
        started = max((each["id"] for each in self.checkpoints(job_id)["history"]), default=0)

        def completed() -> bool:
            latest = self.checkpoints(job_id)["latest"]["completed"]
            return latest is not None and latest["id"] > started

        wait_until(completed, seconds, f"a checkpoint of job {job_id}")

    def job_metrics(self, job_id: str, *names: str) -> dict[str, str]:
        """Values of Flink's metrics of one job."""
        answer = self.ask(f"/jobs/{job_id}/metrics?get={','.join(names)}")
        return {metric["id"]: metric["value"] for metric in answer}

    def metrics(self, job_id: str, contains: str = "driftline") -> dict[str, float]:
        """Sums over subtasks of every numeric metric whose name contains a text.

        The name of the operator before the last dot is cut off, so that one counter in two vertices is one
        entry: ``driftline_decoded``. Flink brings these up to date every ten seconds.
        """
        sums: dict[str, float] = {}
        for vertex in self.job(job_id)["vertices"]:
            path = f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/metrics"
            names = [metric["id"] for metric in self.ask(path) if contains in metric["id"]]
            for first in range(0, len(names), 50):
                for metric in self.ask(f"{path}?get={quote(','.join(names[first : first + 50]))}&agg=sum"):
                    name = metric["id"].rpartition(".")[2]
                    sums[name] = sums.get(name, 0.0) + float(metric["sum"])
        return sums
