"""Beam's options, checked: Beam only warns of an option it does not know, and then runs without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, _BeamArgumentParser

from driftline.config.errors import ConfigError, Problem, did_you_mean
from driftline.runners.direct import DIRECT_RUNNERS, LOCAL_RUNNER, STREAM_RUNNER
from driftline.runners.flink.options import STREAM_OPTIONS, overridden
from driftline.runners.job_server import FLINK_RUNNERS, JOB_SERVER_OPTIONS, JOB_SERVER_RUNNERS
from driftline.runners.prism import INSTALL_PRISM, prism_location

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence


def beam_options(args: Sequence[str], *, streaming: bool = False) -> PipelineOptions:
    """Read Beam's options and name every mistake in them.

    Parameters
    ----------
    args : sequence of str
        What stands after ``--`` on the command line. ``sys.argv`` is not looked at.
    streaming : bool
        Whether the job's source never ends.

    Returns
    -------
    PipelineOptions
        With the runner always named: the local one if none is given or it is ``DirectRunner``.

    Raises
    ------
    ConfigError
        If an option is unknown, has a wrong value, or something is no option at all.
    """
    parser = _Parser(
        allow_abbrev=False, prog="driftline ... --", usage="driftline COMMAND CONFIG -- [BEAM OPTIONS]"
    )
    for options in _option_classes():
        options._add_argparse_args(parser)  # noqa: SLF001  # as Beam's own get_all_options does
    known, unknown = parser.parse_known_args(list(args))
    runner = _runner(known.runner)
    problems = _unknown_problems(unknown, _flags(parser), job_server=_short(runner) in JOB_SERVER_RUNNERS)
    if problems:
        raise ConfigError("Beam options", problems)
    chosen = STREAM_RUNNER if streaming and runner == LOCAL_RUNNER else runner
    given = _for_a_stream(chosen, args, known) if streaming else args
    # The last one counts: this one, so that the runner never depends on Beam's default.
    return PipelineOptions([*given, f"--runner={chosen}"])


def _for_a_stream(runner: str, given: Sequence[str], known: Namespace) -> list[str]:
    """Add what a stream needs and nobody should have to remember."""
    if _short(runner) in FLINK_RUNNERS:
        return overridden(STREAM_OPTIONS, given)
    if runner != STREAM_RUNNER:
        return ["--streaming", *given]
    location = known.prism_location or prism_location()
    if location is None:
        remedy = f"install it once: {INSTALL_PRISM}; or run on a cluster: docs/how-to/flink.md"
        problem = Problem("--runner", "the local runner for streams, prism, is not installed", remedy)
        raise ConfigError("Beam options", [problem])
    # in its own process: what it says of its work is nothing that a user could act on
    ours = ["--streaming", "--environment_type=LOOPBACK", "--prism_log_level=error"]
    return [*ours, f"--prism_location={location}", *given]


def describe_runner(options: PipelineOptions) -> str:
    """Name the runner for a person."""
    runner = options.view_as(StandardOptions).runner.rsplit(".", 1)[-1]
    return f"{runner} (local, in this process)" if runner in {LOCAL_RUNNER, STREAM_RUNNER} else runner


class _Parser(_BeamArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it ends the program."""
        where, _, text = message.removeprefix("argument ").rpartition(": ")
        where, _, rest = where.partition(": ")
        remedy = "see what it takes: driftline monitor CONFIG -- --help"
        raise ConfigError("Beam options", [Problem(where, f"{rest}: {text}" if rest else text, remedy)])


def _option_classes() -> list[type[PipelineOptions]]:
    # By name: an interactive session or a reload may have defined a class twice.
    return list({str(options): options for options in PipelineOptions.__subclasses__()}.values())


def _flags(parser: _Parser) -> list[str]:
    return [flag for action in parser._actions for flag in action.option_strings]  # noqa: SLF001


def _short(runner: str) -> str:
    return runner.rsplit(".", 1)[-1].lower().removesuffix("runner")


def _runner(given: str | None) -> str:
    if given is None or _short(given) in DIRECT_RUNNERS:
        return LOCAL_RUNNER
    known = {_short(name): name for name in StandardOptions.KNOWN_RUNNER_NAMES}
    if "." in given or _short(given) in known:
        return given
    close = did_you_mean(given, known.values())
    listed = "write one of " + ", ".join(known.values()) + ", or a class with its module"
    remedy = f"did you mean `{close}`?" if close else listed
    raise ConfigError("Beam options", [Problem("--runner", "is not a runner", remedy, given)])


def _unknown_problems(unknown: list[str], flags: list[str], *, job_server: bool) -> list[Problem]:
    problems = []
    takes_value = False
    for arg in unknown:
        flag, equals, _ = arg.partition("=")
        if not arg.startswith("-"):
            if not takes_value:
                remedy = "Beam options look like --name=value; put a value that has spaces in quotes"
                problems.append(Problem(arg, "is not an option", remedy))
            takes_value = False
            continue
        name = flag.removeprefix("--")
        takes_value = name in JOB_SERVER_OPTIONS and not equals
        if name in JOB_SERVER_OPTIONS and job_server:
            continue
        if name in JOB_SERVER_OPTIONS:
            remedy = "remove it, or name such a runner: --runner=FlinkRunner or --runner=PortableRunner"
            problems.append(Problem(flag, "is for runners behind a job server only", remedy))
            continue
        takes_value = not equals  # the value of a misspelt option is not a second mistake
        close = did_you_mean(flag, [*flags, *(f"--{option}" for option in JOB_SERVER_OPTIONS if job_server)])
        remedy = (
            f"did you mean `{close}`?" if close else "list what there is: driftline monitor CONFIG -- --help"
        )
        problems.append(Problem(flag, "is not a Beam option", remedy))
    return problems
