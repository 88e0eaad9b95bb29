"""The command line: what it calls, what it prints, how it ends. The jobs themselves are stubs here."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from apache_beam.options.pipeline_options import DirectOptions, FlinkRunnerOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner

from driftline.baseline.baseline_error import BaselineError
from driftline.config import ConfigError, Problem
from driftline.pipelines.beam_options import beam_options, describe_runner
from driftline.pipelines.cli import DONE, FAILED, INTERRUPTED, USAGE, main

CONFIG = """\
model: flights
event_time: at
features: {distance: numeric}
source: {files: {pattern: data/*.parquet}}
baseline: {path: baseline.avro}
sinks: [files: {path: out/}]
"""
KAFKA = "source: {kafka: {brokers: ['b:9092'], topic: t, format: json}}"


class Calls(list):
    """What the commands called; ``fail`` is raised by the next one."""

    fail = None

    def record(self, name, answer=None):
        def stub(*args, **kwargs):
            self.append((name, args, kwargs))
            if self.fail is not None:
                raise self.fail
            return answer

        return stub


@pytest.fixture
def calls(monkeypatch):
    """Stand-ins for the jobs."""
    calls = Calls()
    labels = SimpleNamespace(sentences=list)
    counts = SimpleNamespace(sentence=lambda: "5 decoded = 5 profiled", labels=labels)
    outcome = SimpleNamespace(counts=counts, seconds=1.25)
    stubs = {
        "baseline": {"build_baseline": calls.record("baseline", outcome)},
        "backtest": {"run_backtest": calls.record("backtest", outcome)},
        "monitor": {"run_monitor": calls.record("monitor", outcome)},
        "report": {"write_report": calls.record("report", ["without a baseline"])},
        "validate": {"validate_config": calls.record("validate", ["baseline: not built yet"])},
    }
    for name, functions in stubs.items():
        module = ModuleType(f"driftline.pipelines.{name}")
        vars(module).update(functions)
        monkeypatch.setitem(sys.modules, f"driftline.pipelines.{name}", module)
    return calls


@pytest.fixture
def config(tmp_path):
    """A valid configuration file."""
    return write(tmp_path, CONFIG)


def write(folder, text):
    path = folder / "drift.yaml"
    path.write_text(text)
    return str(path)


# --- what is called


def test_validate(calls, config, capsys):
    assert main(["validate", config]) == DONE
    assert calls[0][0] == "validate"
    assert calls[0][1][0].model == "flights"
    out = capsys.readouterr().out
    assert (
        f"{config}: valid (model flights, 1 feature, segments: all traffic only, windows of 30m every 15m)"
        in out
    )
    assert "baseline: not built yet" in out


def test_baseline_takes_paths_from_the_configuration(calls, config, capsys):
    assert main(["baseline", config]) == DONE
    _, (settings, options, _), keywords = calls[0]
    assert settings.name == config
    assert keywords == {"output": "baseline.avro"}
    assert settings.source.key("source") == "source.files"
    assert settings.source.settings.pattern == "data/*.parquet"
    assert options.view_as(StandardOptions).runner == "FnApiRunner"
    out = capsys.readouterr().out
    assert "runner: FnApiRunner (local, in this process)" in out
    assert "5 decoded = 5 profiled" in out
    assert "baseline written to baseline.avro (1.2 s)" in out


@pytest.mark.parametrize("command", ["baseline", "backtest"])
def test_input_and_output_override_the_configuration(calls, config, command):
    assert main([command, config, "--input", "a.avro", "--output=o"]) == DONE
    assert calls[0][2] == {"output": "o"}
    source = calls[0][1][0].source
    assert (source.settings.pattern, source.settings.format) == ("a.avro", "avro")
    assert source.key("source") == "--input"


def test_backtest_writes_to_the_first_files_sink(calls, config, capsys):
    assert main(["backtest", config]) == DONE
    assert calls[0][1][0].source.settings.pattern == "data/*.parquet"
    assert calls[0][2] == {"output": "out/"}
    assert "driftline report out/" in capsys.readouterr().out


def test_backtest_without_any_place_to_write(calls, tmp_path, capsys):
    config = write(tmp_path, CONFIG.replace("sinks: [files: {path: out/}]", ""))
    assert main(["backtest", config]) == USAGE
    assert "--output" in capsys.readouterr().err
    assert main(["backtest", config, "--output", "o"]) == DONE


def test_monitor(calls, config):
    assert main(["monitor", config, "--", "--runner=BundleBasedDirectRunner"]) == DONE
    _, (settings, options), keywords = calls[0]
    assert (settings.model, keywords) == ("flights", {})
    assert options.view_as(StandardOptions).runner == "BundleBasedDirectRunner"


def test_monitor_without_a_sink(calls, tmp_path, capsys):
    config = write(tmp_path, CONFIG.replace("sinks: [files: {path: out/}]", ""))
    assert main(["monitor", config]) == USAGE
    assert "sinks" in capsys.readouterr().err
    assert not calls


def test_a_baseline_is_learnt_from_kafka_where_events_are(calls, tmp_path, capsys):
    config = write(tmp_path, CONFIG.replace("source: {files: {pattern: data/*.parquet}}", KAFKA))
    assert main(["baseline", config]) == DONE
    assert calls[0][2] == {"output": "baseline.avro"}
    assert calls[0][1][0].source.kind == "kafka"
    assert main(["baseline", config, "--input", "a.avro"]) == DONE
    assert calls[1][2] == {"output": "baseline.avro"}
    assert calls[1][1][0].source.kind == "files"


LABELS = """
request_id: id
prediction: p
labels: {column: y, time: known, source: {files: {pattern: l.avro}}}
"""


@pytest.mark.parametrize(
    ("source", "args", "note"),
    [
        (
            KAFKA,
            [],
            "learning from source.kafka, up to its present end: all of it is taken as normal",
        ),
        ("source: {files: {pattern: data/*.parquet}}", [], "learning from source.files; events to be judged"),
        (KAFKA, ["--input", "a.avro"], "the labels of these events are looked for in labels.source; or give"),
        (KAFKA, ["--input", "a.avro", "--labels", "l.avro"], None),
    ],
)
def test_what_a_baseline_is_learnt_from_is_said(tmp_path, capsys, monkeypatch, source, args, note):
    def laid_out(*_, **__):
        raise RuntimeError("laid out")

    for step in ("event_reader", "label_reader"):
        monkeypatch.setattr(f"driftline.pipelines.baseline.{step}", lambda *_, **__: None)
    monkeypatch.setattr("driftline.pipelines.baseline.lay_out_baseline", laid_out)
    config = write(tmp_path, CONFIG.replace("source: {files: {pattern: data/*.parquet}}", source) + LABELS)
    assert main(["baseline", config, *args, "--output", str(tmp_path / "b")]) == FAILED
    out, err = capsys.readouterr()
    assert "failed: laid out" in err
    notes = [line for line in out.splitlines() if line.startswith("note: ")]
    assert [note in line for line in notes] == ([] if note is None else [True])


def test_a_baseline_is_not_learnt_from_pubsub(tmp_path, capsys):
    pubsub = "source: {pubsub: {subscription: projects/p/subscriptions/s, format: json}}"
    config = write(tmp_path, CONFIG.replace("source: {files: {pattern: data/*.parquet}}", pubsub))
    assert main(["baseline", config]) == USAGE
    out, err = capsys.readouterr()
    assert "learning from" not in out
    assert "  source.pubsub: projects/p/subscriptions/s\n      is not read by this release\n" in err
    assert "-> give --input PATTERN with recorded data, or name files or kafka" in err


def test_monitor_does_not_read_pubsub_and_has_no_option_for_it(calls, tmp_path, capsys):
    pubsub = "source: {pubsub: {subscription: projects/p/subscriptions/s, format: json}}"
    config = write(tmp_path, CONFIG.replace("source: {files: {pattern: data/*.parquet}}", pubsub))
    assert main(["monitor", config]) == USAGE
    err = capsys.readouterr().err
    assert "  source.pubsub: projects/p/subscriptions/s\n      is not read by this release\n" in err
    assert "-> name files or kafka\n" in err
    assert "--input" not in err
    assert not calls


@pytest.mark.parametrize("command", ["baseline", "backtest"])
def test_brokers_of_labels_that_cannot_be_reached_are_one_clear_error(tmp_path, capsys, monkeypatch, command):
    monkeypatch.setattr("driftline.transforms.kafka_cluster.PATIENCE", 2.0)
    source = "{kafka: {brokers: ['127.0.0.1:1'], topic: l, format: json, event_time: record}}"
    (tmp_path / "a.jsonl").write_text('{"at": "2026-01-01", "distance": 1, "id": "a", "p": 0.5}\n')
    more = f"request_id: id\nprediction: p\nlabels: {{column: y, source: {source}}}\n"
    args = ["--input", str(tmp_path / "a.jsonl"), "--output", str(tmp_path / "o")]
    assert main([command, write(tmp_path, CONFIG + more), *args]) == USAGE
    err = capsys.readouterr().err
    assert "  labels.source.kafka\n" in err
    assert "-> check `brokers`" in err


def test_brokers_that_cannot_be_reached_are_one_clear_error(tmp_path, capsys):
    write(tmp_path, CONFIG)
    kafka = 'source: {kafka: {brokers: ["127.0.0.1:1"], topic: t, format: json}}'
    config = write(tmp_path, CONFIG.replace("source: {files: {pattern: data/*.parquet}}", kafka))
    assert main(["backtest", config]) == USAGE
    err = capsys.readouterr().err
    assert "  source.kafka\n" in err
    assert "127.0.0.1:1" in err
    assert "-> check `brokers`" in err
    assert "Traceback" not in err


def test_recorded_data_of_a_kafka_model_can_be_judged(calls, tmp_path):
    config = write(tmp_path, CONFIG.replace("source: {files: {pattern: data/*.parquet}}", KAFKA))
    assert main(["backtest", config, "--input", "x.parquet"]) == DONE


@pytest.mark.parametrize(
    ("args", "output"),
    [
        (["out"], "out/report.html"),
        (["out/"], "out/report.html"),
        (["gs://b/out/"], "gs://b/out/report.html"),
        (["out", "--output", "x.html"], "x.html"),
    ],
)
def test_report(calls, capsys, args, output):
    assert main(["report", *args]) == DONE
    assert calls[0][1] == (args[0], output)
    out = capsys.readouterr().out
    assert "without a baseline" in out
    assert f"report written to {output}" in out


# --- how it ends


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Usage: driftline"),
        (["bactest"], "did you mean `backtest`?"),
        (["frobnicate"], "commands: init, validate, baseline, import-tdigest, backtest, monitor, report"),
        (["validate"], "Missing argument 'CONFIG'"),
        (["validate", "a", "b"], "unexpected extra argument"),
        (["baseline", "a", "--inptu", "x"], "No such option"),
        (["monitor", "a", "--runner=x"], "Options of Beam go after a lone `--`"),
        (["report", "a", "--", "--runner=x"], "is not for report"),
        (["validate", "a", "--", "--runner=x"], "is not for validate"),
        (["validate", "nowhere.yaml"], "nowhere.yaml: 1 problem\n  does not exist"),
    ],
)
def test_wrong_usage(calls, capsys, args, message):
    assert main(args) == USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert not calls


def test_a_wrong_configuration_starts_nothing(calls, tmp_path, capsys):
    config = write(tmp_path, CONFIG.replace("numeric", "numerc"))
    for command in ("validate", "baseline", "backtest", "monitor"):
        assert main([command, config]) == USAGE
        assert "did you mean `numeric`?" in capsys.readouterr().err
    assert not calls


def test_mistakes_that_jobs_find(calls, config, capsys):
    calls.fail = ConfigError(config, [Problem("features.distance", "is not in the data", "correct it")])
    assert main(["backtest", config]) == USAGE
    assert "features.distance" in capsys.readouterr().err
    calls.fail = BaselineError("baseline.avro: was built for windows of 7d")
    assert main(["backtest", config]) == USAGE
    assert "baseline: baseline.avro: was built for windows of 7d" in capsys.readouterr().err


def test_a_failed_job_is_one_line(calls, config, capsys):
    calls.fail = RuntimeError(
        'Traceback (most recent call last):\n  File "x"\nValueError: no space left [in y]\n'
    )
    assert main(["backtest", config]) == FAILED
    err = capsys.readouterr().err
    assert "failed: ValueError: no space left [in y]" in err
    assert "File" not in err
    assert "driftline --traceback" in err


def test_traceback_on_request(calls, config, capsys):
    calls.fail = KeyError("x")
    assert main(["--traceback", "backtest", config]) == FAILED
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "KeyError" in err


def test_ctrl_c(calls, config, capsys):
    calls.fail = KeyboardInterrupt()
    assert main(["backtest", config]) == INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["validate"], ["baseline"], ["backtest"], ["monitor"], ["report"]])
def test_help_is_a_newcomers_first_page(command, capsys):
    assert main([*command, "--help"]) == DONE
    out = capsys.readouterr().out
    assert "driftline" in out
    assert "config.yaml" in out or "out/" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_version(capsys):
    assert main(["--version"]) == DONE
    assert capsys.readouterr().out.startswith("driftline, version ")


# --- Beam options


@pytest.mark.parametrize(
    "args",
    [
        [], ["--runner=DirectRunner"], ["--runner", "DirectRunner"], ["--runner=direct"],
        ["--runner=SwitchingDirectRunner"], ["--runner=FnApiRunner"],
        ["--runner=apache_beam.runners.direct.direct_runner.DirectRunner"],
    ],
)  # fmt: skip
def test_the_local_runner_is_named(args):
    options = beam_options(args)
    runner = options.view_as(StandardOptions).runner
    assert isinstance(create_runner(runner), FnApiRunner)
    assert describe_runner(options) == "FnApiRunner (local, in this process)"


def test_options_reach_beam():
    args = ["--direct_num_workers=3", "--runner=FlinkRunner", "--flink_master", "host:1", "--streaming"]
    options = beam_options(args)
    assert options.view_as(DirectOptions).direct_num_workers == 3
    assert options.view_as(FlinkRunnerOptions).flink_master == "host:1"
    assert options.view_as(StandardOptions).streaming is True
    assert describe_runner(options) == "FlinkRunner"


def test_options_of_the_job_server_are_handed_on():
    args = [
        "--runner=FlinkRunner",
        "--checkpointing_interval",
        "30",
        "--finish_bundle_before_checkpointing",
    ]
    kept = beam_options(args).get_all_options(retain_unknown_options=True)
    assert kept["checkpointing_interval"] == "30"
    assert kept["finish_bundle_before_checkpointing"] is True


def test_the_programs_own_arguments_are_not_read(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["driftline", "--streaming", "--boom"])
    assert beam_options([]).view_as(StandardOptions).streaming is False


@pytest.mark.parametrize(
    ("args", "where", "remedy"),
    [
        (["--runer=FlinkRunner"], ["--runer"], "did you mean `--runner`?"),
        (["--runer", "FlinkRunner"], ["--runer"], "did you mean `--runner`?"),
        (["--runner=FlinkRuner"], ["--runner"], "did you mean `FlinkRunner`?"),
        (["--runner=Zzz"], ["--runner"], "write one of DataflowRunner"),
        (["--stream"], ["--stream"], "did you mean `--streaming`?"),
        (["--qqq=1"], ["--qqq"], "--help"),
        (["stray"], ["stray"], "--name=value"),
        (["--streaming", "stray", "--runer=x"], ["stray", "--runer"], "--name=value"),
        (["-x"], ["-x"], "--help"),
        (["--parallelism=many"], ["--parallelism"], "--help"),
        (["--runner"], ["--runner"], "--help"),
        (["--checkpointing_interval=1"], ["--checkpointing_interval"], "--runner=FlinkRunner"),
        (["--runner=flink", "--checkpoint_interval"], ["--checkpoint_interval"], "checkpointing_interval"),
    ],
)  # fmt: skip
def test_mistyped_beam_options(args, where, remedy):
    with pytest.raises(ConfigError) as caught:
        beam_options(args)
    assert [problem.where for problem in caught.value.problems] == where
    assert remedy in caught.value.problems[0].remedy


def test_a_mistyped_beam_option_starts_nothing(calls, config, capsys):
    assert main(["monitor", config, "--", "--runer=FlinkRunner"]) == USAGE
    assert "did you mean `--runner`?" in capsys.readouterr().err
    assert not calls


# --- as a program


ROOT = Path(__file__).parents[2]
STUBBED = """
import sys, time, types
module = types.ModuleType("driftline.pipelines.backtest")
def run_backtest(*args, **kwargs):
    print("started", flush=True)
    {body}
module.run_backtest = run_backtest
sys.modules["driftline.pipelines.backtest"] = module
from driftline.pipelines.cli import main
sys.exit(main())
"""


def program(*args, body=None):
    start = ["-m", "driftline.pipelines.cli"] if body is None else ["-c", STUBBED.format(body=body)]
    return [sys.executable, *start, *args]


def run(*args, body=None):
    return subprocess.run(program(*args, body=body), cwd=ROOT, capture_output=True, text=True, check=False)


def test_exit_code_0():
    assert run("--help").returncode == 0


def test_exit_code_1(config):
    done = run("backtest", config, body="raise RuntimeError('worker died')")
    assert done.returncode == 1
    assert "failed: worker died" in done.stderr
    assert "Traceback" not in done.stderr


def test_exit_code_2(config):
    for args in (["validate", "nope.yaml"], ["frobnicate"], ["backtest", config, "--", "--runer=x"]):
        done = run(*args)
        assert done.returncode == 2, done
        assert "Traceback" not in done.stderr
        assert "apitools" not in done.stderr


def test_exit_code_130(config):
    with subprocess.Popen(
        program("backtest", config, body="time.sleep(30)"),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as job:  # fmt: skip
        while "started" not in job.stdout.readline():
            assert job.poll() is None
        time.sleep(0.2)
        os.kill(job.pid, signal.SIGINT)
        _, err = job.communicate(timeout=20)
    assert job.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def test_a_broken_configuration_is_told_without_loading_beam(tmp_path):
    config = write(tmp_path, "model: x\n")
    code = f"""
import sys
from driftline.pipelines.cli import main
assert main(["validate", {config!r}]) == 2
sys.exit("apache_beam" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
