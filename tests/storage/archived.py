"""Archives made by the standard library, for tests of what reads ours and of what we read."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping

import lz4.frame

SUFFIXES = (".tar", ".tgz", ".tar.gz", ".zip", ".tar.lz4")
COMPRESS = {".tar": bytes, ".tgz": gzip.compress, ".tar.gz": gzip.compress, ".tar.lz4": lz4.frame.compress}
DECOMPRESS = {".tar": bytes, ".tgz": gzip.decompress, ".tar.gz": gzip.decompress, ".tar.lz4": lz4.frame.decompress}


def made(suffix: str, members: Mapping[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive with a folder, a link and the members, as others make them."""
    out = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made_zip:
            made_zip.mkdir("folder")
            for name, data in members.items():
                made_zip.writestr(name, data)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w", format=form) as made_tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        made_tar.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "folder"
        made_tar.addfile(link)
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), 1_700_000_000, 0o600
            made_tar.addfile(info, io.BytesIO(data))
    return COMPRESS[suffix](out.getvalue())


def members_of(suffix: str, data: bytes) -> list[tuple[str, bytes]]:
    """The regular files of an archive, as others read it."""
    if suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as opened_zip:
            assert opened_zip.testzip() is None
            return [(info.filename, opened_zip.read(info)) for info in opened_zip.infolist() if not info.is_dir()]
    with tarfile.open(fileobj=io.BytesIO(DECOMPRESS[suffix](data))) as opened:
        files = {info: opened.extractfile(info) for info in opened if info.isfile()}
        return [(info.name, file.read()) for info, file in files.items() if file is not None]
