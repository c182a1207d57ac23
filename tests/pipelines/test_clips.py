"""Clips: degraded and upscaled over time, with their sound, also after a stop."""

import itertools
import json
import re
from fractions import Fraction
from pathlib import Path
from threading import Barrier
from unittest.mock import Mock

import numpy as np
import pytest

from patina.cli.main import main
from patina.degradations.clip_plans import ClipPlans
from patina.imaging.interpolation import Interpolation
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.video_files import ClipFrame, ClipInfo, clip_frames, clip_info, write_part
from patina.pipelines import clip_job, upscaled_clips
from sets import write_config
from small_recipes import recipe

av = pytest.importorskip("av")

HEIGHT, WIDTH, FRAMES = 32, 48, 20
STEPS = [
    {"gaussian_blur": {"sigma": [0.5, 2], "size": 7}},
    {"resize": {"filter": "box", "of": "target"}},
    {"gaussian_noise": {"sigma": [8, 30]}},
    {"jpeg": {"quality": [40, 90]}},
]


def flat(number: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), (60 + 4 * number, 120, 200 - 4 * number), np.uint8)


def write_clip(path: Path, *, sound: str = "aac", size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.height, video.width = size
        video.pix_fmt, video.options = "yuv444p", {"crf": "1"}
        tone = container.add_stream(sound, rate=8000)
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(flat(number)[: size[0], : size[1]].copy(), format="rgb24")
            container.mux(video.encode(frame))
        for number in range(15):
            wave = np.sin(np.arange(1024) / 5)[None]
            kind, values = ("fltp", wave.astype(np.float32)) if sound == "aac" else ("s16", np.int16(30000 * wave))
            samples = av.AudioFrame.from_ndarray(values, format=kind, layout="mono")
            samples.rate, samples.pts = 8000, 1024 * number
            container.mux(tone.encode(samples))
        container.mux(tone.encode(None))
        container.mux(video.encode(None))
    return path


def sound_of(path: Path) -> bytes:
    with av.open(str(path)) as container:
        return b"".join(bytes(packet) for packet in container.demux(audio=0))


@pytest.fixture
def clip(tmp_path):
    (tmp_path / "in").mkdir()
    return write_clip(tmp_path / "in" / "a.mp4")


def degrade(tmp_path, source, out, *flags: str) -> int:
    config = write_config(tmp_path / "r.yml", {"scale": 2, "steps": STEPS})
    return main(["degrade", str(config), str(source), str(tmp_path / out), "-workers", "1", *flags])


def test_a_clip_is_degraded_by_one_draw_with_new_noise_and_its_sound(tmp_path, clip, capsys):
    assert degrade(tmp_path, clip.parent, "out") == 0
    assert "1 clip from 1" in capsys.readouterr().err
    made = tmp_path / "out" / "a.mp4"
    frames = [frame.pixels.astype(float) for frame in clip_frames(made)]
    info = clip_info(made)
    assert (len(frames), frames[0].shape, info.rate) == (FRAMES, (HEIGHT // 2, WIDTH // 2, 3), 10)
    for number, frame in enumerate(frames):  # colours are right, from frame to frame
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), flat(number)[0, 0], atol=6)
    stds = [frame.std(axis=(0, 1)).mean() for frame in frames]
    assert max(stds) < 1.5 * min(stds)  # one strength
    noise = [(frame - frame.mean(axis=(0, 1))).ravel() for frame in frames[:2]]
    assert abs(np.corrcoef(noise)[0, 1]) < 0.3  # but new in every frame
    assert sound_of(made) == sound_of(clip)
    line = json.loads((tmp_path / "out" / "log.jsonl").read_text().splitlines()[1])
    assert [step["op"] for step in line["steps"]] == ["gaussian_blur", "resize", "gaussian_noise", "jpeg"]
    assert degrade(tmp_path, clip, "out") == 0
    assert "all clips are up to date" in capsys.readouterr().err


def test_a_stopped_clip_goes_on_where_it_was(tmp_path, clip, monkeypatch):
    monkeypatch.setattr(clip_job, "PART", 8)
    assert degrade(tmp_path, clip, "whole") == 0
    calls = []

    def stopped(self, number):
        calls.append(number)
        if number == 13 and calls.count(13) == 1:
            raise KeyboardInterrupt
        return plan_of(self, number)

    plan_of = ClipPlans.of
    monkeypatch.setattr(ClipPlans, "of", stopped)
    assert degrade(tmp_path, clip, "out") == 130
    assert not (tmp_path / "out" / "a.mp4").exists()
    calls.clear()
    calls.append(13)
    assert degrade(tmp_path, clip, "out") == 0
    assert min(calls[1:-1]) == 8
    assert (tmp_path / "out" / "a.mp4").read_bytes() == (tmp_path / "whole" / "a.mp4").read_bytes()
    assert not list((tmp_path / "out").glob(".patina/clips/*"))


def test_the_log_of_a_clip_whose_frames_were_all_made_before_is_that_of_one_run(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    clip = write_clip(tmp_path / "in" / "a.mp4", size=(HEIGHT - 1, WIDTH - 1))
    assert degrade(tmp_path, clip, "whole") == 0
    with monkeypatch.context() as patches:
        patches.setattr(clip_job, "join_parts", Mock(side_effect=KeyboardInterrupt))
        assert degrade(tmp_path, clip, "out") == 130
    assert degrade(tmp_path, clip, "out") == 0
    logs = [json.loads((tmp_path / out / "log.jsonl").read_text().splitlines()[1]) for out in ("whole", "out")]
    assert logs[0]["size"] == [HEIGHT - 2, WIDTH - 2]
    assert logs[0] == logs[1]


def test_a_clip_whose_size_changes_is_one_line(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    small, large = write_clip(tmp_path / "s.ts", size=(16, 24)), write_clip(tmp_path / "l.ts")
    (tmp_path / "in" / "a.ts").write_bytes(large.read_bytes() + small.read_bytes())
    assert degrade(tmp_path, tmp_path / "in", "out") == 1
    assert f"a.ts changes from 48x32 to 24x16 at frame {FRAMES + 1}; cut it" in capsys.readouterr().err


def test_equal_frames_are_always_written_as_equal_bytes(tmp_path):
    rng, info = np.random.default_rng(0), ClipInfo(8, Fraction(10), Fraction(1, 10240))
    frames = [ClipFrame(rng.integers(0, 255, (24, 16, 3), np.uint8), 1024 * number) for number in range(20)]
    contents = set()
    for _ in range(40):
        write_part(tmp_path / "part.nut", iter(frames), info, len(frames))
        contents.add((tmp_path / "part.nut").read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize(("suffix", "sound"), [("mp4", "aac"), ("mkv", "pcm_s16le")])
def test_no_time_of_making_is_written(tmp_path, suffix, sound):
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in" / f"a.{suffix}", sound=sound)
    assert degrade(tmp_path, tmp_path / "in", "out") == 0
    made = (tmp_path / "out" / "a.mp4").read_bytes()
    for box, count in ((b"mvhd", 1), (b"tkhd", 2), (b"mdhd", 2)):
        times = [made[found.end() + 4 : found.end() + 12] for found in re.finditer(box + b"\0", made)]
        assert times == [bytes(8)] * count


def test_upscaled_clips_keep_time_and_sound_and_bad_ones_are_one_line(tmp_path, clip, capsys):
    (clip.parent / "bad.mp4").write_bytes(clip.read_bytes()[:700])
    (clip.parent / "none.mkv").write_bytes(b"")
    code = main(["upscale", "-model", "nearest", "-scale", "2", "-source", str(clip.parent), "-out",
                 str(tmp_path / "up")])  # fmt: skip
    told = capsys.readouterr().err
    assert code == 1
    assert "bad.mp4 cannot be read as a clip (" in told
    assert "2 of 3 clips failed and were skipped" in told
    before, after = (list(clip_frames(path)) for path in (clip, tmp_path / "up" / "a.mp4"))
    units = clip_info(clip).unit, clip_info(tmp_path / "up" / "a.mp4").unit
    assert [frame.time * units[1] for frame in after] == [frame.time * units[0] for frame in before]
    enlarged = before[7].pixels.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(after[7].pixels, enlarged, atol=4)
    assert sound_of(tmp_path / "up" / "a.mp4") == sound_of(clip)


def test_an_interpolation_works_on_several_frames_at_a_time(tmp_path, clip, monkeypatch):
    both, interpolate = Barrier(2), Interpolation.__call__

    def enlarge(self, pixels):
        both.wait(20)  # an error unless another frame is in progress
        return interpolate(self, pixels)

    monkeypatch.setattr(upscaled_clips, "checked_workers", lambda _given: 2)
    monkeypatch.setattr(Interpolation, "__call__", enlarge)
    upscale = ["upscale", "-model", "nearest", "-scale", "2", "-source", str(clip), "-out", str(tmp_path / "up")]
    assert main(upscale) == 0


def test_sound_that_mp4_does_not_hold_becomes_aac(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in" / "a.mkv", sound="pcm_s16le")
    assert degrade(tmp_path, tmp_path / "in", "out") == 0
    assert "1 clip was written with sound converted to AAC" in capsys.readouterr().err
    with av.open(str(tmp_path / "out" / "a.mp4")) as made:
        tone = made.streams.audio[0]
        assert (tone.codec.name, tone.rate) == ("aac", 8000)
        samples = np.concatenate([frame.to_ndarray()[0] for frame in made.decode(audio=0)])
    assert len(samples) == pytest.approx(15 * 1024, abs=2048)
    assert np.abs(samples[2048:9000]).max() > 0.5


def test_a_folder_of_frames_is_a_clip_if_told_and_is_replayed(tmp_path, capsys):
    for number in range(3):
        write_picture(tmp_path / "frames" / f"{number}.png", flat(number))
    assert degrade(tmp_path, tmp_path / "frames", "out", "--clip", "-drift", "2") == 0
    lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()[1:]]
    sigmas = [line["steps"][2]["parameters"]["sigma"] for line in lines]
    assert sigmas[1] == pytest.approx((sigmas[0] + sigmas[2]) / 2)
    assert len({line["steps"][2]["key"] for line in lines}) == 3
    assert main(["replay", str(tmp_path / "out/log.jsonl"), "-out", str(tmp_path / "again"), "-workers", "1"]) == 0
    for number in range(3):
        again, first = (read_picture(tmp_path / part / f"{number}.png").pixels for part in ("again", "out"))
        np.testing.assert_array_equal(again, first)
    assert degrade(tmp_path, tmp_path / "frames", "other", "-drift", "2") == 2
    assert "add --clip" in capsys.readouterr().err


def test_what_is_not_for_clips_is_refused(tmp_path, clip, capsys, monkeypatch):
    write_picture(tmp_path / "frames" / "0.png", flat(0))
    for flags in (("-gt", str(tmp_path / "gt")), ("-shard", "1/2")):
        assert degrade(tmp_path, clip, "out", *flags) == 2
        assert flags[0] in capsys.readouterr().err
    for flags, source in itertools.product((("-drift", "0"), ("-pictures", "-1")), (clip, tmp_path / "frames")):
        assert degrade(tmp_path, source, "out", *flags) == 2
        assert flags[0] in capsys.readouterr().err
    upscale = ["upscale", "-model", "nearest", "-scale", "2", "-source", str(clip), "-out"]
    assert main([*upscale, str(clip.parent)]) == 2
    assert "in: source and output are the same folder" in capsys.readouterr().err
    upscale.append(str(tmp_path / "up"))
    assert main([*upscale, "-format", "jpeg"]) == 2
    assert "-format applies to images only" in capsys.readouterr().err
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert main(upscale) == 2
    assert "pip install 'patina-sr[video]'" in capsys.readouterr().err


def test_plans_drift_between_draws_and_keep_their_kind():
    steps = [
        {"one_of": {"choices": [{"jpeg": {"quality": [5, 95]}}, {"webp": {"quality": [5, 95]}}]}},
        {"gaussian_blur": {"kind": ["isotropic", "anisotropic"], "size": [7, 21], "sigma": [0.5, 3]}},
        {"halftone": {"dot_size": [3, 9], "probability": 0.5}},
    ]
    made = recipe(*steps, scale=1)
    for seed in range(6):
        plans = ClipPlans(made, "", (40, 48), seed, "a.mp4", drift=10)
        frames = [plans.of(number) for number in range(21)]
        assert len({tuple(step.op for step in plan) for plan in frames}) == 1
        assert len({plan[1].parameters["kernel_size"] for plan in frames}) == 1
        sigmas = [plan[1].parameters["sigma_x"] for plan in frames]
        np.testing.assert_allclose(np.diff(sigmas, 2)[[0, 3, 7, 12, 17]], 0, atol=1e-9)
        assert sigmas[0] != sigmas[10] != sigmas[20]
        assert len({plan[0].parameters["quality"] for plan in frames}) > 2
        for plan in frames:
            if plan[-1].op == "halftone":
                assert plan[-1].key == frames[0][-1].key
    still = ClipPlans(made, "", (40, 48), 0, "a.mp4")
    assert still.of(0)[1].parameters == still.of(500)[1].parameters


def test_images_beside_clips_are_what_is_taken(tmp_path, clip, capsys):
    write_picture(clip.parent / "b.png", flat(0))
    assert degrade(tmp_path, clip.parent, "out") == 0
    assert "1 file left out: 1 .mp4" in capsys.readouterr().err
    assert not (tmp_path / "out" / "a.mp4").exists()
