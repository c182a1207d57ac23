"""Two small commands that use an output folder as Patina does: a result for each variant, and many files a result."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patina.runs.fingerprint import file_digest
from patina.runs.journal import Result, Wanted
from patina.runs.journal_place import LOG_NAME
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder

VARIANTS = ("plain", "bad")


@dataclass(frozen=True)
class Picture:
    """A source; here a text file, and everything made of it is its text in capitals."""

    path: Path
    name: str

    @property
    def stem(self) -> str:
        return self.path.stem


def pictures_of(source: Path) -> list[Picture]:
    return [Picture(path, path.name) for path in sorted(source.iterdir())]


def made_by(**values) -> MadeBy:
    return MadeBy("capitals", {"seed": 0} | values, {"model.safetensors": "abc"})


def open_folder(out: Path, source: Path, made_by_what: MadeBy | None = None, **options):
    return OutputFolder.open(out, made_by_what or made_by(), source=source, sources=pictures_of(source), **options)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def capitals(
    source: Path,
    out: Path,
    *,
    variants: Sequence[str] = VARIANTS,
    fails: str = "",
    heat: float = 1.0,
    order=list,
    made_by_what: MadeBy | None = None,
    **options,
) -> list[str]:
    """Write the text of every source in capitals, once for every variant; return what was made now.

    Sources whose text is `fails` are begun and not recorded, as pictures that cannot be used.
    """
    made = []
    with open_folder(out, source, made_by_what, **options) as folder:
        wanted = [
            Wanted(f"{variant}/{picture.stem}.txt", picture.name, {"variant": variant, "heat": heat, "size": (1, 2)})
            for picture in pictures_of(source)
            for variant in variants
        ]
        todo = folder.outdated(wanted)
        folder.begin(todo)
        for item in order(todo):
            path = source / item.source
            digest, text = file_digest(path), path.read_text()
            write(out / item.output, text.upper())
            if text != fails:
                folder.record([Result(item.output, item.source, digest, item.details)])
                made.append(item.output)
        folder.finish()
    return made


def letters(source: Path, out: Path, *, stops_at: str = "", **options) -> list[str]:
    """Write every letter of every source into a file of its own, as tiles are; return the sources made now."""
    with open_folder(out, source, **options, exclusive=True) as folder:
        folder.prune()
        wanted = [Wanted(picture.stem, picture.name) for picture in pictures_of(source)]
        todo = []
        for item in folder.outdated(wanted):
            text = (source / item.source).read_text()
            todo.append(Wanted(item.output, item.source, files=[f"{item.output}_{i}.txt" for i in range(len(text))]))
        folder.begin(todo)
        for item in todo:
            text = (source / item.source).read_text()
            digest = file_digest(source / item.source)
            for file, letter in zip(item.files, text, strict=True):
                write(out / file, letter)
                if file == stops_at:
                    raise KeyboardInterrupt
            folder.record([Result(item.output, item.source, digest, {"letters": len(text)}, item.files, len(text))])
        folder.finish()
        return [item.source for item in todo]


def lines_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / LOG_NAME).read_text().splitlines()]
