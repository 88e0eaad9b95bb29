"""The command line: ``driftline init | validate | baseline | backtest | monitor | report``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import logging
import re
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from driftline.config.errors import ConfigError, Problem, did_you_mean
from driftline.pipelines.interrupts import INTERRUPTED
from driftline.registry import UnusableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.config import Config

DONE, FAILED, USAGE = 0, 1, 2
"""Exit codes, beside `INTERRUPTED`."""

_LONGEST_CAUSE = 600
_WHILE = re.compile(r" \[while running '[^']*'\]$")


@dataclass
class Invocation:
    """What does not belong to one command: what Beam gets, and how failures are shown."""

    beam_args: tuple[str, ...]
    traceback: bool = False


class _Commands(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the command that was probably meant."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            close = did_you_mean(args[0], self.list_commands(ctx))
            hint = f"did you mean `{close}`?" if close else "commands: " + ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"no command `{args[0]}`: {hint}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order in which a newcomer needs them."""
        return list(self.commands)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Documentation of the configuration: docs/configuration.md; of the rows: docs/result_rows.md.",
)
@click.option("--traceback", is_flag=True, help="When a job fails, show where in the code.")
@click.version_option(package_name="driftline")
@click.pass_obj
def driftline(invocation: Invocation, *, traceback: bool) -> None:
    """Drift monitoring for production models.

    One YAML file says what to monitor. Then:

    \b
      driftline init     DATA             suggest a configuration
      driftline validate config.yaml      is the file right?
      driftline baseline config.yaml      learn from past data what is normal
      driftline backtest config.yaml      judge recorded data, window by window
      driftline report   out/             look at the results in a browser
      driftline monitor  config.yaml      judge what the source holds, into the configured sinks

    Everything after a lone -- goes to Apache Beam, for example to use two processes:

    \b
      driftline monitor config.yaml -- --direct_num_workers=2 --direct_running_mode=multi_processing

    \b
    Exit codes:
      0    done
      1    the job failed
      2    wrong usage or configuration: the message says what and how to repair it
      130  interrupted by Ctrl-C
    """
    invocation.traceback = traceback


@driftline.command(short_help="Suggest a configuration for data.")
@click.argument("data")
@click.option(
    "--output", metavar="CONFIG", default="driftline.yaml", help="The file. Default: driftline.yaml."
)
@click.pass_obj
def init(invocation: Invocation, data: str, output: str) -> None:
    """Write a configuration for DATA, a file or a pattern of files.

    It names the event time and how it is read, the request id, prediction and label where there are such,
    segments, features and their kinds, and windows of the data's own rhythm. What is left out is in it as
    comments, with the reason. The last third of the time is kept from the baseline, to be judged by it.

    \b
    Example, from nothing to a report:
      driftline init 'log/*.parquet'
      driftline baseline driftline.yaml
      driftline backtest driftline.yaml
      driftline report out/
    """
    _refuse_beam_args(invocation, "init")
    from driftline.pipelines.init import write_suggestion

    found = write_suggestion(data, output)
    roles = found.roles
    counted = f"{len(roles.features)} features, {len(roles.left_out)} columns left out"
    click.echo(
        f"{output}: event time {found.time.name}, {counted}; read it, then: driftline baseline {output}"
    )


@driftline.command(short_help="Check a configuration.")
@click.argument("config")
@click.pass_obj
def validate(invocation: Invocation, config: str) -> None:
    """Check CONFIG and, where they exist already, its input and baseline.

    Every mistake in the file is named at once, with the key, the line, the value and what to do; then
    the columns of the input and the baseline are held against it. Nothing is written and
    no job is started. Values from the environment (${NAME}) are checked but never shown.

    \b
    Example:
      driftline validate config.yaml
    """
    _refuse_beam_args(invocation, "validate")
    from driftline.config import load_config

    settings = load_config(config)
    from driftline.pipelines.auto_features import with_auto_features
    from driftline.pipelines.validate import validate_config

    settings, left_out = with_auto_features(settings, learn=False)
    remarks = [*left_out, *validate_config(settings)]
    click.echo(f"{config}: valid ({_summary(settings)})")
    for remark in remarks:
        click.echo(f"  {remark}")


@driftline.command(short_help="Learn from past data what is normal.")
@click.argument("config")
@click.option("--input", "pattern", metavar="PATTERN", help="Files of past data. Default: source.")
@click.option("--labels", metavar="PATTERN", help="Files of its labels. Default: labels.source.")
@click.option("--output", metavar="PATH", help="The baseline file to write. Default: baseline.path.")
@click.option("--refit", is_flag=True, help="Fit its nulls anew from what is kept beside it; read no events.")
@click.pass_obj
def baseline(
    invocation: Invocation,
    config: str,
    pattern: str | None,
    labels: str | None,
    output: str | None,
    *,
    refit: bool,
) -> None:
    """Build the baseline of CONFIG from past data that is taken as normal.

    Reads the data twice, fixes bins, counts every feature of every segment, and learns from the
    data's own windows how much they differ when nothing drifts. Give it at least 30 windows of past data:
    with fewer than 10, p-values are an indication and no more.

    A source without end, of events or of labels, is read to its present end: kafka from its start, or from
    the earliest message where that is `latest`.

    With --refit the baseline stays what it is, and gets the tests of this release: after an upgrade, or after
    a change of `tests.min_n`, `baseline.season` or `baseline.exclude`.

    \b
    Examples:
      driftline baseline config.yaml
      driftline baseline config.yaml --input 'log/2013-0[1-6]*.avro' --output baseline.avro
      driftline baseline config.yaml --refit
      driftline baseline config.yaml -- --direct_num_workers=4 --direct_running_mode=multi_processing
    """
    settings = _load(config, pattern, labels, learn=not refit)
    path = output or settings.baseline.path
    if refit:
        if pattern or labels:
            raise click.UsageError("--refit reads no events: leave out --input and --labels")
        from driftline.pipelines.baseline import refit_baseline

        done, remarks = refit_baseline(settings, path)
        kept = f", {done.kept} kept as they were" if done.kept else ""
        kept += f", {done.emptied} without any: all their windows are excluded" if done.emptied else ""
        click.echo(f"{done.fitted} nulls fitted anew{kept}: baseline written to {path}")
        for remark in remarks:
            click.echo(f"  {remark}")
        return
    options = _options(invocation)
    from driftline.pipelines.baseline import build_baseline

    outcome = build_baseline(settings, options, click.echo, output=path)
    _finished(outcome, f"baseline written to {path}")


@driftline.command("import-tdigest", short_help="Make a baseline of t-digests you already have.")
@click.argument("config")
@click.argument("digests", metavar="DIGESTS.json")
@click.option("--output", metavar="PATH", help="The baseline file to write. Default: baseline.path.")
@click.pass_obj
def import_tdigest(invocation: Invocation, config: str, digests: str, output: str | None) -> None:
    """Make the baseline of CONFIG from digests of the Python package tdigest.

    DIGESTS.json is an object of TDigest.to_dict() by feature name. The baseline knows quantiles of all
    traffic and nothing of how windows differ: results carry effect sizes, and nothing is called drifted.

    \b
    Example:
      driftline import-tdigest config.yaml digests.json
    """
    _refuse_beam_args(invocation, "import-tdigest")
    settings = _load(config)
    from driftline.pipelines.baseline import import_baseline

    path = output or settings.baseline.path
    import_baseline(settings, digests, path)
    click.echo(f"baseline written to {path}")


@driftline.command(short_help="Judge recorded data, window by window.")
@click.argument("config")
@click.option("--input", "pattern", metavar="PATTERN", help="Files to judge. Default: source.files.pattern.")
@click.option("--labels", metavar="PATTERN", help="Files of labels. Default: labels.source.")
@click.option(
    "--output", metavar="DIR", help="Folder for the results. Default: the path of the first files sink."
)
@click.pass_obj
def backtest(
    invocation: Invocation, config: str, pattern: str | None, labels: str | None, output: str | None
) -> None:
    """Judge recorded data with the baseline of CONFIG: the monitor job on input that ends.

    A source without end is read to its present end: kafka from its start, or from the earliest message
    where that is `latest`.

    Leaves results.parquet (one row for every segment, feature and window) and dead_letters.parquet (what
    could not be read, and why) in DIR, with labels performance.parquet, with detectors detections.parquet.
    Under these names there are only ever whole files.

    \b
    Examples:
      driftline backtest config.yaml --output out/
      driftline backtest config.yaml --input 'log/2013-1*.avro' --output out/
      driftline report out/
    """
    settings = _load(config, pattern, labels)
    options = _options(invocation)
    folders = (sink.files.path for sink in settings.sinks if sink.kind == "files")
    directory = output or next(folders, None)
    if directory is None:
        remedy = "give --output DIR, or add to the configuration `sinks: [files: {path: out/}]`"
        raise ConfigError(
            "command line", [Problem("--output", "is missing, and there is no files sink", remedy)]
        )
    from driftline.pipelines.backtest import run_backtest

    outcome = run_backtest(settings, options, output=directory)
    _finished(outcome, f"results written to {directory}; look at them: driftline report {directory}")


@driftline.command(short_help="Judge what the source holds, into the sinks.")
@click.argument("config")
@click.pass_obj
def monitor(invocation: Invocation, config: str) -> None:
    """Run the monitoring job of CONFIG: from its source, against its baseline, into its sinks.

    A source that ends, such as files, ends the job. With one that does not, such as kafka, the job runs
    until it is stopped: on this machine Ctrl-C stops it; on a Flink cluster Ctrl-C ends the watching and the
    job goes on.

    \b
    Examples:
      driftline monitor config.yaml
      driftline monitor config.yaml -- --direct_num_workers=2 --direct_running_mode=multi_processing
      driftline monitor kafka.yaml -- --runner=FlinkRunner --flink_master=flink:8081
    """
    settings = _load(config)
    if not settings.sinks:
        remedy = "say where results go: `sinks: [files: {path: out/}]`"
        raise ConfigError(config, [Problem("sinks", "is missing, and monitor writes nowhere else", remedy)])
    from driftline.pipelines.configured_sources import check_events, source_of

    if not source_of(settings.source).endless:
        from driftline.pipelines.monitor import run_monitor

        outcome = run_monitor(settings, _options(invocation))
    else:
        check_events(settings, bounded=False)  # before a runner for streams is looked for
        from driftline.pipelines.stream import StreamStopped, run_stream

        try:
            outcome = run_stream(settings, _options(invocation, streaming=True), click.echo)
        except StreamStopped as stopped:
            _finished(stopped.outcome, str(stopped))
            raise click.exceptions.Exit(INTERRUPTED) from None
    _finished(outcome, f"results written to {_places(settings)}")


@driftline.command(short_help="Write one HTML page about the results.")
@click.argument("directory", metavar="DIR")
@click.option("--output", metavar="FILE.html", help="The file to write. Default: report.html in DIR.")
@click.pass_obj
def report(invocation: Invocation, directory: str, output: str | None) -> None:
    """Write one HTML page about the results in DIR, where `driftline backtest` left them.

    The page opens without a network: what drifted when and how, every statistic over time, distributions
    side by side, and all rows to sort and filter; what changes over many windows, where there is
    trends.parquet; and whether the model is still right, where there are performance.parquet and
    detections.parquet.

    \b
    Examples:
      driftline report out/
      driftline report out/ --output drift.html
    """
    _refuse_beam_args(invocation, "report")
    from driftline.pipelines.report import write_report

    path = output or f"{directory.rstrip('/') or '/'}/report.html"
    for remark in write_report(directory, path) or []:
        click.echo(f"  {remark}")
    click.echo(f"report written to {path}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the program by default.

    Returns
    -------
    int
        The exit code: 0 done, 1 the job failed, 2 wrong usage or configuration, 130 interrupted.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    ours, beam = _split(args)
    invocation = Invocation(tuple(beam))
    logging.getLogger().addFilter(_worth_saying)
    try:
        result = driftline.main(ours, prog_name="driftline", obj=invocation, standalone_mode=False)
    except click.ClickException as error:
        _show_usage(error)
        return USAGE if isinstance(error, click.UsageError) else error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted", err=True)
        return INTERRUPTED
    except ConfigError as error:
        click.echo(str(error), err=True)
        return USAGE
    except UnusableError as error:  # of what every configuration uses: a table, a statistic
        problem = Problem(f"{error.what} `{error.name}`", error.message, error.remedy)
        click.echo(str(ConfigError("installed packages", [problem])), err=True)
        return USAGE
    except Exception as error:  # noqa: BLE001  # whatever a runner throws ends as one line
        return _failed(error, show_traceback=invocation.traceback)
    return result if isinstance(result, int) else DONE


def _worth_saying(record: logging.LogRecord) -> bool:
    # Said by every import of Beam without its Google extra, to people who may not use Google at all.
    return not str(record.msg).startswith("apitools not found")


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    place = args.index("--") if "--" in args else len(args)
    return args[:place], args[place + 1 :]


def _load(path: str, pattern: str | None = None, labels: str | None = None, *, learn: bool = False) -> Config:
    from driftline.config import load_config

    settings = load_config(path)
    for remark in settings.remarks:
        click.echo(f"note: {remark}")
    if pattern is not None:
        settings = settings.with_input_files(pattern)
    if settings.auto_features:
        from driftline.pipelines.auto_features import with_auto_features

        settings, left_out = with_auto_features(settings, learn=learn)
        for remark in left_out:
            click.echo(f"note: {remark}")
    return settings if labels is None else settings.with_label_files(labels)


def _options(invocation: Invocation, *, streaming: bool = False) -> PipelineOptions:
    from driftline.pipelines.beam_options import beam_options, describe_runner

    options = beam_options(invocation.beam_args, streaming=streaming)
    click.echo(f"runner: {describe_runner(options)}")
    return options


def _places(settings: Config) -> str:
    from driftline.pipelines.configured_sinks import sinks_of

    return ", ".join(sink.describe() for sink in sinks_of(settings))


def _refuse_beam_args(invocation: Invocation, command: str) -> None:
    if invocation.beam_args:
        message = f"is not for {command}, which starts no Beam job"
        given = " ".join(invocation.beam_args)
        raise ConfigError("command line", [Problem("--", message, "remove it and what follows", given)])


def _summary(settings: Config) -> str:
    from driftline.config import format_duration

    count = len(settings.feature_specs)
    segments = ", ".join(settings.segment_columns) or "all traffic only"
    size, every = format_duration(settings.windows.size), format_duration(settings.windows.every)
    features = f"{count} feature{'s' if count != 1 else ''}"
    return f"model {settings.model}, {features}, segments: {segments}, windows of {size} every {every}"


def _finished(outcome: Any, sentence: str) -> None:
    """Say how many events became what, how long it took, and where the results are."""
    counts = getattr(outcome, "counts", None)
    if counts is not None:
        click.echo(f"events: {counts.sentence()}")
        for line in counts.labels.sentences():
            click.echo(f"labels: {line}")
    seconds = getattr(outcome, "seconds", None)
    click.echo(sentence if seconds is None else f"{sentence} ({seconds:.1f} s)")
    for remark in getattr(outcome, "remarks", ()):
        click.echo(f"  {remark}")


def _show_usage(error: click.ClickException) -> None:
    error.show()
    if isinstance(error, click.NoSuchOption):
        click.echo("Options of Beam go after a lone `--`: driftline COMMAND CONFIG -- --runner=...", err=True)


def _failed(error: Exception, *, show_traceback: bool) -> int:
    from driftline.baseline.baseline_error import BaselineError

    if show_traceback:
        traceback.print_exception(error)
    if isinstance(error, BaselineError):
        click.echo(f"baseline: {_WHILE.sub('', str(error))}", err=True)
        return USAGE
    click.echo(f"failed: {cause_of(error)}", err=True)
    if not show_traceback:
        click.echo("(where in the code: driftline --traceback ...)", err=True)
    return FAILED


def cause_of(error: BaseException) -> str:
    """Tell in one line why a job failed.

    Beam raises the traceback of a worker as the text of an exception: its last line is the cause.

    Examples
    --------
    >>> cause_of(RuntimeError("Traceback (most recent call last):\\n  File ...\\nValueError: no `x`\\n"))
    'ValueError: no `x`'
    >>> cause_of(OSError("no space left"))
    'no space left'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if any("Traceback" in line for line in lines) else " ".join(lines)
    text = _WHILE.sub("", text) or type(error).__name__
    return text if len(text) <= _LONGEST_CAUSE else text[:_LONGEST_CAUSE] + "..."


if __name__ == "__main__":
    sys.exit(main())
