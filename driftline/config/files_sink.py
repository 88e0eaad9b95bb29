"""Keys of the sink `files`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from driftline.config.sink_settings import SinkSettings
from driftline.config.value_types import OneOf, Text

SinkFormat = Annotated[str, OneOf(("parquet", "avro", "jsonl"))]


class FilesSinkSettings(SinkSettings):
    """Files: one a table, or of a stream a folder a table."""

    path: Text = Field(description="Folder for the tables.", examples=["out/"])
    format: SinkFormat = Field(default="parquet", description="File format.")
