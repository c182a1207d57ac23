"""Output folders: what is made already is found, and what is outdated is made again."""

import os

import pytest
from folder_commands import capitals, letters, lines_of, made_by, open_folder, write

from patina.errors import PatinaError
from patina.runs import source_digests
from patina.runs.fingerprint import file_digest
from patina.runs.folder_lock import HIDDEN
from patina.runs.journal import Result, Wanted, read_journal
from patina.runs.journal_place import LOG_NAME
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from sets import contents


@pytest.fixture
def no_reading(monkeypatch):
    """Let a test fail if a source is read to learn its digest."""
    monkeypatch.setattr(source_digests, "file_digest", lambda path: pytest.fail(f"{path} is read"))


class TestResults:
    def test_the_journal_says_who_made_what_of_which_source(self, source, out):
        assert len(capitals(source, out)) == 6
        header, *lines = lines_of(out)
        assert header.pop("patina")
        assert header == {
            "command": "capitals", "settings": {"seed": 0}, "models": {"model.safetensors": "abc"}, "notes": {},
            "source": str(source),
        }  # fmt: skip
        assert [line["output"] for line in lines][:3] == ["bad/a.txt", "plain/a.txt", "bad/b.txt"]
        digest = file_digest(source / "a.txt")
        assert lines[0] == {
            "output": "bad/a.txt", "source": "a.txt", "source_digest": digest, "variant": "bad", "heat": 1.0,
            "size": [1, 2],
        }  # fmt: skip
        assert set(os.listdir(out)) == {"plain", "bad", LOG_NAME, HIDDEN}
        assert os.listdir(out / HIDDEN) == ["sources.jsonl"]

    def test_nothing_is_made_read_or_written_twice(self, source, out, no_reading):
        capitals(source, out)
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != HIDDEN and path != out}
        assert capitals(source, out) == []
        assert {path: path.stat().st_mtime_ns for path in before} == before

    @pytest.mark.parametrize("read_only", [False, True])
    def test_looking_changes_nothing(self, source, out, read_only):
        with open_folder(out, source, read_only=read_only) as folder:
            assert len(folder.outdated([Wanted("plain/a.txt", "a.txt")])) == 1
        assert not out.exists()
        capitals(source, out)
        (source / "a.txt").write_text("other")
        before = contents(out)
        for options in ({}, {"made_by_what": made_by(seed=1), "replace": "different"}, {"replace": "always"}):
            with open_folder(out, source, read_only=read_only, **options) as folder:
                assert len(folder.outdated([Wanted("plain/a.txt", "a.txt")])) == 1
            assert contents(out) == before

    @pytest.mark.parametrize("change", ["missing", "detail", "exchanged", "renamed"])
    def test_only_what_is_outdated_is_made_again(self, source, out, change):
        capitals(source, out)
        if change == "missing":
            (out / "plain/b.txt").unlink()
            assert capitals(source, out) == ["plain/b.txt"]
        elif change == "detail":
            assert len(capitals(source, out, heat=0.5)) == 6
            assert {line["heat"] for line in lines_of(out)[1:]} == {0.5}
        elif change == "exchanged":
            (source / "b.txt").write_text("new")
            assert capitals(source, out) == ["plain/b.txt", "bad/b.txt"]
            assert (out / "bad/b.txt").read_text() == "NEW"
        else:
            (source / "b.txt").rename(source / "b.TXT")
            assert capitals(source, out) == ["plain/b.txt", "bad/b.txt"]
        assert len(lines_of(out)) == 7

    def test_a_source_of_the_same_length_and_content_or_not(self, source, out, monkeypatch):
        capitals(source, out)
        (source / "a.txt").write_text("text of z")
        os.utime(source / "a.txt", (2, 2))
        assert capitals(source, out) == ["plain/a.txt", "bad/a.txt"]
        os.utime(source / "a.txt", (1, 1))
        assert capitals(source, out) == []
        monkeypatch.setattr(source_digests, "file_digest", lambda path: pytest.fail(f"{path} is read"))
        assert capitals(source, out) == []

    def test_a_source_that_changes_while_it_is_worked_on_is_made_again(self, source, out):
        with open_folder(out, source) as folder:
            folder.begin([Wanted("a.txt", "a.txt")])
            digest = file_digest(source / "a.txt")
            write(out / "a.txt", "made of what it was")
            (source / "a.txt").write_text("exchanged meanwhile")
            folder.record([Result("a.txt", "a.txt", digest)])
            folder.finish()
        with open_folder(out, source) as folder:
            assert folder.outdated([Wanted("a.txt", "a.txt")])

    def test_files_of_another_size_are_made_again_where_sizes_are_recorded(self, source, out):
        letters(source, out)
        (out / "b_3.txt").write_text("somebody's")
        assert letters(source, out) == ["b.txt"]
        assert (out / "b_3.txt").read_text() == "t"

    def test_no_file_of_what_was_made_before_stays_beside_the_new_ones(self, source, out):
        letters(source, out)
        (source / "b.txt").write_text("b")
        with open_folder(out, source) as folder:
            folder.begin(folder.outdated([Wanted("b", "b.txt", files=["b_0.txt"])]))
            assert not list(out.glob("b_*.txt"))
        write(out / "b_7.txt", "half done")
        letters(source, out)
        assert [path.name for path in out.glob("b_*.txt")] == ["b_0.txt"]

    def test_the_kept_digests_may_be_deleted_or_broken(self, source, out):
        capitals(source, out)
        kept = out / HIDDEN / "sources.jsonl"
        before = kept.read_bytes()
        for text in (None, "", "[]\n{}\n{", '{"source": "a.txt", "digest": "0"}\n'):
            kept.unlink() if text is None else kept.write_text(text)
            assert capitals(source, out) == []
            assert kept.read_bytes() == before

    def test_a_failed_picture_leaves_no_file_and_no_line(self, source, out):
        capitals(source, out)
        (source / "b.txt").write_text("broken")
        capitals(source, out, fails="broken")
        assert not (out / "plain/b.txt").exists()
        assert [line["source"] for line in lines_of(out)[1:]] == ["a.txt"] * 2 + ["c.txt"] * 2

    def test_what_was_not_begun_is_not_recorded(self, source, out):
        with open_folder(out, source) as folder, pytest.raises(ValueError, match=r"a\.txt is recorded, but was not"):
            folder.record([Result("a.txt", "a.txt", "0")])

    def test_nothing_is_written_without_the_lock(self, source, out):
        capitals(source, out)
        with open_folder(out, source), open_folder(out, source, read_only=True) as looking:
            assert not looking.outdated([Wanted("plain/a.txt", "a.txt")])
            with pytest.raises(ValueError, match="out is not open for writing"):
                looking.finish()
        with open_folder(out, source) as folder:
            folder.begin([Wanted("late.txt", "a.txt")])
        with pytest.raises(ValueError, match="out is not open for writing"):
            folder.record([Result("late.txt", "a.txt", "0")])

    def test_details_have_names_of_their_own(self, source, out):
        with pytest.raises(ValueError, match="key files of its own"):
            Result("a.txt", details={"files": 3}).to_line()

    def test_results_without_a_source(self, out):
        for expected in (1, 0):
            with OutputFolder.open(out, MadeBy("demo", {"seed": 0})) as folder:
                todo = folder.outdated([Wanted("sheet.txt")])
                assert len(todo) == expected
                folder.begin(todo)
                write(out / "sheet.txt", "x")
                folder.record(Result(item.output) for item in todo)
                folder.prune()
                folder.finish()
                assert [item.output for item in folder.results] == ["sheet.txt"]


class TestReading:
    def test_a_journal_is_read_without_opening_the_folder(self, source, out):
        capitals(source, out)
        with open_folder(out, source):
            journal = read_journal(out / LOG_NAME, "capitals")
        assert journal.header.made_by == made_by()
        assert journal.header.source == str(source)
        assert len(journal.results) == 6
        assert journal.results["bad/a.txt"].details["variant"] == "bad"

    def test_what_is_no_journal_is_explained(self, source, out):
        with pytest.raises(PatinaError, match=r"log\.jsonl: no such file; expected the log\.jsonl of results"):
            read_journal(out / LOG_NAME)
        write(out / LOG_NAME, '{"part": "train"}\n')
        with pytest.raises(
            PatinaError, match=r"log\.jsonl is not a journal of results; expected the .* of `patina degrade"
        ):
            read_journal(out / LOG_NAME, "degrade")
        (out / LOG_NAME).unlink()
        capitals(source, out)
        with pytest.raises(
            PatinaError, match=r"was written by `patina capitals`; expected the log\.jsonl of `patina degrade`"
        ):
            read_journal(out / LOG_NAME, "degrade")
