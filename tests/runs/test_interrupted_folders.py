"""Output folders of runs that were killed: a second run ends in the same bytes as one that was not interrupted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from folder_commands import VARIANTS, capitals, write
from hypothesis import given, settings
from hypothesis import strategies as st

from patina.runs.folder_lock import HIDDEN
from patina.runs.journal_place import LOG_NAME
from patina.system.jsonl import read_lines
from sets import contents


class TestInterruptions:
    def test_workers_in_any_order_leave_the_same_bytes(self, source, tmp_path):
        capitals(source, tmp_path / "one")
        capitals(source, tmp_path / "two", order=reversed)
        assert contents(tmp_path / "one") == contents(tmp_path / "two")

    def test_a_killed_process_costs_only_what_it_had_begun(self, source, tmp_path):
        program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import folder_commands
from patina.runs.fingerprint import file_digest

def stop_at_b(path):
    if path.name == "b.txt":
        print("begun", flush=True)
        sys.stdin.readline()
    return file_digest(path)

folder_commands.file_digest = stop_at_b
folder_commands.capitals(Path({str(source)!r}), Path({str(tmp_path / "out")!r}))
"""
        process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        kept = (tmp_path / "out/plain/a.txt").stat().st_mtime_ns
        assert capitals(source, tmp_path / "out") == [f"{v}/{n}.txt" for n in "bc" for v in VARIANTS]
        assert (tmp_path / "out/plain/a.txt").stat().st_mtime_ns == kept
        capitals(source, tmp_path / "whole")
        assert contents(tmp_path / "out") == contents(tmp_path / "whole")

    def test_half_a_line_costs_no_other(self, source, out):
        capitals(source, out)
        with (out / LOG_NAME).open("a") as log:
            log.write('{"output": "plain/')
        whole = (out / LOG_NAME).read_bytes().rsplit(b"\n", 1)[0] + b"\n"
        assert capitals(source, out) == []
        assert (out / LOG_NAME).read_bytes() == whole

    @pytest.mark.slow
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_any_interruption_and_a_second_run_end_in_the_same_bytes(self, tmp_path_factory, data):
        """A killed run leaves any prefix of its journal, and any of the files that it says are begun, whole or half."""
        top = tmp_path_factory.mktemp("any")
        source = top / "in"
        for index in range(data.draw(st.integers(1, 3), "sources")):
            write(source / f"{index}.txt", f"text {index}")
        capitals(source, top / "whole")
        capitals(source, top / "out")
        header, *lines = (top / "out" / LOG_NAME).read_bytes().splitlines(keepends=True)
        begun = [json.dumps({"begun": json.loads(line)["output"]}).encode() + b"\n" for line in lines]
        body = b"".join(data.draw(st.permutations(begun)) + data.draw(st.permutations(lines)))
        kept = body[: data.draw(st.integers(0, len(body)), "bytes kept")]
        (top / "out" / LOG_NAME).write_bytes(header + kept)
        said = read_lines(top / "out" / LOG_NAME)[1:]
        recorded = {line["output"] for line in said if "output" in line}
        may_exist = {line["begun"] for line in said if "begun" in line} - recorded
        for file in (top / "out").rglob("*/*.txt"):
            name = file.relative_to(top / "out").as_posix()
            if name in recorded:
                continue
            state = data.draw(st.sampled_from(["absent", "half", "whole"]), name) if name in may_exist else "absent"
            file.unlink() if state == "absent" else os.truncate(file, 2 if state == "half" else file.stat().st_size)
        if data.draw(st.booleans(), "kept digests lost"):
            (top / "out" / HIDDEN / "sources.jsonl").unlink()
        made = capitals(source, top / "out")
        assert contents(top / "out") == contents(top / "whole")
        assert recorded.isdisjoint(made)
