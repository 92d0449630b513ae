"""The options of a job. This module needs neither Arrow nor Ray."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mmnet.arguments import check_fields
from mmnet.batch.errors import BatchError

# The folder of a job's records. Readers of datasets skip names that begin with an underscore, like hidden ones.
RECORDS = "_mmnet"


class ResultFormat(StrEnum):
    """The form of the results: one file per image, or Parquet files (shards) of many images."""

    FILES = "files"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Columns:
    """The columns of a Parquet source. A dot leads to the field of a struct (`image.bytes`).

    Attributes:
        image: the bytes of the photo files, or a struct with a field `bytes`.
        name: the names of the images, or a struct with a field `path`.
    """

    image: str = "image"
    name: str = "name"


@dataclass(frozen=True)
class BatchOptions:
    """The options of a job.

    Attributes:
        to: `files`, one file per image, or `parquet`, shards of many images.
        shard_size: images per shard, >= 1, where they are files; images from Parquet keep their row groups.
        image_column, name_column: see `Columns`.
        retry: whether images that failed in an earlier run are tried again.
        max_errors: how many images may fail in this run; None sets no limit.
        force: whether all results that exist are removed first, even those of another job.

    Raises:
        BatchError: an option has a value that it cannot have.
    """

    to: ResultFormat | str = ResultFormat.FILES
    shard_size: int = 256
    image_column: str = "image"
    name_column: str = "name"
    retry: bool = False
    max_errors: int | None = None
    force: bool = False

    @property
    def columns(self) -> Columns:
        """The columns of a Parquet source."""
        return Columns(self.image_column, self.name_column)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.to not in list(ResultFormat):
            raise BatchError(f"unknown result format {str(self.to)!r}; choose one of {', '.join(ResultFormat)}")
        if self.shard_size < 1:
            raise BatchError(f"shard_size is {self.shard_size}; give at least 1")
