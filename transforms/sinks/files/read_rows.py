"""Read the rows of a table that a job wrote: a Parquet file, or a folder of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from driftline.transforms.write_file import is_folder

if TYPE_CHECKING:
    from driftline.tables import RowSchema


def read_rows(path: str, schema: RowSchema) -> pa.Table:
    """Read all rows under a name, of any pane and replay.

    Parameters
    ----------
    path
        File or folder, on any Beam filesystem.

    Returns
    -------
    pyarrow.Table
        The columns of the schema; null what a file of an older release does not have. The files of a folder
        in the order of their names: by time.

    Raises
    ------
    ValueError
        Naming the file that is not Parquet, or holds other rows.
    """
    if not is_folder(path):
        return _of_schema(path, schema)
    found = FileSystems.match([FileSystems.join(path, "*.parquet")])[0].metadata_list
    names = sorted(file.path for file in found)
    whole = [name for name in names if not FileSystems.split(name)[1].startswith((".", "_"))]
    return pa.concat_tables([schema.arrow.empty_table(), *(_of_schema(name, schema) for name in whole)])


def _of_schema(path: str, schema: RowSchema) -> pa.Table:
    with FileSystems.open(path, compression_type="uncompressed") as file:
        try:
            table = pq.read_table(file)
        except pa.ArrowException as error:
            raise ValueError(f"{path} is no whole Parquet file: {error}") from error
    missing = [field.name for field in schema.arrow if field.name not in table.column_names]
    required = [name for name in missing if not schema.arrow.field(name).nullable]
    if required:
        raise ValueError(f"{path} has no column {required[0]}, so its rows are no {schema.name}")
    for name in missing:
        table = table.append_column(name, pa.nulls(table.num_rows, schema.arrow.field(name).type))
    return table.select(schema.names).cast(schema.arrow)
