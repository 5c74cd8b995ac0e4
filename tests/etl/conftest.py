from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.etl.farm import Farm, opened, plain, supervised


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A supervised farm where the transform `plain` runs and the object `small` lies; tests leave both as they are."""
    with opened(tmp_path_factory.mktemp("farm")) as farm, supervised(farm):
        farm.transforms.init(plain("plain-one", obj_timeout="2s"))
        farm.put("small", b"hello")
        yield farm


@pytest.fixture
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A supervised farm of the test's own."""
    with opened(tmp_path_factory.mktemp("farm")) as own, supervised(own):
        yield own
