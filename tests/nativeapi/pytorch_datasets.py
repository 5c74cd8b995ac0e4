"""Reads a bucket through every dataset of `aistore.pytorch`; run by the system's Python, which has PyTorch.

`pytorch_datasets.py ENDPOINT BUCKET ETL FILE` writes to FILE as JSON what each has read. The environment has a token,
as the SDK wants it. What the bucket holds, and what should have been read, is in test_sdk_pytorch.py.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aistore.pytorch import (
    AISBaseIterDataset,
    AISBaseMapDataset,
    AISIterDataset,
    AISMapDataset,
    AISMultiShardStream,
    AISParallelMapDataset,
    AISShardReader,
    DynamicBatchSampler,
)
from aistore.pytorch.batch_iter_dataset import AISBatchIterDataset
from aistore.sdk import Bucket, Client, DataShard
from torch.utils.data import DataLoader, Sampler

# The SDK names no data source, which PyTorch before 2.1 wants to be told and does nothing with.
Sampler.__init__.__defaults__ = (None,)
READERS: dict[str, Callable[[Given], Any]] = {}


@dataclass(frozen=True, slots=True)
class Given:
    client: Client
    bucket: Bucket
    etl: str


def reader(read: Callable[[Given], Any]) -> Callable[[Given], Any]:
    READERS[read.__name__] = read
    return read


def texts(samples: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(name, data.decode()) for name, data in samples]


def shards(samples: Iterable[tuple[str, dict[str, bytes]]]) -> list[tuple[str, dict[str, str]]]:
    return [(name, {ending: data.decode() for ending, data in parts.items()}) for name, parts in samples]


def refusal(act: Callable[[], Any]) -> str:
    """The name of the type of what it raises."""
    try:
        act()
    except Exception as error:  # whatever a client raises is what is asked for
        return type(error).__name__
    return ""


class NamesByIndex(AISBaseMapDataset):
    def __getitem__(self, index: int) -> str:
        return str(self._obj_list[index].name)


class NamesInTurn(AISBaseIterDataset):
    def __iter__(self) -> Any:
        self._reset_iterator()
        return (each.name for each in self._get_worker_iter_info()[0])


@reader
def map_dataset(given: Given) -> Any:
    dataset = AISMapDataset(given.bucket, {given.bucket: "texts/"})
    return {
        "length": len(dataset),
        "in turn": texts(dataset[index] for index in range(len(dataset))),
        "many": texts(dataset.__getitems__([4, 1])),
        "loaded": texts(DataLoader(dataset, batch_size=None, num_workers=2)),
        "beyond": refusal(lambda: dataset[5]),
    }


@reader
def map_dataset_of_objects(given: Given) -> Any:
    groups = [given.bucket.objects(obj_names=["texts/2"]), given.bucket.objects(obj_template="texts/{0..1}")]
    dataset = AISMapDataset(groups)
    return texts(dataset[index] for index in range(len(dataset)))


@reader
def map_dataset_transformed(given: Given) -> Any:
    dataset = AISMapDataset(given.bucket, {given.bucket: ["zipped/"]}, etl_name=given.etl)
    return texts(dataset[index] for index in range(len(dataset)))


@reader
def parallel_map_dataset(given: Given) -> Any:
    dataset = AISParallelMapDataset(given.bucket, {given.bucket: "large/"}, num_workers=4)
    name, content = dataset[0]
    with content as buffer:
        return {"length": len(dataset), name: hashlib.sha256(bytes(buffer.buf)).hexdigest()}


@reader
def iter_dataset(given: Given) -> Any:
    dataset = AISIterDataset(given.bucket, {given.bucket: ["texts/0", "texts/1"]}, show_progress=True)
    loaded = DataLoader(AISIterDataset(given.bucket, {given.bucket: "texts/"}), batch_size=None, num_workers=2)
    return {"length": len(dataset), "in turn": texts(iter(dataset)), "loaded": sorted(texts(loaded))}


@reader
def iter_dataset_transformed(given: Given) -> Any:
    return texts(iter(AISIterDataset(given.bucket, {given.bucket: "zipped/"}, etl_name=given.etl)))


@reader
def iter_dataset_of_sources_by_worker(given: Given) -> Any:
    templates = ("texts/{0..1}", "texts/{2..3}", "texts/{4..4}")
    groups = [given.bucket.objects(obj_template=template) for template in templates]
    dataset = AISIterDataset(groups, partition_sources_by_worker=True)
    return sorted(texts(DataLoader(dataset, batch_size=None, num_workers=2)))


@reader
def batch_iter_dataset(given: Given) -> Any:
    def read(**options: Any) -> list[tuple[str, str]]:
        prefixes = {given.bucket: "texts/"}
        dataset = AISBatchIterDataset(given.bucket, given.client, prefixes, max_batch_size=2, **options)
        return texts(iter(dataset))

    dataset = AISBatchIterDataset(given.bucket, given.client, {given.bucket: "texts/"}, max_batch_size=2)
    return {
        "streamed": read(),
        "in parts": read(streaming=False),
        "zip": read(output_format=".zip", streaming=False),
        "loaded": sorted(texts(DataLoader(dataset, batch_size=None, num_workers=2))),
    }


@reader
def batch_iter_dataset_whose_objects_go(given: Given) -> Any:
    def read(**options: Any) -> list[str]:
        prefixes = {given.bucket: "doomed/"}
        names = []
        for name, _ in AISBatchIterDataset(given.bucket, given.client, prefixes, max_batch_size=1, **options):
            names.append(name)
            if name == "doomed/0":
                given.bucket.object("doomed/1").delete()
        return names

    for name in ("doomed/0", "doomed/1"):
        given.bucket.object(name).get_writer().put_content(b"doomed")
    lenient = read(cont_on_err=True)
    given.bucket.object("doomed/1").get_writer().put_content(b"doomed")
    return {"lenient": lenient, "strict": refusal(read)}


@reader
def shard_reader(given: Given) -> Any:
    dataset = AISShardReader(given.bucket, {given.bucket: "shards/"})
    merged = [
        (list(names), {ending: [data.decode() for data in column] for ending, column in parts.items()})
        for names, parts in DataLoader(dataset, batch_size=2)
    ]
    return {"in turn": shards(iter(dataset)), "merged": merged, "length": refusal(lambda: len(dataset))}


@reader
def shard_reader_transformed(given: Given) -> Any:
    return shards(iter(AISShardReader(given.bucket, {given.bucket: "packed/"}, etl_name=given.etl)))


@reader
def multi_shard_stream(given: Given) -> Any:
    def named(prefix: str, etl: str | None = None) -> DataShard:
        return DataShard(sys.argv[1], given.bucket.name, prefix=prefix, etl_name=etl)

    stream = AISMultiShardStream([named("pairs/images"), named("pairs/labels")])
    transformed = AISMultiShardStream([named("pairs/images", given.etl)])
    return {
        "samples": [[data.decode() for data in sample] for sample in stream],
        "transformed": refusal(lambda: list(transformed)),
    }


@reader
def dynamic_batch_sampler(given: Given) -> Any:
    dataset = AISMapDataset(given.bucket, {given.bucket: "sized/"})

    def batches(**options: Any) -> list[list[int]]:
        return list(DynamicBatchSampler(dataset, 1000, **options))

    shuffled = batches(shuffle=True)
    loaded = DataLoader(dataset, batch_sampler=DynamicBatchSampler(dataset, 1000), collate_fn=list)
    return {
        "batches": batches(),
        "full": batches(drop_last=True),
        "oversized": batches(allow_oversized_samples=True),
        "shuffled": sorted(index for batch in shuffled for index in batch),
        "loaded": [[len(data) for _, data in batch] for batch in loaded],
    }


@reader
def datasets_of_ones_own(given: Given) -> Any:
    prefixes = {given.bucket: "texts/"}
    by_index, in_turn = NamesByIndex(given.bucket, prefixes), NamesInTurn(given.bucket, prefixes)
    return {"by index": [by_index[index] for index in range(5)], "in turn": [*iter(in_turn)], "length": len(in_turn)}


def main() -> None:
    endpoint, bucket, etl, file = sys.argv[1:]
    client = Client(endpoint)
    given = Given(client, client.bucket(bucket), etl)
    Path(file).write_text(json.dumps({name: read(given) for name, read in READERS.items()}))


if __name__ == "__main__":
    main()
