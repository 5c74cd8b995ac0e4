"""Local archives: unpacking what was downloaded, packing what is uploaded."""

from __future__ import annotations

import shutil
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
            return sum(extract_member(archive, member, folder) for member in archive)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise Unwritable(f"{name or 'the archive'} cannot be unpacked: {error}") from error
    except OSError as error:
        raise Unwritable(f"{name} cannot be unpacked into {folder}: {error}") from error


def extract_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> int:
    """Write a file or make a folder; the number of files written. Links and devices are not unpacked: they could lead
    out of the folder. (tarfile's own filters for this came with Python 3.11.4.)"""
    name = member.name.removeprefix("./")
    if name in ("", "."):
        return 0
    where = inside(folder, name)
    if member.isdir():
        where.mkdir(parents=True, exist_ok=True)
        return 0
    content = archive.extractfile(member) if member.isfile() else None
    if content is None:
        raise tarfile.ExtractError(f"{member.name} is neither a file nor a folder")
    where.parent.mkdir(parents=True, exist_ok=True)
    with where.open("wb") as file:
        shutil.copyfileobj(content, file)
    return 1


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
