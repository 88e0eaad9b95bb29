"""Replay the recorded flights into a Kafka topic, each request at its pressed time.

Also alone, against any broker: python examples/flights/live/generator.py --brokers localhost:9092
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timezone
from pathlib import Path

import orjson
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from recorded import log_from, restamped
from replay import SPEED, Replay

DATA = Path(__file__).parents[1] / "data"
TOPIC = "flights"
PARTITIONS = 4
FIRST = "2013-08-29"
LEAD = 5.0  # seconds to read the log in
TICK = 0.05


def utc_day(text: str) -> datetime:
    """Midnight of a day, UTC."""
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)


def make_topic(brokers: str, topic: str) -> None:
    """Make the topic unless it is there."""
    admin = AdminClient({"bootstrap.servers": brokers})
    (made,) = admin.create_topics([NewTopic(topic, PARTITIONS)]).values()
    try:
        made.result(20)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def send(brokers: str, topic: str, log: list[dict[str, object]], times: list[int]) -> None:
    """Send each request when its time, ms since 1970, has come; the key spreads them over the partitions."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20, "enable.idempotence": True})
    sent = 0
    while sent < len(log):
        now = time.time() * 1000
        while sent < len(log) and times[sent] <= now:
            producer.produce(topic, orjson.dumps(log[sent]), key=log[sent]["id"])
            sent += 1
        producer.poll(0)
        time.sleep(TICK)
    producer.flush(30)


def main() -> None:
    """Read the log, make the topic, replay."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--brokers", required=True, help="host:port")
    parser.add_argument("--topic", default=TOPIC)
    parser.add_argument("--log", type=Path, default=DATA / "live", help="folder of Avro files named by month")
    parser.add_argument("--from", dest="first", type=utc_day, default=FIRST, help=f"recorded day, {FIRST}")
    parser.add_argument("--speed", type=int, default=SPEED, help=f"how much faster than recorded, {SPEED}")
    parser.add_argument("--begin", type=float, help="seconds since 1970 to begin at or after; soon if absent")
    args = parser.parse_args()
    try:
        replay = Replay.starting(args.first, args.begin or time.time() + LEAD, args.speed)
        log = restamped(log_from(args.log, args.first), replay)
    except ValueError as error:
        parser.error(str(error))
    make_topic(args.brokers, args.topic)
    begin = datetime.fromtimestamp(replay.begin / 1000, tz=timezone.utc)
    print(f"{args.first:%Y-%m-%d} begins at {begin:%H:%M:%S} UTC, {log.num_rows:,} requests", flush=True)
    send(args.brokers, args.topic, log.to_pylist(), log["replayed_at"].to_pylist())


if __name__ == "__main__":
    main()
