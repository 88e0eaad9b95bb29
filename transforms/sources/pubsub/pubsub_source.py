"""Pub/Sub as a source: it can be configured, and no command of this release reads it."""

from __future__ import annotations

from typing import Final, NoReturn

from pydantic import Field, field_validator

from driftline.config.messages import MessagesSource
from driftline.config.value_types import Text, mistake
from driftline.transforms.sources.source import NotThereYetError, Reading, Source


class PubSubSource(MessagesSource):
    """A Pub/Sub subscription. No command of this release reads it; a later one will."""

    subscription: Text = Field(
        description="Full name of the subscription.", examples=["projects/PROJECT/subscriptions/NAME"]
    )

    @field_validator("subscription")
    @classmethod
    def _is_a_full_name(cls, value: str) -> str:
        parts = value.split("/")
        if len(parts) != 4 or parts[0] != "projects" or parts[2] != "subscriptions" or not all(parts):
            raise mistake("is not a full name", "write projects/PROJECT/subscriptions/NAME")
        return value


class _PubSub(Source):
    settings = PubSubSource
    endless = True

    def check(self, reading: Reading) -> NoReturn:
        """Refuse it."""
        settings: PubSubSource = reading.settings
        labels = reading.schema.label is not None and reading.schema.label.alone
        if labels:
            remedy = "name files or kafka; baseline and backtest also take files with --labels"
        elif reading.bounded:
            remedy = "give --input PATTERN with recorded data, or name files or kafka"
        else:
            remedy = "name files or kafka"
        refused = reading.refused("", "is not read by this release", remedy, settings.subscription)
        remark = (
            f"pubsub {settings.subscription}: is not read by this release; monitor needs files or kafka, "
            f"baseline and backtest these or {'--labels' if labels else '--input'}"
        )
        raise NotThereYetError(refused, remark)

    def reader(self, reading: Reading) -> NoReturn:
        """Refuse it."""
        self.check(reading)


PUBSUB: Final = _PubSub()
