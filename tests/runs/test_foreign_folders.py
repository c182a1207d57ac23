"""Output folders of other settings, other sources or other people: what is refused, replaced, followed or removed."""

import json
import os
from dataclasses import dataclass

import pytest
from folder_commands import capitals, letters, lines_of, made_by, open_folder, write

from patina.errors import PatinaError
from patina.runs.fingerprint import file_digest
from patina.runs.journal import Result, Wanted
from patina.runs.journal_place import LOG_NAME
from patina.runs.made_by import MadeBy
from sets import contents


class TestFoldersMadeOtherwise:
    @pytest.mark.parametrize(
        ("other", "told"),
        [
            (made_by(seed=1), "made with seed 0, now 1;"),
            (made_by(tile=64), "made with tile none, now 64;"),
            (made_by(seed=1, heat=0.5), "made with seed 0, now 1; heat none, now 0.5;"),
            (
                MadeBy("capitals", {"seed": 0}, {"a/new.pth": "def"}),
                r"made with model model.safetensors \(abc\), now new.pth \(def\);",
            ),
            (MadeBy("capitals", {"seed": 0}), r"made with model model.safetensors \(abc\), now none;"),
            (MadeBy("translate", {"seed": 0}), "made by `patina capitals`, now `patina translate`;"),
        ],
    )
    def test_the_refusal_names_what_differs(self, source, out, other, told):
        capitals(source, out)
        before = contents(out)
        with pytest.raises(PatinaError, match=f"out was {told}") as caught:
            capitals(source, out, made_by_what=other)
        assert str(caught.value).endswith("choose another output folder")
        assert contents(out) == before

    def test_paths_and_notes_do_not_count(self, source, out):
        capitals(source, out)
        other = MadeBy("capitals", {"seed": 0}, {"elsewhere/same.safetensors": "abc"}, {"recipe": "mine.yml"})
        assert capitals(source, out, made_by_what=other) == []

    def test_settings_that_json_changes_stay_the_same(self, source, out):
        values = made_by(sizes=(1, 2), ratio=0.1)
        assert len(capitals(source, out, made_by_what=values)) == 6
        assert capitals(source, out, made_by_what=values) == []

    def test_what_was_made_differently_or_anything_is_replaced(self, source, out):
        capitals(source, out)
        (out / "own.txt").write_text("the user's")
        assert capitals(source, out, variants=["plain"], replace="different") == []
        assert (out / "bad/a.txt").exists()
        assert len(capitals(source, out, variants=["plain"], replace="always")) == 3
        assert not (out / "bad/a.txt").exists()
        assert len(capitals(source, out, made_by_what=made_by(seed=1), replace="different")) == 6
        assert lines_of(out)[0]["settings"] == {"seed": 1}
        assert (out / "own.txt").read_text() == "the user's"

    def test_a_folder_in_which_nothing_was_made_may_be_used_for_anything(self, source, out):
        for name in "abc":
            (source / f"{name}.txt").write_text("")
        letters(source, out)
        assert len(lines_of(out)) == 4
        (source / "a.txt").write_text("now")
        assert letters(source, out, made_by_what=made_by(seed=1)) == ["a.txt", "b.txt", "c.txt"]

    def test_what_a_killed_run_began_is_removed_when_the_folder_is_used_otherwise(self, source, out):
        with pytest.raises(KeyboardInterrupt):
            letters(source, out, stops_at="a_3.txt")
        assert len(list(out.glob("a_*.txt"))) == 4
        (source / "a.txt").write_text("no")
        letters(source, out, made_by_what=made_by(seed=1))
        assert {path.name for path in out.glob("a_*.txt")} == {"a_0.txt", "a_1.txt"}


class TestForeignFiles:
    def test_a_file_that_no_journal_knows_is_not_overwritten(self, source, out):
        write(out / "bad" / "b.txt", "the user's")
        before = contents(out)
        with pytest.raises(PatinaError, match=r"bad.b\.txt exists and was not made by this command; choose another"):
            capitals(source, out)
        assert contents(out) == before

    def test_nor_in_a_folder_that_has_a_journal(self, source, out):
        capitals(source, out, variants=["plain"])
        write(out / "bad" / "b.txt", "the user's")
        before = contents(out)
        for replace in ("never", "different", "always"):
            with pytest.raises(PatinaError, match="exists and was not made by this command"):
                capitals(source, out, replace=replace)
            assert contents(out) == before

    def test_an_exclusive_folder_must_be_empty_at_first(self, source, out):
        write(out / "any.txt", "the user's")
        with pytest.raises(PatinaError, match=r"out is not empty and has no log\.jsonl; choose another output folder"):
            letters(source, out)
        assert contents(out) == {"any.txt": b"the user's"}
        (out / "any.txt").unlink()
        write(out / ".log.jsonl.half", "of a killed run")
        letters(source, out)
        write(out / "any.txt", "the user's")
        assert letters(source, out) == []

    @pytest.mark.parametrize("text", ["", "hello\n", "[]\n", '{"part": "train", "step": 1}\n', '{"recipe": "x"}\n'])
    def test_another_log_is_refused(self, source, out, text):
        write(out / LOG_NAME, text)
        with pytest.raises(PatinaError, match=r"log\.jsonl is not a journal of results; choose another output folder"):
            capitals(source, out)
        assert contents(out) == {LOG_NAME: text.encode()}

    def test_what_a_journal_says_of_its_results_is_checked(self, source, out):
        @dataclass
        class Details:
            heat: float

        capitals(source, out)
        assert capitals(source, out, details=Details) == []
        text = (out / LOG_NAME).read_text()
        for odd in ('"much"', "null", "[1]", "{}"):
            (out / LOG_NAME).write_text(text.replace('"heat": 1.0', f'"heat": {odd}', 1))
            before = contents(out)
            with pytest.raises(PatinaError, match=r"log\.jsonl describes .*txt differently from this command \(heat: "):
                capitals(source, out, details=Details)
            assert contents(out) == before

    @pytest.mark.parametrize("line", ["null", "3", "[]", "[" * 100_000, "{}", '{"a": 1}', '"text"', "\ud83d"])
    def test_lines_of_anything_are_passed_over_or_refused(self, source, out, line):
        capitals(source, out)
        with (out / LOG_NAME).open("ab") as log:
            log.write(line.encode("utf-8", "surrogatepass") + b"\n")
        if line.startswith("{"):
            with pytest.raises(PatinaError, match="is not a journal of results"):
                capitals(source, out)
        else:
            assert capitals(source, out) == []

    def test_digests_of_anything_cost_no_more_than_reading_again(self, source, out):
        capitals(source, out)
        known = out / ".patina" / "sources.jsonl"
        for line in ('{"source": []}', '{"source": "a.txt", "path": 1, "size": "x", "mtime_ns": null, "digest": []}'):
            known.write_text(f"{line}\n{line}\n")
            assert capitals(source, out) == []

    def test_a_journal_that_names_files_elsewhere_removes_nothing(self, source, out, tmp_path):
        write(tmp_path / "precious.txt", "mine")
        capitals(source, out)
        for name in ("../precious.txt", str(tmp_path / "precious.txt")):
            with (out / LOG_NAME).open("a") as log:
                log.write(json.dumps({"output": name, "source": "gone.txt"}) + "\n")
            with pytest.raises(PatinaError, match="a file outside of its folder"):
                capitals(source, out, replace="always")
        assert (tmp_path / "precious.txt").exists()

    @pytest.mark.parametrize("replace", ["never", "different", "always"])
    @pytest.mark.parametrize("way", ["output", "begun"])
    def test_a_journal_removes_nothing_through_a_link(self, source, out, tmp_path, replace, way):
        write(tmp_path / "outside" / "precious.txt", "mine")
        capitals(source, out)
        (out / "linked").symlink_to(tmp_path / "outside")
        with (out / LOG_NAME).open("a") as log:
            log.write(json.dumps({way: "linked/precious.txt", "source": "gone.txt"}) + "\n")
        with pytest.raises(PatinaError, match=r"linked/precious.txt leads out of .*out through a link"):
            capitals(source, out, made_by_what=made_by(seed=1), replace=replace)
        assert (tmp_path / "outside" / "precious.txt").exists()

    def test_links_within_the_folder_and_to_it_are_followed(self, source, out, tmp_path):
        out.mkdir()
        (out / "real").mkdir()
        (out / "bad").symlink_to("real")
        (tmp_path / "link").symlink_to(out)
        assert len(capitals(source, tmp_path / "link")) == 6
        assert len(list((out / "real").iterdir())) == 3
        assert capitals(source, out) == []

    def test_tiles_of_a_killed_run_are_told_from_files_that_are_called_alike(self, source, out):
        with pytest.raises(KeyboardInterrupt):
            letters(source, out, stops_at="b_2.txt")
        write(out / "b_99.txt", "the user's")
        (source / "b.txt").write_text("bb")
        assert letters(source, out) == ["b.txt", "c.txt"]
        assert {path.name for path in out.glob("b_*.txt")} == {"b_0.txt", "b_1.txt", "b_99.txt"}


class TestSources:
    def test_what_is_gone_is_pruned_and_told_or_kept(self, source, out, capsys):
        letters(source, out)
        (source / "b.txt").unlink()
        assert letters(source, out) == []
        assert capsys.readouterr().err == f"{out}: removed the results of 1 image that is gone from {source}\n"
        assert not list(out.glob("b_*.txt"))
        assert [line["output"] for line in lines_of(out)[1:]] == ["a", "c"]
        capitals(source, out.with_name("kept"))
        (source / "a.txt").unlink()
        assert capitals(source, out.with_name("kept")) == []
        assert [line["source"] for line in lines_of(out.with_name("kept"))[1:]] == ["c.txt"] * 2 + ["a.txt"] * 2

    def test_pruning_spares_files_that_another_result_has_taken_over(self, source, out):
        capitals(source, out, variants=["plain"])
        with open_folder(out, source) as folder:
            todo = [Wanted("other", "a.txt", files=["plain/b.txt"])]
            folder.begin(todo)
            folder.record([Result("other", "a.txt", file_digest(source / "a.txt"), files=["plain/b.txt"])])
            (source / "b.txt").unlink()
            folder.finish()
        with open_folder(out, source) as folder:
            assert folder.prune() == ["b.txt"]
        assert (out / "plain/b.txt").exists()

    @pytest.mark.parametrize("way", ["moved", "copied"])
    def test_a_folder_that_was_moved_or_copied_is_followed(self, source, out, way):
        capitals(source, out)
        moved = source.rename(source.with_name("moved"))
        if way == "copied":
            for path in moved.iterdir():
                path.write_text(path.read_text())
        write(moved / "d.txt", "one more")
        assert capitals(moved, out) == ["plain/d.txt", "bad/d.txt"]
        assert lines_of(out)[0]["source"] == str(moved)

    def test_another_folder_is_refused_or_replaces(self, source, out, tmp_path):
        capitals(source, out)
        write(tmp_path / "other" / "z.txt", "z")
        before = contents(out)
        message = r"made of .*in, with 3 images that .*other does not have; remove it or choose"
        with pytest.raises(PatinaError, match=message):
            capitals(tmp_path / "other", out)
        assert contents(out) == before
        assert len(capitals(tmp_path / "other", out, replace="different")) == 2
        assert {path.name for path in out.rglob("*.txt")} == {"z.txt"}

    def test_a_picture_of_the_same_name_in_another_folder_is_another(self, source, out, tmp_path):
        capitals(source, out)
        for path in source.iterdir():
            write(tmp_path / "other" / path.name, path.read_text()[::-1])
            state = path.stat()
            os.utime(tmp_path / "other" / path.name, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert len(capitals(tmp_path / "other", out)) == 6

    def test_links_to_pictures_are_followed(self, source, out, tmp_path):
        links = tmp_path / "links"
        links.mkdir()
        for path in source.iterdir():
            os.utime(path, (1, 1))
        (links / "a.txt").symlink_to(source / "a.txt")
        capitals(links, out)
        (links / "a.txt").unlink()
        (links / "a.txt").symlink_to(source / "b.txt")
        assert len(capitals(links, out)) == 2
