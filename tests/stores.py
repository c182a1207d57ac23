"""Tars and LMDBs of images, written as other programs write them."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """Write a tar with these members, in this order; a name may come twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def tarred(folder: Path, path: Path, names: Iterable[str] | None = None) -> Path:
    """Write a tar of the files in a folder, in natural order of numbers."""
    chosen = (
        sorted((file.name for file in folder.iterdir()), key=lambda name: (len(name), name))
        if names is None
        else list(names)
    )
    return write_tar(path, [(name, (folder / name).read_bytes()) for name in chosen])


def write_lmdb(folder: Path, images: dict[str, bytes]) -> Path:
    """Write an LMDB as BasicSR's scripts do: keys without suffix, and a list with names, sizes and compression."""
    import lmdb

    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for name, data in images.items():
            transaction.put(name.rsplit(".", 1)[0].encode(), data)
    (folder / "meta_info.txt").write_text("".join(f"{name} (48,64,3) 1\n" for name in images))
    (folder / "lock.mdb").unlink(missing_ok=True)
    return folder
