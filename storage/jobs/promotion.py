"""The job that promotes a folder of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from storage.buckets import Buckets
from storage.jobs.buckets import source
from storage.jobs.run import Run, Step, Unit
from storage.keys import composed
from storage.promotion import Promoter, Wishes


@dataclass(frozen=True, slots=True)
class Promotion:
    """Promotes the files of the folder `src`, under their paths within it behind `obj`."""

    buckets: Buckets
    promoter: Promoter

    def __call__(self, run: Run) -> Iterator[Step]:
        bucket = source(self.buckets, run)
        value = run.value
        wishes = Wishes(overwrite=value["ovw"], delete=value["dls"])

        def work(path: str) -> Step:
            file = f"{value['src'].rstrip('/')}/{path}"
            size = self.promoter.promote(file, bucket, composed(value["obj"], path), run.owner, wishes)
            return Step() if size is None else Step(objects=1, size=size)

        files = self.promoter.root.files(value["src"], deep=value["rcr"])
        return run.each((Unit(path, path) for path in files if path > run.cursor), work)
