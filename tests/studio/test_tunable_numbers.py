"""Ranges of a recipe that sliders move, on plain values."""

import pytest
import yaml

from patina.errors import PatinaError
from patina.studio.blind_test import verdict
from patina.studio.studio_jobs import JobQueue, StudioJob
from patina.studio.tunable_numbers import tunable_numbers, with_changes
from patina.studio.tuned_recipe import TunedRecipe
from patina.system.progress import progress
from sets import picture

PLAIN = """
scale: 1
steps:
  - gaussian_blur: {sigma: [0.5, 1.0]}
  - one_of:
      choices:
        - weight: 2
          steps: {jpeg: {quality: [70, 90]}}
        - webp: {quality: 80}
"""

FITTED = """# Fitted to 2 photos of real, family camera.
# sensor_noise.sigma: 5 (80 % of the photos: 4 to 6), ±0.4
scale: 1
fitted: true

steps:
  - one_of:
      choices:
        - weight: 1  # a.png
          steps:
            - sensor_noise: {sigma: [2, 4]}
            - jpeg: {quality: 80}
        - weight: 1  # b.png
          steps:
            - sensor_noise: {sigma: [6, 10]}
"""


@pytest.fixture
def fitted(tmp_path):
    return TunedRecipe.read("fitted", FITTED, tmp_path)


def by_name(values):
    return {number.name: number for number in tunable_numbers(values)}


def test_every_range_of_a_plain_recipe_is_by_itself():
    found = by_name(yaml.safe_load(PLAIN))
    assert {name: number.ends for name, number in found.items()} == {
        "gaussian_blur.sigma": (0.5, 1), "jpeg.quality": (70, 90), "webp.quality": (80, 80),
    }  # fmt: skip
    assert found["jpeg.quality"].whole
    assert (found["jpeg.quality"].gentle, found["jpeg.quality"].harsh) == (90, 70)
    assert (found["gaussian_blur.sigma"].gentle, found["gaussian_blur.sigma"].harsh) == (0.5, 1)


def test_profiles_move_together(fitted):
    number = by_name(fitted.values)["sensor_noise.sigma"]
    assert number.ends == (2, 10)
    changed = with_changes(fitted.values, {number.key: [4, 20]})
    steps = [choice["steps"] for choice in changed["steps"][0]["one_of"]["choices"]]
    assert [step[0]["sensor_noise"]["sigma"] for step in steps] == [[4, 8], [12, 20]]
    assert steps[0][1] == {"jpeg": {"quality": 80}}
    assert fitted.values["steps"][0]["one_of"]["choices"][0]["steps"][0]["sensor_noise"]["sigma"] == [2, 4]


def test_a_single_value_becomes_a_range(fitted):
    key = by_name(fitted.values)["jpeg.quality"].key
    tuned = fitted.changed({key: [40, 60]})
    assert by_name(tuned.recipe_values)["jpeg.quality"].ends == (40, 60)


@pytest.mark.parametrize("ends", [[5, 2], [-1, 3], [0, 300], [1]])
def test_ends_outside_of_the_limits_are_one_line(fitted, ends):
    key = by_name(fitted.values)["sensor_noise.sigma"].key
    with pytest.raises(PatinaError, match="expected two numbers from 0 to 255, low first"):
        fitted.changed({key: ends})
    with pytest.raises(PatinaError, match="no range 'nothing'"):
        fitted.changed({"nothing": [1, 2]})


def test_the_yaml_says_what_was_changed_and_keeps_the_photos(fitted, tmp_path):
    assert fitted.yaml() == FITTED
    text = fitted.changed({by_name(fitted.values)["sensor_noise.sigma"].key: [4, 20]}).yaml()
    assert "# sensor_noise.sigma: changed by hand from [2, 10] to [4, 20]" in text
    assert "80 % of the photos" not in text
    again = TunedRecipe.read("again", text, tmp_path)
    assert again.photos == fitted.photos == ["a.png", "b.png"]
    assert by_name(again.values)["sensor_noise.sigma"].ends == (4, 20)


def test_the_ends_of_one_range_leave_the_others_as_drawn(fitted):
    pixels, key = picture(0), by_name(fitted.values)["sensor_noise.sigma"].key
    drawn, mild, strong = (
        fitted.degraded(pixels, photo="b.png", number=key, which=which) for which in ("drawn", "mildest", "strongest")
    )
    spread = [float((made.astype(float) - pixels).std()) for made in (mild, drawn, strong)]
    assert spread == sorted(spread)
    assert spread[0] == pytest.approx(2, rel=0.2)
    assert spread[2] == pytest.approx(10, rel=0.2)


def test_a_job_tells_its_progress_and_ends_when_it_is_cancelled():
    queue, seen = JobQueue(), []

    def work(job: StudioJob) -> str:
        for item in progress(range(100), "count"):
            seen.append((item, job.done, job.total))
            if item == 3:
                job.cancel()
        return "done"

    job = queue.start("test", work)
    other = queue.start("test", lambda _job: "worked")
    broken = queue.start("test", lambda _job: 1 / 0)
    queue._thread.shutdown()
    assert seen == [(0, 0, 100), (1, 1, 100), (2, 2, 100), (3, 3, 100)]
    assert (job.state, job.label) == ("cancelled", "count")
    assert (other.state, other.message) == ("done", "worked")
    assert (broken.state, broken.message) == ("failed", "ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("right", "asked", "told"),
    [(0, 0, "Nothing"), (5, 5, "3%"), (20, 20, "You see a difference"), (11, 20, "do not see a difference")],
)
def test_the_verdict_of_a_blind_test(right, asked, told):
    assert told in verdict(right, asked)
