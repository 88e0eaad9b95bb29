"""A right configuration is read; every mistake is named with key, line, value and remedy."""

# One mistake a line reads better than six.
# ruff: noqa: E501

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.config import ConfigError, StartPosition, load_config, parse_config
from driftline.config.configuration_page import EXAMPLE, page
from driftline.config.csv_dialect import CsvDialect
from driftline.feature_spec import FeatureSpec

MINIMAL = {
    "model": "model: flights",
    "event_time": "event_time: at",
    "features": "features: {distance: numeric}",
    "source": "source: {files: {pattern: data/*.parquet}}",
    "baseline": "baseline: {path: baseline.avro}",
}
KAFKA = "brokers: ['b:9092'], topic: t"


def text(**changes):
    """The smallest valid configuration with some lines replaced, added (any key) or removed (None)."""
    lines = MINIMAL | changes
    return "\n".join(line for line in lines.values() if line is not None)


def read(environ=None, **changes):
    return parse_config(text(**changes), "drift.yaml", environ or {})


def problems(environ=None, **changes):
    with pytest.raises(ConfigError) as caught:
        read(environ, **changes)
    return caught.value.problems


def only(environ=None, **changes):
    found = problems(environ, **changes)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


# --- right ones


def test_the_example_of_the_documentation():
    config = parse_config(EXAMPLE, "drift.yaml", {})
    assert config.name == "drift.yaml"
    assert config.model == "flights"
    assert (config.event_time.column, config.event_time.unit) == ("time_hour", "s")
    assert (config.request_id, config.prediction, config.variant) == ("id", "score", "variant")
    assert config.segment_columns == ("origin",)
    assert config.feature_specs == (
        FeatureSpec("distance", "numeric", "distance"),
        FeatureSpec("carrier", "categorical", "carrier"),
        FeatureSpec("delay", "numeric", "dep_delay", 32),
        FeatureSpec("prediction", "numeric", "score"),
    )
    minute = 60_000_000
    assert config.windows.size == 30 * minute
    assert config.windows.every == 15 * minute
    assert config.windows.allowed_lateness == 10 * minute
    assert config.source.kind == "files"
    assert config.baseline.path == "baseline.avro"
    assert config.sinks[0].files.path == "out/"
    assert config.max_segments == 1000


def test_defaults_are_those_of_the_example():
    config, example = read(), parse_config(EXAMPLE, "drift.yaml", {})
    assert config.tests == example.tests
    assert config.windows == example.windows
    assert config.max_segments == example.max_segments
    assert config.sinks == ()
    assert config.segment_columns == ()
    assert config.event_time.unit is None


def test_prediction_alone_is_enough_to_monitor():
    assert read(features=None, prediction="prediction: score").feature_specs == (
        FeatureSpec("prediction", "numeric", "score"),
    )


def test_a_key_without_a_value_is_absent():
    config = read(prediction="prediction:", segments="segments:", tests="tests:")
    assert config.prediction is None
    assert config.segment_columns == ()
    assert config.tests.min_n == 200


def test_keys_are_text_as_written():
    config = read(features="features: {on: numeric, 1: numeric, null: categorical}")
    assert [spec.name for spec in config.feature_specs] == ["on", "1", "null"]


def test_numbers_may_come_from_the_environment():
    assert read({"N": "50"}, tests="tests: {min_n: '${N}'}").tests.min_n == 50


def test_merge_keys_and_aliases_work():
    features = "features:\n  a: &base {kind: numeric, bins: 8}\n  b: {<<: *base, bins: 16}\n  c: *base"
    assert [spec.bins for spec in read(features=features).feature_specs] == [8, 16, 8]


def test_a_configuration_travels_to_workers():
    config = parse_config(EXAMPLE, "drift.yaml", {})
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    assert again.name == "drift.yaml"


@pytest.mark.parametrize(
    ("message", "schema"),
    [
        ("format: avro, schema: event.avsc", "event.avsc"),
        ("format: confluent, schema: {1: a.avsc, 7: b.avsc}", {1: "a.avsc", 7: "b.avsc"}),
        ("format: json", None),
        ("format: arrow", None),
        ("format: avro_container", None),
    ],
)
def test_kafka_and_pubsub_parse_fully(message, schema):
    kafka = read(source=f"source: {{kafka: {{{KAFKA}, {message}}}}}").source.kafka
    assert (kafka.schema_, kafka.start, kafka.group, kafka.disorder) == (
        schema,
        StartPosition("latest"),
        None,
        5_000_000,
    )
    pubsub = read(
        source=f"source: {{pubsub: {{subscription: projects/p/subscriptions/s, {message}}}}}"
    ).source.pubsub
    assert pubsub.schema_ == schema


def test_kafka_options_are_texts_for_librdkafka():
    options = "options: {a: 1, b: true, c: x, d: 0.5}"
    kafka = read(
        source=f"source: {{kafka: {{{KAFKA}, format: json, start: earliest, group: g, disorder: 1m, {options}}}}}"
    ).source.kafka
    assert kafka.options == {"a": "1", "b": "true", "c": "x", "d": "0.5"}
    assert (kafka.start, kafka.group, kafka.disorder) == (StartPosition("earliest"), "g", 60_000_000)


@pytest.mark.parametrize(
    ("pattern", "file_format"),
    [
        ("a/*.avro", "avro"),
        ("a.PARQUET", "parquet"),
        ("a.jsonl", "jsonl"),
        ("a.arrow", "arrow"),
        ("a.csv.gz", "csv"),
        ("a.tsv", "tsv"),
    ],
)
def test_the_suffix_tells_the_format(pattern, file_format):
    config = read(source=f"source: {{files: {{pattern: {pattern}}}}}")
    assert config.input_format(pattern) == file_format


@pytest.mark.parametrize(
    ("keys", "dialect"),
    [
        ("", CsvDialect()),
        ("delimiter: ';'", CsvDialect(";")),
        ("delimiter: tab", CsvDialect("\t")),
        (r"delimiter: '\t'", CsvDialect("\t")),
        ('delimiter: "\\t"', CsvDialect("\t")),
        ("delimiter: ';', decimal: ','", CsvDialect(";", decimal=",")),
        ("quote: none", CsvDialect(quote=None)),
        ('quote: "\'"', CsvDialect(quote="'")),
        ("names: [a, b]", CsvDialect(names=("a", "b"), header=False)),
        ("names: [a, b], header: true", CsvDialect(names=("a", "b"), header=True)),
    ],
)
def test_how_csv_is_written(keys, dialect):
    config = read(source=f"source: {{files: {{pattern: a.csv, {keys}}}}}")
    assert config.source.files.csv == dialect
    assert config.with_input_files("other.csv.gz").source.files.csv == dialect
    assert config.with_input_files("other.parquet").source.files.csv == CsvDialect()


def test_the_format_of_other_input():
    config = read(source="source: {files: {pattern: 'log/*', format: jsonl}}")
    assert config.input_format("log/*") == "jsonl"
    assert config.input_format("other/*.avro") == "avro"
    assert config.input_format("other/*") == "jsonl"
    kafka = read(source=f"source: {{kafka: {{{KAFKA}, format: json}}}}")
    assert kafka.input_format("x.parquet") == "parquet"
    with pytest.raises(ConfigError, match="--input: other"):
        kafka.input_format("other")


# --- wrong ones: (change, key path, part of the message, part of the remedy)

MISTAKES = {
    "unknown key": ({"modle": "modle: x"}, "modle", "is not a key", "did you mean `model`?"),
    "unknown inner key": ({"windows": "windows: {evry: 15m}"}, "windows.evry", "not a key of windows", "`every`"),
    "unknown feature key": (
        {"features": "features: {a: {kind: numeric, bin: 3}}"}, "features.a.bin", "not a key of features.a", "`bins`",
    ),
    "far from any key": ({"x": "zzz: 1"}, "zzz", "is not a key of the configuration", "the keys here are model,"),
    "missing key": ({"model": None}, "model", "is missing", "add `model: flights`"),
    "empty key": ({"model": "model:"}, "model", "is missing", "add `model: flights`"),
    "empty text": ({"model": "model: ''"}, "model", "is empty", "flights"),
    "misspelt missing key": ({"model": "modl: x"}, "modl", "is not a key", "did you mean `model`?"),
    "number for text": ({"model": "model: 3"}, "model", "is not text", "put it in quotes"),
    "truth value for text": ({"segments": "segments: [no]"}, "segments[0]", "is not text", "put it in quotes"),
    "text for a list": ({"segments": "segments: origin"}, "segments", "is not a list", "[origin]"),
    "segment twice": ({"segments": "segments: [a, a]"}, "segments", "more than once", "once"),
    "unknown kind": ({"features": "features: {a: numerc}"}, "features.a", "is not one of", "`numeric`"),
    "no kind": ({"features": "features: {a: }"}, "features.a", "has no kind", "numeric or categorical"),
    "list for a kind": ({"features": "features: {a: [1]}"}, "features.a", "has no kind", "numeric or categorical"),
    "features as a list": ({"features": "features: [a]"}, "features", "is not a mapping", "distance: numeric"),
    "nothing to monitor": ({"features": None}, "features", "is empty", "at least one feature"),
    "prediction twice": (
        {"features": "features: {prediction: numeric}", "prediction": "prediction: score"},
        "features", "feature named prediction", "rename",
    ),
    "few bins": ({"features": "features: {a: {kind: numeric, bins: 1}}"}, "features.a.bins", "than or equal to 2", "32"),
    "unit": ({"event_time": "event_time: {column: at, unit: sec}"}, "event_time.unit", "s, ms, us, ns", "s, ms"),
    "event time list": ({"event_time": "event_time: [at]"}, "event_time", "is not a column", "name"),
    "duration without unit": ({"windows": "windows: {size: 30}"}, "windows.size", "has no unit", "30m"),
    "duration as text": ({"windows": "windows: {size: half an hour}"}, "windows.size", "is not a duration", "30m"),
    "negative lateness": (
        {"windows": "windows: {allowed_lateness: -1m}"}, "windows.allowed_lateness", "is not a duration", "30m",
    ),
    "zero window": ({"windows": "windows: {every: 0s}"}, "windows.every", "longer than 0", "30m"),
    "size no multiple": ({"windows": "windows: {every: 20m}"}, "windows.every", "does not divide", "multiple"),
    "no source": ({"source": "source: {}"}, "source", "no place to read from", "exactly one of"),
    "misspelt source": (
        {"source": "source: {kafak: {topic: t}}"}, "source.kafak", "is not a source that is installed", "did you mean `kafka`?",
    ),
    "a source of a package that is not there": (
        {"source": "source: {kinesis: {stream: s}}"},
        "source.kinesis", "is not a source that is installed", "there are files, kafka, pubsub: install the package",
    ),
    "two sources": (
        {"source": f"source: {{files: {{pattern: a.avro}}, kafka: {{{KAFKA}, format: json}}}}"},
        "source", "names files and kafka", "exactly one of",
    ),
    "unknown suffix": (
        {"source": "source: {files: {pattern: 'a/*'}}"}, "source.files.format", "suffix", "add format",
    ),
    "unknown format": (
        {"source": "source: {files: {pattern: a, format: parket}}"}, "source.files.format", "is not one of", "`parquet`",
    ),
    "two characters between fields": (
        {"source": "source: {files: {pattern: a.csv, delimiter: '||'}}"},
        "source.files.delimiter", "is not one ASCII character", "or tab",
    ),
    "a number between fields": (
        {"source": "source: {files: {pattern: a.csv, delimiter: 1}}"},
        "source.files.delimiter", "is not one ASCII character", "or tab",
    ),
    "a quote that is the delimiter": (
        {"source": "source: {files: {pattern: a.csv, delimiter: ';', quote: ';'}}"},
        "source.files.quote", "is the delimiter too", "or none",
    ),
    "a column twice": (
        {"source": "source: {files: {pattern: a.csv, names: [at, x, at]}}"},
        "source.files.names", "has at twice", "once, in order",
    ),
    "no names": ({"source": "source: {files: {pattern: a.csv, names: []}}"}, "source.files.names", "is empty", "in order"),
    "neither header nor names": (
        {"source": "source: {files: {pattern: a.csv, header: false}}"},
        "source.files.header", "leaves the columns without names", "add names",
    ),
    "a delimiter of no CSV": (
        {"source": "source: {files: {pattern: a.parquet, delimiter: ';'}}"},
        "source.files.delimiter", "is for CSV, and the files are parquet", "set format: csv",
    ),
    "avro without schema": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: avro}}}}"}, "source.kafka.schema", "needs it", "event.avsc",
    ),
    "avro with many schemas": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: avro, schema: {{1: a}}}}}}"},
        "source.kafka.schema", "must be one path", "event.avsc",
    ),
    "confluent without schemas": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: confluent}}}}"}, "source.kafka.schema", "needs it", "{1: v1",
    ),
    "confluent with one schema": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: confluent, schema: a}}}}"},
        "source.kafka.schema", "mapping of schema id", "{1: v1",
    ),
    "confluent with a bad id": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: confluent, schema: {{x: a}}}}}}"},
        "source.kafka.schema", "no schema id", "{1: v1",
    ),
    "confluent without a path": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: confluent, schema: {{3: }}}}}}"},
        "source.kafka.schema", "no path for schema id 3", "{1: v1",
    ),
    "schema for json": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: json, schema: a}}}}"},
        "source.kafka.schema", "not used by format json", "remove",
    ),
    "no brokers": (
        {"source": "source: {kafka: {brokers: [], topic: t, format: json}}"}, "source.kafka.brokers", "is empty", "at least one",
    ),
    "start": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: json, start: last}}}}"},
        "source.kafka.start", "latest, earliest", "did you mean `latest`?",
    ),
    "brokers among options": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: json, options: {{bootstrap.servers: x}}}}}}"},
        "source.kafka.options", "sets bootstrap.servers", "`brokers`",
    ),
    "nested option": (
        {"source": f"source: {{kafka: {{{KAFKA}, format: json, options: {{a: [1]}}}}}}"},
        "source.kafka.options", "no plain value for a", "write text",
    ),
    "short subscription": (
        {"source": "source: {pubsub: {subscription: s, format: json}}"},
        "source.pubsub.subscription", "is not a full name", "projects/PROJECT",
    ),
    "alpha": ({"tests": "tests: {alpha: 1}"}, "tests.alpha", "less than 1", "alpha: 0.01"),
    "alpha nan": ({"tests": "tests: {alpha: .nan}"}, "tests.alpha", "finite number", "alpha: 0.01"),
    "psi": ({"tests": "tests: {psi: -1}"}, "tests.psi", "greater than or equal to 0", "psi: 0.25"),
    "psi infinite": ({"tests": "tests: {psi: .inf}"}, "tests.psi", "finite", "psi: 0.25"),
    "wasserstein": ({"tests": "tests: {wasserstein_iqr: x}"}, "tests.wasserstein_iqr", "valid number", "0.1"),
    "min_n": ({"tests": "tests: {min_n: 0}"}, "tests.min_n", "greater than or equal to 1", "200"),
    "min_n yes": ({"tests": "tests: {min_n: yes}"}, "tests.min_n", "must be a number", "truth values"),
    "min_n half": ({"tests": "tests: {min_n: 1.5}"}, "tests.min_n", "fractional part", "200"),
    "min_coverage": ({"tests": "tests: {min_coverage: 2}"}, "tests.min_coverage", "less than or equal to 1", "0.5"),
    "max_segments": ({"max_segments": "max_segments: 0"}, "max_segments", "or equal to 1", "1000"),
    "sink kind": ({"sinks": "sinks: [{file: {path: x}}]"}, "sinks[0].file", "is not a sink that is installed", "`files`"),
    "empty sink": ({"sinks": "sinks: [{}]"}, "sinks[0]", "no place to write to", "files: {path: out/}"),
    "sink format": (
        {"sinks": "sinks: [files: {path: x, format: csv}]"}, "sinks[0].files.format", "is not one of", "parquet, avro",
    ),
    "sink without path": ({"sinks": "sinks: [files: {}]"}, "sinks[0].files.path", "is missing", "add `path: out/`"),
    "key twice": ({"again": "model: other"}, "model", "is there twice", "first is in line 1"),
    "inner key twice": (
        {"features": "features: {a: numeric, a: numeric}"}, "features.a", "is there twice", "first is in line 3",
    ),
    "impossible date": ({"model": "model: 2013-99-99"}, "model", "cannot be read", "quotes"),
    "tag": ({"tests": "tests: !custom {psi: 1}"}, "tests", "has the tag !custom", "remove the tag"),
    "python tag": ({"model": "model: !!python/name:os.system"}, "model", "cannot be read", "quotes"),
    "key that is a list": ({"tests": "tests: {[a]: 1}"}, "tests", "key that is not text", "words"),
    "alias of itself": ({"tests": "tests: &a {psi: *a}"}, "tests.psi", "alias", "write the values out"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "where", "message", "remedy"), MISTAKES.values(), ids=MISTAKES.keys())
def test_every_mistake_is_named(changes, where, message, remedy):
    found = problems(**changes)
    if changes.get("modl") is None and "modl: x" in changes.values():
        assert [problem.where for problem in found] == ["modl"], "the missing key was said already"
    problem = next(problem for problem in found if problem.where == where)
    assert message in problem.message
    assert remedy in problem.remedy
    # Only what is named is wrong (a key twice hides the first of the two).
    assert len(found) == 1


@pytest.mark.parametrize("key", ["metrics", "policy", "responses"])
def test_reserved_keys_say_so(key):
    problem = only(**{key: f"{key}: {{}}"})
    assert problem.where == key
    assert problem.message == "is reserved for a later release"


def test_problems_carry_line_and_value():
    problem = only(tests="tests:\n  psi: 0.3\n  alpha: 7")
    assert (problem.line, problem.value) == (8, "7")
    assert problem.where == "tests.alpha"


def test_values_are_shown_as_written_and_cut():
    assert only(tests="tests: {min_n: yes}").value == "yes"
    long = only(features=f"features: {{a: {'x' * 500}}}").value
    assert len(long) < 80
    assert long.endswith("...")


def test_all_mistakes_at_once_in_the_order_of_the_file():
    """The message as a user sees it."""
    config = """\
modle: flights
event_time: {column: time_hour, unit: sec}
features:
  distance: numerc
  carrier: categorical
windows: {size: 30m, every: 20m}
source: {files: {pattern: data/*}}
baseline: {path: "${BASELINE_DIR}/baseline.avro"}
tests: {alpha: 5}
sinks: [files: {path: out/, format: csv}]
policy: uber
"""
    with pytest.raises(ConfigError) as caught:
        parse_config(config, "drift.yaml", {})
    assert str(caught.value) == (Path(__file__).parent / "many_mistakes.txt").read_text().rstrip("\n")


# --- text that is no configuration


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- a\n", "is not a mapping"),
        ("flights", "is not a mapping"),
        ("model: flights\n  tests: x: y", "line 2"),
        ("model: 'flights", "not valid YAML"),
        ("model: a\n\tb: c", "line 2"),
        ("a: \x07", "U\\+0007 is not allowed"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("a: *nobody", "undefined alias"),
        ("[" * 5000, "nested too deeply"),
        ("a: &a [x]\n" + "\n".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
         "more than 100,000 values"),
    ],
)  # fmt: skip
def test_text_that_is_no_configuration(content, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(content, "drift.yaml", {})


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_a_configuration_or_a_config_error(content):
    with pytest.raises(ConfigError):
        parse_config(content, "drift.yaml", {})


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
trees = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=6)  # fmt: skip
KEYS = [
    "event_time",
    "request_id",
    "segments",
    "features",
    "windows",
    "source",
    "tests",
    "sinks",
    "max_segments",
]


@given(st.sampled_from(KEYS), trees)
def test_any_value_at_any_key_is_read_or_a_config_error(key, tree):
    import yaml

    line = yaml.safe_dump({key: tree}, allow_unicode=True, default_flow_style=True, width=10**6)
    try:
        read(**{key: line.strip().removeprefix("{").removesuffix("}")})
    except ConfigError as error:
        assert str(error)  # noqa: PT017


# --- secrets


SECRET = "hunter2-correct-horse"


@pytest.mark.parametrize(
    "changes",
    [
        {"tests": "tests: {psi: '${PW}'}"},
        {"tests": "tests: {min_n: '${PW}'}"},
        {"windows": "windows: {size: '${PW}'}"},
        {"features": "features: {a: '${PW}'}"},
        {"event_time": "event_time: {column: a, unit: '${PW}'}"},
        {"segments": "segments: '${PW}'"},
        {"segments": "segments: ['${PW}', '${PW}']"},
        {"source": f"source: {{kafka: {{{KAFKA}, format: '${{PW}}'}}}}"},
        {"source": f"source: {{kafka: {{{KAFKA}, format: json, options: {{sasl.password: ['${{PW}}']}}}}}}"},
        {"source": "source: {files: {pattern: 'a/${PW}/*'}}"},
        {"source": "source: {pubsub: {subscription: '${PW}', format: json}}"},
        {"source": "source: {pubsub: '${PW}'}"},
    ],
)
def test_a_secret_is_never_in_a_message(changes):
    with pytest.raises(ConfigError) as caught:
        read({"PW": SECRET}, **changes)
    error = caught.value
    assert SECRET not in str(error) + repr(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


def test_a_value_from_the_environment_is_shown_by_its_name():
    assert only({"PW": SECRET}, tests="tests: {psi: '${PW}'}").value == "${PW}"


def test_a_configuration_does_not_print_its_values():
    config = read(
        {"PW": SECRET},
        source=f"source: {{kafka: {{{KAFKA}, format: json, options: {{sasl.password: '${{PW}}'}}}}}}",
    )
    assert config.source.kafka.options["sasl.password"] == SECRET
    assert (
        SECRET not in f"{config} {config!r} {config.source!r} {config.source.kafka!r} {config.source.kafka}"
    )


def test_a_missing_variable_is_said_once_with_its_name():
    problem = only({}, tests="tests: {psi: '${PSI_LIMIT}'}")
    assert "PSI_LIMIT, which is not set" in problem.message
    assert "export PSI_LIMIT=" in problem.remedy
    assert problem.value == "${PSI_LIMIT}"


def test_dollars_that_are_no_variables():
    assert read(model="model: $5 $${NAME} {x}").model == "$5 ${NAME} {x}"
    for bad in ("${}", "${1A}", "${A", "${A-B}"):
        assert "names no environment variable" in only({"A": "x"}, model=f"model: '{bad}'").message


def test_a_variable_inside_text_and_its_value_is_not_read_again():
    assert read({"A": "${B}: [", "B": "no"}, model="model: x-${A}-y").model == "x-${B}: [-y"


# --- files


def test_a_file_is_read(tmp_path):
    path = tmp_path / "drift.yaml"
    path.write_text("\ufeff" + text(model="model: modèle-${X}"), encoding="utf-8")
    config = load_config(path, {"X": "1"})
    assert config.model == "modèle-1"
    assert config.name == str(path)


def test_the_environment_of_the_process_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTLINE_TEST_MODEL", "from-the-process")
    path = tmp_path / "drift.yaml"
    path.write_text(text(model="model: ${DRIFTLINE_TEST_MODEL}"))
    assert load_config(path).model == "from-the-process"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(tmp_path / "nope.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("model: modèle".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8 text \\(byte 10\\)"):
        load_config(tmp_path / "latin.yaml")


# --- documentation and import cost


def test_the_documentation_is_up_to_date():
    path = Path(__file__).parents[3] / "docs" / "configuration.md"
    assert path.read_text(encoding="utf-8") == page(), (
        "run: python -m driftline.config.configuration_page > docs/configuration.md"
    )


def test_workers_do_not_pay_for_the_models():
    code = (
        "import sys; import driftline.feature_spec, driftline.config.durations, driftline.config.errors;"
        "sys.exit('pydantic' in sys.modules or 'yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_names_of_the_package():
    import driftline.config

    assert all(hasattr(driftline.config, name) for name in driftline.config.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Cnfig'"):
        driftline.config.Cnfig  # noqa: B018
