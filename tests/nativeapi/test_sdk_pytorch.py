"""The PyTorch datasets of the official SDK, unmodified, against a real node, with and without TLS.

PyTorch is Debian's, and so is the Python that runs it; the SDK is the one that is installed beside these tests.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aistore import Client
from aistore.sdk import Bucket

from tests.node import Node
from tests.storage.archived import made

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("pytorch_datasets.py")
UNZIPPING = Path(__file__).parent.parent / "etl" / "servers" / "unzipping.py"
TEXTS = [[f"texts/{number}", f"text {number}"] for number in range(5)]
LARGE = random.Random(7).randbytes(3 * 1024 * 1024 + 1)
CAT, DOG = ["cat", {"txt": "miaow", "cls": "1"}], ["dog", {"txt": "woof", "cls": ""}]
FISH = ["fish", {"txt": "", "cls": "3"}]
OBJECTS = {
    **{name: text.encode() for name, text in TEXTS},
    "large/one": LARGE,
    "zipped/0": gzip.compress(b"unzipped 0"),
    "zipped/1": gzip.compress(b"unzipped 1"),
    "shards/0.tar": made(".tar", {"pets/cat.txt": b"miaow", "pets/cat.cls": b"1", "pets/dog.txt": b"woof"}),
    "shards/1.tar": made(".tar", {"fish.cls": b"3"}),
    "packed/0": made(".tgz", {"cat.txt": b"miaow", "cat.cls": b"1"}),
    "pairs/images-0.tar": made(".tar", {"0.img": b"image 0", "1.img": b"image 1"}),
    "pairs/images-1.tar": made(".tar", {"2.img": b"image 2"}),
    "pairs/labels.tar": made(".tar", {"0.cls": b"label 0", "1.cls": b"label 1", "2.cls": b"label 2"}),
    **{f"sized/{number}": bytes(size) for number, size in enumerate([400, 500, 100, 0, 2000, 300])},
}
Read = dict[str, Any]  # what each dataset has read, by the name of the reader in the script


def fill(bucket: Bucket) -> None:
    for name, data in OBJECTS.items():
        bucket.object(name).get_writer().put_content(data)


@pytest.fixture(scope="module", params=["http", "https"])
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    plain = request.param == "http"
    node: Node = request.getfixturevalue("node" if plain else "secure")
    trusted = None if plain else str(request.getfixturevalue("certificate"))
    unset = pytest.MonkeyPatch()
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # `requests` would take these for the certificate named
        unset.delenv(variable, raising=False)
    client = Client(node.endpoint, token=node.token, ca_cert=trusted)
    bucket = client.bucket(f"Torch_{random.randrange(16**8):08x}").create()
    fill(bucket)
    etl = client.etl(f"unzipping-{random.randrange(16**6):06x}")
    etl.init(image="local", command=[sys.executable, str(UNZIPPING)], init_timeout="60s")
    yield run(node, bucket.name, etl.name, trusted, tmp_path_factory.mktemp("torch"))
    etl.delete()
    bucket.delete()
    unset.undo()


def run(node: Node, bucket: str, etl: str, trusted: str | None, folder: Path) -> Read:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AIS_AUTHN_TOKEN": node.token}
    # The SDK comes from the Python of these tests, which has to be of the same minor version as the system's.
    environment |= {"PYTHONPATH": sysconfig.get_path("purelib"), **({"AIS_CLIENT_CA": trusted} if trusted else {})}
    ran = subprocess.run(
        [PYTHON, str(SCRIPT), node.endpoint, bucket, etl, str(folder / "read.json")],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
    )
    assert ran.returncode == 0, f"is python3-torch installed (make debian-packages)?\n{ran.stderr[-3000:]}"
    loaded: Read = json.loads((folder / "read.json").read_text())
    return loaded | {"shown": ran.stdout}


def test_a_map_dataset_reads_by_index(read: Read) -> None:
    assert read["map_dataset"] == {
        "length": 5, "in turn": TEXTS, "many": [TEXTS[4], TEXTS[1]], "loaded": TEXTS, "beyond": "IndexError",
    }


def test_a_map_dataset_reads_lists_and_templates_of_objects(read: Read) -> None:
    assert read["map_dataset_of_objects"] == [TEXTS[2], TEXTS[0], TEXTS[1]]


def test_map_and_iter_datasets_read_through_a_transform(read: Read) -> None:
    unzipped = [["zipped/0", "unzipped 0"], ["zipped/1", "unzipped 1"]]
    assert read["map_dataset_transformed"] == read["iter_dataset_transformed"] == unzipped


def test_a_parallel_map_dataset_reads_an_object_by_ranges(read: Read) -> None:
    assert read["parallel_map_dataset"] == {"length": 1, "large/one": hashlib.sha256(LARGE).hexdigest()}


def test_an_iter_dataset_reads_in_turn_and_by_many_workers(read: Read) -> None:
    assert read["iter_dataset"] == {"length": 2, "in turn": TEXTS[:2], "loaded": TEXTS}
    assert "AISIterDataset" in read["shown"], "its progress"


def test_workers_of_a_loader_share_sources_out(read: Read) -> None:
    assert read["iter_dataset_of_sources_by_worker"] == TEXTS


def test_a_batch_dataset_reads_in_every_way(read: Read) -> None:
    ways = ("streamed", "in parts", "zip", "loaded")
    assert read["batch_iter_dataset"] == dict.fromkeys(ways, TEXTS)


def test_a_batch_dataset_skips_or_reports_what_is_gone(read: Read) -> None:
    assert read["batch_iter_dataset_whose_objects_go"] == {"lenient": ["doomed/0"], "strict": "ErrObjNotFound"}


def test_a_shard_reader_yields_samples_and_merges_them(read: Read) -> None:
    shards = read["shard_reader"]
    assert shards["in turn"] == [CAT, DOG, FISH]
    assert shards["merged"] == [
        [["cat", "dog"], {"txt": ["miaow", "woof"], "cls": ["1", ""]}],
        [["fish"], {"txt": [""], "cls": ["3"]}],
    ]
    # It asks the SDK's objects for their bucket, which in this version of the SDK they don't have.
    assert shards["length"] == "AttributeError"


def test_a_shard_reader_reads_through_a_transform(read: Read) -> None:
    assert read["shard_reader_transformed"] == [CAT]


def test_shards_are_read_side_by_side(read: Read) -> None:
    assert read["multi_shard_stream"] == {
        "samples": [[f"image {each}", f"label {each}"] for each in range(3)],
        "transformed": "AISError",  # members are not transformed
    }


def test_a_sampler_fills_batches_by_size(read: Read) -> None:
    assert read["dynamic_batch_sampler"] == {
        "batches": [[0, 1, 2], [5]],
        "full": [[0, 1, 2]],
        "oversized": [[0, 1, 2], [4], [5]],
        "shuffled": [0, 1, 2, 5],
        "loaded": [[400, 500, 100], [300]],
    }


def test_datasets_of_ones_own_list_a_bucket(read: Read) -> None:
    names = [name for name, _ in TEXTS]
    assert read["datasets_of_ones_own"] == {"by index": names, "in turn": names, "length": 5}
