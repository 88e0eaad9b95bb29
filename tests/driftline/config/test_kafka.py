"""Kafka as source and sink: what is read, and every mistake with key, line, value and remedy."""

# One mistake a line reads better than six.
# ruff: noqa: E501

import pickle
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.config import ConfigError, StartPosition, parse_config
from driftline.config.start import StartError, parse_start
from driftline.decoding.rejects import Reason

SECRET = "hunter2-correct-horse"
BASE = """\
model: flights
event_time: at
features: {distance: numeric}
baseline: {path: baseline.avro}
"""


def read(
    kafka="", sinks="", environ=None, top="", topic="topic: t", form="format: json", brokers="['b:9092']"
):
    keys = ", ".join(part for part in (f"brokers: {brokers}", topic, form, kafka) if part)
    source = f"source: {{kafka: {{{keys}}}}}\n"
    return parse_config(BASE + top + source + sinks, "drift.yaml", environ or {})


def kafka(*args, **kwargs):
    return read(*args, **kwargs).source.kafka


def sink(keys):
    return f"sinks: [kafka: {{brokers: ['b:9092'], {keys}}}]"


# --- right ones


def test_the_example_of_the_contract():
    source = kafka(
        "schema: event.avsc, start: latest, group: g, disorder: 5s, options: {a: b}", form="format: avro"
    )
    assert (source.topics, source.schema_, source.start) == (("t",), "event.avsc", StartPosition("latest"))


def test_defaults():
    source = kafka()
    assert (source.topics, source.topic_pattern, source.group) == (("t",), None, None)
    assert source.start == StartPosition("latest")
    assert (source.disorder, source.idle_after, source.max_ahead) == (5_000_000, 20_000_000, 3_600_000_000)
    assert (source.event_time, source.deduplicate, source.registry, source.options) == (
        "payload",
        False,
        None,
        {},
    )


def test_several_topics_and_patterns():
    several = kafka(topic="topic: [a, b.c]")
    assert several.topics == ("a", "b.c")
    assert [several.reads(name) for name in ("a", "b.c", "bxc")] == [True, True, False]
    pattern = kafka(topic=r"topic_pattern: 'f\.[a-z]+'")
    assert (pattern.topics, pattern.topic_pattern) == ((), r"f\.[a-z]+")
    assert [pattern.reads(name) for name in ("f.a", "f.a1", "xf.a")] == [True, False, False]


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("earliest", StartPosition("earliest")),
        ("committed", StartPosition("committed")),
        ("1970-01-02", StartPosition("time", 86_400_000_000)),
        ("'1970-01-02'", StartPosition("time", 86_400_000_000)),
        ("1970-01-01T00:00:01", StartPosition("time", 1_000_000)),
        ("'1970-01-01T00:01'", StartPosition("time", 60_000_000)),
        ("1970-01-01 00:00:00.5", StartPosition("time", 500_000)),
        ("1970-01-01T02:00:00.000001+02:00", StartPosition("time", 1)),
        ("1970-01-01T02:00+0200", StartPosition("time", 0)),
        ("'1970-01-01T00:00:00Z'", StartPosition("time", 0)),
        ("{0: 5, 1: 0}", StartPosition("offsets", offsets={"": {0: 5, 1: 0}})),
        ("{t: {0: 5}}", StartPosition("offsets", offsets={"t": {0: 5}})),
        ("{0: '${OFFSET}'}", StartPosition("offsets", offsets={"": {0: 17}})),
        ("'${WORD}'", StartPosition("earliest")),
    ],
)
def test_starts(written, start):
    found = kafka(f"start: {written}, group: g", environ={"OFFSET": "17", "WORD": "earliest"}).start
    assert found == start
    assert pickle.loads(pickle.dumps(found)) == start


def test_offsets_are_looked_up_by_topic_and_partition():
    alone = kafka("start: {0: 5}").start
    assert [alone.offset("t", partition) for partition in (0, 1)] == [5, None]
    named = kafka("start: {a: {0: 5}, b: {0: 6}}", topic="topic: [a, b, c]").start
    assert [named.offset(topic, 0) for topic in "abc"] == [5, 6, None]
    assert kafka("start: {fa: {0: 5}}", topic="topic_pattern: 'f.*'").start.offset("fa", 0) == 5


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)), st.integers(-23 * 60, 23 * 60) | st.none())
def test_every_time_is_read_as_python_means_it(moment, minutes):
    zone = None if minutes is None else timezone(timedelta(minutes=minutes))
    text = moment.replace(tzinfo=zone).isoformat()
    true = moment.replace(tzinfo=zone or timezone.utc)
    if (true - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() >= 0:
        expected = (true - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
        assert parse_start(text) == StartPosition("time", expected)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    )
)
def test_anything_is_a_start_or_a_mistake(value):
    try:
        found = parse_start(value)
    except StartError as error:
        found = error.message and error.remedy
    assert found


def test_all_keys_at_once():
    config = read(
        "registry: {url: 'https://r:8081/base', options: {basic.auth.user.info: '${LOGIN}', timeout: 5}}, "
        "event_time: record, idle_after: 1m, max_ahead: 2h, deduplicate: true, group: g, start: committed",
        sinks="""
sinks:
  - files: {path: out/}
  - kafka: {brokers: ['b:9092'], results: results, dead_letters: letters, format: avro, options: {linger.ms: 5}}
  - kafka: {brokers: ['c:9092'], results: results}
""",
        top="request_id: id\n",
        form="format: confluent",
        environ={"LOGIN": "u:" + SECRET},
    )
    source = config.source.kafka
    assert source.registry.url == "https://r:8081/base"
    assert source.registry.options == {"basic.auth.user.info": "u:" + SECRET, "timeout": "5"}
    assert source.schema_ is None
    assert (source.event_time, source.idle_after, source.max_ahead) == ("record", 60_000_000, 7_200_000_000)
    assert source.deduplicate is True
    assert [sink.kafka is None for sink in config.sinks] == [True, False, False]
    written = config.sinks[1].kafka
    assert (written.brokers, written.results, written.dead_letters, written.format) == (
        ("b:9092",),
        "results",
        "letters",
        "avro",
    )
    assert written.topics == {"results": "results", "dead_letters": "letters"}
    assert written.options == {"linger.ms": "5"}
    assert (config.sinks[2].kafka.format, config.sinks[2].kafka.topics) == ("json", {"results": "results"})
    assert pickle.loads(pickle.dumps(config)) == config
    shown = f"{config} {source!r} {source.registry!r} {source.registry} {written!r} {config.sinks!r}"
    assert SECRET not in shown


def test_a_sink_may_write_what_a_file_source_never_reads():
    text = BASE + "source: {files: {pattern: a.avro}}\n" + sink("results: t")
    assert parse_config(text, "drift.yaml", {}).sinks[0].kafka.results == "t"


def test_the_reasons_of_kafka():
    assert (Reason.NO_VALUE.value, Reason.FUTURE_EVENT_TIME.value) == ("no_value", "future_event_time")


# --- wrong ones: (arguments of read, key path, part of the message, part of the remedy)

START = "source.kafka.start"
TOPIC = "source.kafka.topic"
URL = "source.kafka.registry.url"
RESULTS = "sinks[0].kafka.results"
CONFLUENT = {"form": "format: confluent"}

MISTAKES = {
    "no topic": ({"topic": ""}, "source.kafka", "names no topic", "`topic: features`"),
    "misspelt topic": ({"topic": "topc: t"}, "source.kafka.topc", "is not a key", "`topic`"),
    "our word for topic": ({"topic": "topics: [t]"}, "source.kafka.topics", "is not a key", "`topic`"),
    "empty list of topics": ({"topic": "topic: []"}, TOPIC, "is empty", "at least one"),
    "topic twice": ({"topic": "topic: [a, a]"}, TOPIC, "more than once", "once"),
    "topic that is none": ({"topic": "topic: 'a*'"}, TOPIC, "is not the name of a topic", "topic_pattern"),
    "no brokers": ({"kafka": "group: g", "topic": "topic: t", "brokers": "[]"}, "source.kafka.brokers", "is empty", "at least one"),
    "empty broker": ({"brokers": "['']"}, "source.kafka.brokers[0]", "is empty", "a name"),
    "broker without a port": ({"brokers": "[kafka]"}, "source.kafka.brokers[0]", "is not the host and port of a broker", "broker-1:9092"),
    "second broker without a port": ({"brokers": "['b:1', 'c']"}, "source.kafka.brokers[1]", "is not the host and port", "add the port"),
    "several in one, one without": ({"brokers": "['b:1,c']"}, "source.kafka.brokers[0]", "is not the host and port", "add the port"),
    "impossible port": ({"brokers": "['b:65536']"}, "source.kafka.brokers[0]", "is not the host and port", "add the port"),
    "port in words": ({"brokers": "['b:http']"}, "source.kafka.brokers[0]", "is not the host and port", "add the port"),
    "sink's broker": ({"sinks": "sinks: [kafka: {brokers: [b], results: r}]"}, "sinks[0].kafka.brokers[0]", "is not the host and port", "add the port"),
    "topic that is none in a list": ({"topic": "topic: [a, '..']"}, f"{TOPIC}[1]", "is not the name of a topic", "letters"),
    "topic and pattern": ({"kafka": "topic_pattern: x"}, "source.kafka.topic_pattern", "is there next to topic", "keep one"),
    "bad pattern": ({"topic": "topic_pattern: 'a(b'"}, "source.kafka.topic_pattern", "is not a regular expression (character 2)", "in quotes"),
    "start word": ({"kafka": "start: earlist"}, START, "is not one of latest, earliest, committed, a time or offsets", "did you mean `earliest`?"),
    "start number": ({"kafka": "start: 5"}, START, "is not one of latest", "{partition: offset}"),
    "start list": ({"kafka": "start: [5]"}, START, "is not one of latest", "2026-01-31"),
    "start time": ({"kafka": "start: 2026-1-1"}, START, "is not a time", "2026-01-31T08:30"),
    "start time with junk": ({"kafka": "start: '2026-01-01T08:30 UTC'"}, START, "is not a time", "(UTC)"),
    "start impossible time": ({"kafka": "start: '2026-02-30'"}, START, "is not a time that exists", "2026-01-31"),
    "start impossible zone": ({"kafka": "start: '2026-02-03T00:00+99:99'"}, START, "is not a time that exists", "2026-01-31"),
    "start before Kafka": ({"kafka": "start: 1969-12-31"}, START, "lies before 1970", "2026-01-31"),
    "committed without group": ({"kafka": "start: committed"}, START, "needs a consumer group", "`group: driftline`"),
    "no offsets": ({"kafka": "start: {}"}, START, "has no offsets", "{partition: offset}"),
    "no offsets of a topic": ({"kafka": "start: {t: {}}"}, START, "has no offsets of topic t", "{partition: offset}"),
    "negative offset": ({"kafka": "start: {0: -1}"}, START, "has no offset from 0 up for partition 0", "from 0"),
    "offset in part": ({"kafka": "start: {0: 1.5}"}, START, "has no offset from 0 up for partition 0", "from 0"),
    "offset yes": ({"kafka": "start: {t: {3: yes}}"}, START, "partition 3 of topic t", "from 0"),
    "offset empty": ({"kafka": "start: {0: }"}, START, "partition 0", "from 0"),
    "huge offset": ({"kafka": f"start: {{0: {2**70}}}"}, START, "partition 0", "from 0"),
    "partition": ({"kafka": "start: {-1: 0}"}, START, "a key that is no partition", "{partition: offset}"),
    "mixed offsets": ({"kafka": "start: {0: 1, t: {0: 1}}"}, START, "mixes", "{partition: offset}"),
    "offsets of which topic": ({"kafka": "start: {0: 1}", "topic": "topic: [a, b]"}, START, "does not say of which topic", "{topic: {partition: offset}}"),
    "offsets of which matching topic": ({"kafka": "start: {0: 1}", "topic": "topic_pattern: a"}, START, "does not say of which topic", "{topic:"),
    "offsets of a strange topic": ({"kafka": "start: {flghts: {0: 1}}", "topic": "topic: flights"}, START, "topic flghts, which is not read", "did you mean `flights`?"),
    "offsets of a topic that does not match": ({"kafka": "start: {xf: {0: 1}}", "topic": "topic_pattern: 'f.*'"}, START, "topic xf, which is not read", "name topics that are read"),
    "event time": ({"kafka": "event_time: kafka"}, "source.kafka.event_time", "is not one of payload, record", "payload, record"),
    "idle_after": ({"kafka": "idle_after: 20"}, "source.kafka.idle_after", "has no unit", "90s"),
    "idle_after zero": ({"kafka": "idle_after: 0s"}, "source.kafka.idle_after", "longer than 0", "20s"),
    "max_ahead": ({"kafka": "max_ahead: soon"}, "source.kafka.max_ahead", "is not a duration", "90s"),
    "max_ahead zero": ({"kafka": "max_ahead: 0h"}, "source.kafka.max_ahead", "longer than 0", "1h"),
    "deduplicate": ({"kafka": "deduplicate: maybe"}, "source.kafka.deduplicate", "neither true nor false", "write true or false"),
    "deduplicate list": ({"kafka": "deduplicate: []"}, "source.kafka.deduplicate", "neither true nor false", "write true or false"),
    "deduplicate without id": ({"kafka": "deduplicate: true"}, "source.kafka.deduplicate", "column that tells requests apart", "`request_id: id`"),
    "registry of json": ({"kafka": "registry: {url: 'http://r'}"}, "source.kafka.registry", "not used by format json", "format: confluent"),
    "registry and schema": ({"kafka": "registry: {url: 'http://r'}, schema: {1: a}", **CONFLUENT}, "source.kafka.schema", "next to registry", "keep one"),
    "neither registry nor schema": (CONFLUENT, "source.kafka.schema", "is missing: format confluent needs it", "registry: {url: ...}"),
    "registry without url": ({"kafka": "registry: {}", **CONFLUENT}, URL, "is missing", "`url: https://"),
    "registry no url": ({"kafka": "registry: {url: 'r:8081'}", **CONFLUENT}, URL, "is not a URL", "https://registry"),
    "registry two urls, one bad": ({"kafka": "registry: {url: 'http://r,s'}", **CONFLUENT}, URL, "is not a URL", "https://registry"),
    "registry impossible url": ({"kafka": "registry: {url: 'http://[r'}", **CONFLUENT}, URL, "is not a URL", "https://registry"),
    "registry login in url": ({"kafka": "registry: {url: 'http://u:p@r'}", **CONFLUENT}, URL, "more than scheme, host", "basic.auth.user.info"),
    "registry url among options": ({"kafka": "registry: {url: 'http://r', options: {url: x}}", **CONFLUENT}, "source.kafka.registry.options", "sets url", "`url`"),
    "results missing": ({"sinks": sink("dead_letters: d")}, RESULTS, "is missing", "`results: drift-results`"),
    "results to the source": ({"sinks": sink("results: t")}, RESULTS, "that the job reads", "the rows it writes"),
    "results to a matching topic": ({"sinks": sink("results: fx"), "topic": "topic_pattern: 'f.*'"}, RESULTS, "that the job reads", "another topic"),
    "dead letters to the source": ({"sinks": sink("results: r, dead_letters: t")}, "sinks[0].kafka.dead_letters", "that the job reads", "another topic"),
    "dead letters to the results": ({"sinks": sink("results: r, dead_letters: r")}, "sinks[0].kafka.dead_letters", "topic of the results too", "another topic"),
    "two sinks, one topic": (
        {"sinks": "sinks: [kafka: {brokers: ['a:1', 'b:1'], results: r}, kafka: {brokers: ['b:1', 'a:1'], results: q, dead_letters: r}]"},
        "sinks[1].kafka.dead_letters", "another sink writes to", "once",
    ),
    "sink format": ({"sinks": sink("results: r, format: parquet")}, "sinks[0].kafka.format", "is not one of json, avro", "json, avro"),
    "sink topic": ({"sinks": sink("results: 'a b'")}, RESULTS, "is not the name of a topic", "letters"),
    "two kinds in one sink": ({"sinks": "sinks: [{files: {path: x}, kafka: {brokers: ['b:9092'], results: r}}]"}, "sinks[0]", "names files and kafka", "own dash"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "where", "message", "remedy"), MISTAKES.values(), ids=MISTAKES.keys())
def test_every_mistake_is_named(arguments, where, message, remedy):
    with pytest.raises(ConfigError) as caught:
        read(**arguments)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert message in problem.message
    assert remedy in problem.remedy
    assert problem.line is not None


OURS = {
    "source": ("bootstrap.servers", "metadata.broker.list", "group.id", "enable.auto.commit", "auto.commit.enable",
               "enable.auto.offset.store", "auto.offset.reset", "enable.partition.eof"),
    "sink": ("bootstrap.servers", "metadata.broker.list", "enable.idempotence", "acks", "request.required.acks",
             "transactional.id"),
}  # fmt: skip


@pytest.mark.parametrize(("side", "name"), [(side, name) for side, names in OURS.items() for name in names])
def test_options_that_are_ours(side, name):
    options = f"options: {{client.id: x, {name}: {SECRET}}}"
    with pytest.raises(ConfigError) as caught:
        read(options) if side == "source" else read(sinks=sink(f"results: r, {options}"))
    (problem,) = caught.value.problems
    assert problem.message == f"sets {name}"
    assert problem.remedy
    assert SECRET not in str(caught.value)


def test_values_are_shown_as_written():
    with pytest.raises(ConfigError) as caught:
        read("start: earlist, deduplicate: true", sinks=sink("results: t"))
    assert [(p.where, p.value, p.line) for p in caught.value.problems] == [
        (START, "earlist", 5),
    ], "what depends on a wrong source is said after it is right"
    with pytest.raises(ConfigError) as caught:
        read("deduplicate: true")
    assert caught.value.problems[0].value == "true"


@pytest.mark.parametrize(
    "arguments",
    [
        {"topic": "topic: '${PW} '", "kafka": "start: '${PW}'"},
        {"topic": "topic_pattern: '(${PW}'"},
        {"kafka": "start: {0: '${PW}'}"},
        {"kafka": "start: '2${PW}'"},
        {"kafka": "idle_after: '${PW}', max_ahead: '${PW}', deduplicate: '${PW}', event_time: '${PW}'"},
        {"kafka": "registry: {url: '${PW}'}", **CONFLUENT},
        {"kafka": "registry: {url: 'http://u:${PW}@r'}", **CONFLUENT},
        {"kafka": f"registry: {{url: 'http://u:{SECRET}@r'}}", **CONFLUENT},
        {"kafka": f"registry: {{url: 'http://r?token={SECRET}'}}", **CONFLUENT},
        {"kafka": "registry: {url: 'http://r', options: {a: ['${PW}']}}", **CONFLUENT},
        {"kafka": f"registry: {{url: 'http://r', options: {SECRET}}}", **CONFLUENT},
        {"kafka": f"options: {{acks: [{SECRET}]}}"},
        {"sinks": sink(f"results: r, options: {{a: [{SECRET}]}}")},
        {"sinks": sink("results: '${PW}', dead_letters: '${PW}'")},
    ],
)
def test_a_secret_is_never_in_a_message(arguments):
    with pytest.raises(ConfigError) as caught:
        read(**arguments, environ={"PW": SECRET + " "})
    assert SECRET not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "brokers", ["['b:9092']", "['b-1.example.com:1', 'SSL://b:2']", "['b:1, c:2']", "['[::1]:9092']"]
)
def test_brokers_are_hosts_with_ports(brokers):
    assert read(brokers=brokers).source.kafka.brokers


def test_brokers_of_labels_need_ports_too():
    labels = (
        "labels: {column: y, source: {kafka: {brokers: [b], topic: l, format: json, event_time: record}}}\n"
    )
    with pytest.raises(ConfigError, match=r"labels.source.kafka.brokers\[0\]: b "):
        read(top=f"{labels}request_id: id\nprediction: p\n")
