"""The command line: ``driftline init | validate | baseline | backtest | monitor | report | compare``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import TYPE_CHECKING

import click

from driftline.config.errors import ConfigError, Problem, did_you_mean
from driftline.pipelines.commands.backtest import backtest
from driftline.pipelines.commands.baseline import baseline
from driftline.pipelines.commands.compare import compare
from driftline.pipelines.commands.import_tdigest import import_tdigest
from driftline.pipelines.commands.init import init
from driftline.pipelines.commands.invocation import Invocation
from driftline.pipelines.commands.monitor import monitor
from driftline.pipelines.commands.report import report
from driftline.pipelines.commands.validate import validate
from driftline.pipelines.interrupts import INTERRUPTED
from driftline.registry import UnusableError

if TYPE_CHECKING:
    from collections.abc import Sequence


DONE, FAILED, USAGE = 0, 1, 2
"""Exit codes, beside `INTERRUPTED`."""

_LONGEST_CAUSE = 600
_WHILE = re.compile(r" \[while running '[^']*'\]$")


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
      driftline compare  REFERENCE CURRENT   two batches without event time
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


for _command in (init, validate, baseline, import_tdigest, backtest, monitor, report, compare):
    driftline.add_command(_command)


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
