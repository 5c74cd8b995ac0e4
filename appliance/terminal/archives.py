"""Local archives: unpacking what was downloaded, packing what is uploaded."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from appliance.terminal.downloads import inside
from appliance.terminal.failures import Unwritable

EXTENSIONS = (".tar", ".tgz", ".tar.gz", ".zip", ".tar.lz4")


def extract(packed: Path, folder: Path, name: str) -> int:
    """Unpack an archive into the folder; how many files were in it.

    `name` tells its kind, "" is a TAR. `Unwritable` for a damaged archive and for members that lead out of the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if name.endswith(".zip"):
            return extract_zip(packed, folder)
        with opened(packed, name) as archive:
            count = 0
            for member in archive:
                archive.extract(member, folder, filter="data")
                count += member.isfile()
            return count
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise Unwritable(f"{name or 'the archive'} cannot be unpacked: {error}") from error
    except OSError as error:
        raise Unwritable(f"{name} cannot be unpacked into {folder}: {error}") from error


@contextmanager
def opened(packed: Path, name: str) -> Iterator[tarfile.TarFile]:
    with packed.open("rb") as file:
        content: IO[bytes] = file
        if name.endswith(".lz4"):
            import lz4.frame

            content = lz4.frame.open(file)
        with tarfile.open(fileobj=content, mode="r|gz" if name.endswith((".tgz", ".gz")) else "r|") as archive:
            yield archive


def extract_zip(packed: Path, folder: Path) -> int:
    with zipfile.ZipFile(packed) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        for info in files:
            inside(folder, info.filename)
            archive.extract(info, folder)
        return len(files)
