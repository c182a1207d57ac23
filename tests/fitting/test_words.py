"""What a fit found, in plain words: its numbers and its sentence."""

from functools import partial

import numpy as np
import yaml

from patina.fitting.agreement import Agreement
from patina.fitting.contents import Contents
from patina.fitting.family import Family, FreeNumber, load_family
from patina.fitting.file_compression import FileCompression
from patina.fitting.number_words import number_words
from patina.fitting.photo import Photo
from patina.fitting.population import Population
from patina.fitting.profiles import NumberFinding, does_nothing, profile_recipe, with_use
from patina.fitting.search import SynthesisMatch
from patina.fitting.sentence import no_closer, sentence
from sets import write_config

NOISE = ("steps", 0, "sensor_noise")


def free(setting: str, **options) -> FreeNumber:
    return FreeNumber((*NOISE, setting), 0.0, 10.0, **options)


class TestNumbers:
    def words(self, *found: NumberFinding, steps=()):
        family = Family({"scale": 1, "steps": list(steps)}, tuple(item.number for item in found), "test")
        return [(words.title, words.spread, words.certainty) for words in number_words(found, family)]

    def test_a_decided_number_has_its_error(self):
        found = NumberFinding(free("sigma"), 4.0, 5.0, 6.25, 0.123, True)
        assert self.words(found) == [("Noise strength", "4 to 6.2", "± 0.1")]

    def test_noise_that_compression_hides_is_said_to_be_uncertain(self):
        noise, family = NumberFinding(free("sigma"), 4.0, 5.0, 6.25, 0.123, True), load_family("camera")
        low, high = FileCompression("jpeg", 80), FileCompression("jpeg", 95)
        for files, is_told in (([low, low, high], True), ([low, high, high], False), ([low, FileCompression()], False)):
            (words,) = number_words([noise], family, files)
            assert ("compression of quality 80 hides noise" in words.certainty) == is_told

    def test_numbers_of_a_narrow_range_keep_two_digits(self):
        share = FreeNumber(("steps", 0, "salt_and_pepper", "share"), 0.0, 0.05)
        found = NumberFinding(share, 0.004, 0.0061, 0.0123, 0.0004, True)
        assert [told[1:] for told in self.words(found)] == [("0.004 to 0.012", "± 0.0004")]

    def test_a_compression_says_where_it_was_found(self):
        family = load_family("camera")
        (quality,) = [number for number in family.free if family.is_told(number)]
        found = NumberFinding(quality, 90.0, 90.0, 90.0, 0.0, True)
        file, pixels = FileCompression("jpeg", 90), FileCompression("jpeg", 90, seen_in_pixels=True)
        for compressions, told in (
            ([file, FileCompression()], "read from the photos' files"),
            ([pixels, FileCompression()], "found in the photos' pixels, as the files are lossless"),
            ([file, pixels], "read from the photos' files, or found in the pixels of lossless ones"),
        ):
            (words,) = number_words([found], family, compressions)
            assert words.certainty == told

    def test_an_undecided_number_is_called_a_guess(self):
        ((_, _, certainty),) = self.words(NumberFinding(free("sigma"), 4.0, 5.0, 6.0, 0.1, False))
        assert "the photos do not decide this" in certainty

    def test_an_optional_number_at_its_low_end_is_not_used_nor_are_its_companions(self):
        amount = NumberFinding(free("amount", optional=True), 0.0, 0.0, 0.0, 0.0, True)
        other = NumberFinding(free("unknown"), 1.0, 5.0, 9.0, 3.0, True)
        first, second = self.words(*with_use([amount, other], lambda _number: True))
        assert first[1:] == ("none", "not found")
        assert second == ("sensor_noise.unknown", "–", "without effect, as the step is not used")

    def test_what_files_tell_is_said_to_be_read_there(self):
        quality = FreeNumber(("steps", 0, "jpeg", "quality"), 30.0, 100.0)
        found = NumberFinding(quality, 80.2, 90.0, 94.9, 0.0, True)
        told = [("Quality of the files", "80 to 95", "read from the photos' files")]
        assert self.words(found, steps=[{"jpeg": {}}]) == told

    def test_qualities_of_several_compressions_have_different_titles(self):
        family = load_family("web")
        found = [NumberFinding(number, 60.0, 70.0, 80.0, 1.0, True) for number in family.free if number.is_quality]
        files = [FileCompression("webp", 70), FileCompression("jpeg", 70)]
        titles = [words.title for words in number_words(found, family, files)]
        assert titles == ["JPEG quality of an earlier compression", "JPEG and WebP quality of the files"]


def test_blur_is_told_in_pixels_of_the_clean_image_and_of_the_photos():
    numbers = [FreeNumber(("steps", 0, "ellipse_blur", f"sigma_{axis}"), 0.0, 12.0, scale=4) for axis in "xy"]
    found = [NumberFinding(number, 3.0, 3.6, 4.0, 0.1, True) for number in numbers]
    assert sentence(found, [], []).startswith("Blur of 3.6 pixels (0.9 in the photos).")
    (words, _) = number_words(found, Family({"steps": []}, tuple(numbers), "camera.yml"))
    assert words.unit == "std in pixels of the clean image, 4 times those of a photo"


def test_lines_are_told_where_they_can_be_seen():
    rows, columns = (FreeNumber(("steps", 0, "line_noise", name), 0.0, 20.0) for name in ("rows", "columns"))
    found = [NumberFinding(rows, 2.8, 3.0, 3.2, 0.1, True), NumberFinding(columns, 0.0, 0.1, 0.3, 0.1, True)]
    assert sentence(found, [], []).startswith("Rows brighter or darker by a std of 2.8 to 3.2.")


def test_a_number_at_the_end_of_its_range_is_named():
    number = FreeNumber(("steps", 0, "gaussian_blur", "sigma"), 0.0, 4.0)
    found = NumberFinding(number, 3.9, 4.0, 4.0, 0.1, True, at_limit=True)
    told = sentence([found], [], [])
    assert "At the end of the range that was tried: blur (4); give -recipe a family with a wider one." in told
    (words,) = number_words([found], Family({"steps": []}, (number,), "camera.yml"))
    assert words.certainty == "at the end of its range; the photos may need more"


def test_a_compression_before_the_files_own_is_told_with_the_size_of_then():
    def found(step, operation, setting, low, high, **options):
        number = FreeNumber(("steps", step, operation, setting), 1.0, 100.0)
        return NumberFinding(number, low, (low + high) / 2, high, 0.1, **{"decided": True, **options})

    factor, first = found(0, "resize", "factor", 1.52, 1.68), found(1, "jpeg", "quality", 66.4, 69.6)
    last = found(3, "jpeg", "quality", 64.0, 87.0)
    assert sentence([factor, first, last], [], []).startswith(
        "Compressed before at 1.5 to 1.7 times the size, with JPEG 66 to 70. "
    )
    assert sentence([first, last], [], []).startswith("Compressed before, with JPEG 66 to 70. ")
    assert "ompressed before" not in sentence([factor, last], [], [])
    guessed = found(1, "jpeg", "quality", 66.4, 69.6, decided=False)
    assert "ompressed before" not in sentence([factor, guessed, last], [], [])


def test_the_end_of_a_range_means_nothing_where_the_step_is_not_used():
    amount = NumberFinding(free("amount", optional=True), 0.0, 0.0, 0.0, 0.0, True)
    reach = NumberFinding(free("reach"), 10.0, 10.0, 10.0, 0.1, True, at_limit=True)
    found = with_use([amount, reach], lambda _number: True)
    assert [finding.use for finding in found] == ["unused", "idle"]
    assert "range" not in sentence(found, [], [])
    assert sentence(found, [], []).startswith("Nothing found.")


def test_a_step_that_still_acts_is_not_called_idle(tmp_path):
    steps = [
        {"sensor_noise": {"sigma": {"free": [0, 20]}, "grain": {"free": [0, 2], "optional": True}}},
        {"unsharp_mask": {"sigma": {"free": [0.5, 2]}, "amount": {"free": [0, 3], "optional": True}}},
    ]
    family = load_family(write_config(tmp_path / "family.yml", {"scale": 1, "steps": steps}))
    units = np.full(4, 0.5)
    found = [NumberFinding(number, number.low, number.low, number.low, 0.0, True) for number in family.free]
    used = with_use(found, partial(does_nothing, family, units))
    uses = {finding.number.name: finding.use for finding in used}
    assert uses == {
        "sensor_noise.sigma": "used",
        "sensor_noise.grain": "unused",
        "unsharp_mask.sigma": "idle",
        "unsharp_mask.amount": "unused",
    }


def test_the_recipe_leaves_out_steps_whose_optional_number_is_not_used(tmp_path):
    steps = [
        {"sensor_noise": {"sigma": {"free": [0, 20]}, "grain": {"free": [0, 2], "optional": True}}},
        {"unsharp_mask": {"sigma": {"free": [0.5, 2]}, "amount": {"free": [0, 3], "optional": True}}},
    ]
    family = load_family(write_config(tmp_path / "family.yml", {"scale": 1, "steps": steps}))
    for amount, kept in ((0.0, ["sensor_noise"]), (0.5, ["sensor_noise", "unsharp_mask"])):
        units = np.tile([0.0, 0.5, amount, 0.5], (3, 1))
        none, narrow = np.zeros_like(units), np.full(4, 0.01)
        population = Population(units, none, units[0], none[0], narrow, narrow)
        contents = Contents.of((), np.zeros((1, 0)))
        match = SynthesisMatch(family, population, np.zeros((3, 1)), (), 0.0, np.eye(1), (), contents)
        photo = Photo("a.png", 64, 64, None, FileCompression(), 0.01, {}, is_upscaled=False)
        recipe = yaml.safe_load(profile_recipe(match, [photo] * 3, []))
        (choices,) = recipe["steps"]
        for choice in choices["one_of"]["choices"]:
            assert [next(iter(step)) for step in choice["steps"]] == [*kept, "salt_and_pepper"]
            assert choice["steps"][0]["sensor_noise"]["sigma"] == family.free[1].value(0.5)


def test_a_fit_that_leads_away_from_the_photos_says_so():
    plain = [Agreement("edge sharpness", 9.0, 1.0), Agreement("noise grain", 5.0, 1.0)]
    worse = [Agreement("edge sharpness", 9.5, 1.0), Agreement("noise grain", 5.5, 1.0)]
    told = no_closer(worse, plain, can_shrink=True)
    assert "no closer to the photos than they are without it" in told
    assert "Downscale them by 2" in told
    assert "Downscale" not in no_closer(worse, plain, can_shrink=False)
    assert no_closer([worse[0], Agreement("noise grain", 4.0, 1.0)], plain, can_shrink=True) == ""


def test_a_fit_that_takes_most_properties_further_away_says_which():
    names = ("noise strength", "noise grain", "edge sharpness")
    plain = [Agreement(name, 3.0, 1.0) for name in names]
    mixed = [Agreement(name, distance, 1.0) for name, distance in zip(names, (5.0, 3.5, 0.9), strict=True)]
    told = no_closer(mixed, plain, can_shrink=True)
    assert "In 2 of 3 properties" in told
    assert "without it: noise strength, noise grain." in told
    one = [Agreement(name, distance, 1.0) for name, distance in zip(names, (5.0, 2.0, 0.9), strict=True)]
    assert no_closer(one, plain, can_shrink=True) == ""


def test_the_sentence_calls_numbers_by_their_titles():
    def found(*place) -> NumberFinding:
        return NumberFinding(FreeNumber(("steps", 0, *place), 0.0, 10.0), 1.0, 1.5, 2.0, 0.1, True)

    numbers = [found("raw_camera", "sigma"), found("raw_camera", "red"), found("gaussian_blur", "sigma")]
    told = sentence([*numbers, found("speckle", "size")], [], [Agreement("edge sharpness", 9.0, 1.0)])
    assert told == (
        "Sensor noise of std 1 to 2 at mid-grey, before the camera's processing; blur 1 to 2; speckle.size 1 to 2. "
        "Fitted images match the photos in 0 of 1 properties. They differ in edge sharpness. "
        "Do not rely on these numbers."
    )


def test_numbers_are_not_to_be_relied_on_only_below_half_of_the_properties():
    close, far = Agreement("noise grain", 1.0, 1.0), Agreement("edge sharpness", 9.0, 1.0)
    assert "Do not rely" not in sentence([], [], [close, far])
    assert "Do not rely" in sentence([], [], [close, far, far])
