from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.etl.farm import Farm, opened, plain, supervised


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A supervised farm where the transform `plain` runs and the object `small` lies; tests leave both as they are."""
    with folder(tmp_path_factory) as own, opened(own) as farm, supervised(farm):
        farm.transforms.init(plain("plain-one", obj_timeout="2s"))
        farm.put("small", b"hello")
        yield farm


@pytest.fixture
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A supervised farm of the test's own."""
    with folder(tmp_path_factory) as own, opened(own) as farm, supervised(farm):
        yield farm


@contextmanager
def folder(factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that does not outlive its use: the objects of these tests are large."""
    made = factory.mktemp("farm")
    try:
        yield made
    finally:
        shutil.rmtree(made)
