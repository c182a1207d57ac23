"""The report's page in a real browser: sizes of pixels, and mouse, touch and keyboard."""

import io

import numpy as np
import pytest
from PIL import Image

from chromium import NEEDS_CHROMIUM
from patina.cli.main import run_command
from patina.imaging.picture_files import read_picture
from sets import write_noisy_sets

pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.slow,
]

DRAWN = "canvas[data-kind=real][data-drawn]"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 3}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = write_noisy_sets(tmp_path_factory.mktemp("page"))
    places = ["-clean", folder / "clean", "-real", folder / "real", "-generated", folder / "same"]
    log = [*places, "-paired", "-out", folder / "same.html", "-judge_steps", 1]
    assert run_command("report", list(map(str, log))) == 0
    return folder


@pytest.fixture
def opened(browser, folders):
    """Return a function that opens the page from its file, without a network, on a given screen."""
    contexts = []

    def opened(**screen):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, "offline": True} | screen)
        contexts.append(context)
        page = context.new_page()
        page.trouble = []
        page.on("console", lambda message: page.trouble.append(message.text))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("request", lambda request: page.trouble.append(request.url) if "://" in request.url[8:] else None)
        page.goto((folders / "same.html").as_uri())
        page.wait_for_selector(DRAWN)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(opened):
    return opened()


class Finger:
    """One finger on a touch screen; it sends the events that a device sends."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)

    def swipe(self, start: tuple[float, float], *moves: tuple[float, float]) -> None:
        """Put the finger down at `start`, move it by the given offsets in small steps, and lift it."""
        self._send("touchStart", *start)
        last = (0.0, 0.0)
        for move in moves:
            for part in np.linspace(0, 1, 9)[1:]:
                self._send("touchMove", *(s + a + part * (b - a) for s, a, b in zip(start, last, move, strict=True)))
            last = move
        self.session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _send(self, kind: str, x: float, y: float) -> None:
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})


def split(page) -> float:
    return float(page.locator("#split").input_value())


def places(page) -> list[list[str]]:
    """Return the offset of the image in every pane."""
    return page.evaluate(
        "[...document.querySelectorAll('.pane > *')].map((shown) => [shown.style.left, shown.style.top])"
    )


def centre(page, selector: str) -> tuple[float, float]:
    """Scroll to an element and return its middle."""
    page.locator(selector).first.evaluate("(element) => element.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def shown_pixels(page, selector: str) -> np.ndarray:
    """Return an element as the device pixels show it."""
    png = page.locator(selector).first.screenshot(scale="device")
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"), np.int64)


def is_shown(picture: np.ndarray, screen: np.ndarray, power: int) -> bool:
    """Return whether the screen shows a part of the image, every pixel `power` times as wide and high."""
    middle = screen[screen.shape[0] // 2 :, screen.shape[1] // 2 :]
    blown = picture.repeat(power, 0).repeat(power, 1)
    seen = middle[: 24 * power, : 24 * power]
    views = np.lib.stride_tricks.sliding_window_view(blown, seen.shape[:2], axis=(0, 1))
    candidates = np.argwhere((views[..., 0, 0] == seen[0, 0]).all(-1))
    return any((views[y, x].transpose(1, 2, 0) == seen).all() for y, x in candidates)


def test_nothing_is_loaded_and_nothing_goes_wrong(page):
    assert page.trouble == []
    assert page.locator("section svg").count() >= 7
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")


def test_another_crop_can_be_chosen(page):
    before = page.locator(".stage .below").get_attribute("src")
    page.locator(".choice").nth(2).click()
    page.wait_for_selector("canvas[data-kind=real][data-drawn^='2 ']")
    assert page.locator(".stage .below").get_attribute("src") != before
    assert page.trouble == []


def test_residuals_are_those_of_the_images(page, folders):
    page.locator("#gain").fill("3")
    page.wait_for_selector("canvas[data-kind=real][data-drawn='0 3']")
    shown = page.evaluate(
        "[...document.querySelector('canvas[data-kind=real]').getContext('2d').getImageData(40, 20, 1, 1).data]"
    )
    name = page.locator(".choice").first.get_attribute("title") + ".png"
    clean, real = (np.int64(read_picture(folders / kind / name).pixels[20, 40]) for kind in ("clean", "real"))
    np.testing.assert_array_equal(shown[:3], (128 + 3 * (real - clean)).clip(0, 255))


def test_axis_labels_do_not_overlap_tick_labels(opened):
    overlaps = """() => [...document.querySelectorAll('.card svg')].flatMap((svg) => {
      const box = (element) => element.getBoundingClientRect();
      const texts = [...svg.querySelectorAll('text')].map((text) => [text.textContent, box(text)]);
      const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
      const hits = ([, a], i) => texts.slice(i + 1).filter(([, b]) => !apart(a, b)).map(([text]) => text);
      return texts.flatMap((each, i) => hits(each, i).map((text) => `${each[0]}, ${text}`));
    })"""
    for screen in ({}, PHONE):
        page = opened(**screen)
        assert page.locator(".card svg .label").count() >= 8
        assert page.evaluate(overlaps) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_scheme(opened, scheme):
    page = opened(**PHONE, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red > 200) == (scheme == "light")


class TestSize:
    """An image pixel is a whole number of device pixels."""

    @pytest.mark.parametrize(("ratio", "power"), [(1, 4), (1.5, 4), (2, 8)])
    def test_pixels_are_shown_whole(self, opened, folders, ratio, power):
        page = opened(device_scale_factor=ratio)
        page.get_by_role("button", name=f"{power}×").click()
        name = page.locator(".choice").first.get_attribute("title") + ".png"
        for kind, folder in (("generated", "same"), ("real", "real")):
            picture = np.int64(read_picture(folders / folder / name).pixels)
            assert is_shown(picture, shown_pixels(page, f"#zoom .pane[data-kind={kind}]"), power)

    def test_the_slider_shows_them_whole(self, opened, folders):
        page = opened(device_scale_factor=1.5)
        name = page.locator(".choice").first.get_attribute("title") + ".png"
        power = int(page.locator("#stage-power").inner_text())
        page.locator("#split").press("Home")
        page.evaluate("document.querySelectorAll('.tag, .handle').forEach((each) => each.remove())")
        screen = shown_pixels(page, ".stage")
        assert abs(screen.shape[0] - 96 * power) <= 2
        assert is_shown(np.int64(read_picture(folders / "same" / name).pixels), screen, power)

    def test_residuals_have_the_size_of_the_crops(self, page):
        for power in (1, 4):
            page.get_by_role("button", name=f"{power}×").click()
            widths = page.evaluate("[...document.querySelectorAll('.pane > *')].map((shown) => shown.style.width)")
            assert widths == [f"{96 * power}px"] * 5

    @pytest.mark.parametrize(("ratio", "power"), [(1, "4×"), (2, "8×")])
    def test_at_first_an_image_fills_its_pane(self, opened, ratio, power):
        page = opened(device_scale_factor=ratio)
        assert page.locator(".power[aria-pressed=true]").inner_text() == power
        left = page.evaluate("parseFloat(document.querySelector('#zoom img').style.left)")
        assert left <= 0

    def test_a_phone_stacks_large_panes(self, opened):
        page = opened(**PHONE)
        boxes = [page.locator("#zoom .pane").nth(index).bounding_box() for index in range(3)]
        assert len({box["x"] for box in boxes}) == 1
        assert all(box["width"] > 300 for box in boxes)
        width = page.evaluate("document.querySelector('#zoom img').getBoundingClientRect().width")
        assert width == pytest.approx(96 * 8 / 3, abs=0.05)
        assert page.locator(".power[aria-pressed=true]").inner_text() == "8×"


class TestMouse:
    def test_the_slider_moves(self, page):
        x, y = centre(page, ".stage")
        width = page.locator(".stage").bounding_box()["width"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 0.3 * width, y + 30, steps=4)
        page.mouse.up()
        assert split(page) == pytest.approx(20, abs=1)
        clip = "getComputedStyle(document.querySelector('.above')).clipPath"
        assert page.evaluate(clip) == f"inset(0px 0px 0px {split(page):g}%)"
        page.keyboard.press("End")
        assert page.evaluate(clip) == "inset(0px 0px 0px 100%)"

    def test_all_panes_move_together_and_stop_at_the_edge(self, page):
        page.get_by_role("button", name="8×").click()
        (left, top) = places(page)[0]
        x, y = centre(page, "#zoom .pane")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 60, y - 30, steps=3)
        page.mouse.up()
        moved = places(page)
        assert moved[0] == moved[1] == moved[2]
        assert moved[3] == moved[4] != moved[0]  # panes of another size, the same middle
        assert float(moved[0][0][:-2]) == pytest.approx(float(left[:-2]) - 60)
        assert float(moved[0][1][:-2]) == pytest.approx(float(top[:-2]) - 30)
        page.mouse.down()
        page.mouse.move(x + 900, y + 900, steps=3)
        page.mouse.up()
        assert places(page)[0] == ["0px", "0px"]

    def test_keys_move_them_too(self, page):
        page.get_by_role("button", name="8×").click()
        before = places(page)
        page.locator(".pane").nth(1).press("ArrowRight")
        after = places(page)
        assert all(float(b[0][:-2]) < float(a[0][:-2]) for a, b in zip(before, after, strict=True))


class TestFinger:
    @pytest.fixture
    def page(self, opened):
        return opened(**PHONE)

    @pytest.mark.parametrize("selector", [".stage", "#zoom .pane"])
    def test_up_and_down_scrolls_and_moves_nothing(self, page, selector):
        x, y = centre(page, selector)
        before = page.evaluate("scrollY")
        place = places(page)
        Finger(page).swipe((x - 60, y), (10, -120))
        page.wait_for_function(f"Math.abs(scrollY - {before}) > 40")
        assert split(page) == 50
        assert places(page) == place

    def test_sideways_moves_the_slider(self, page):
        x, y = centre(page, ".stage")
        before = page.evaluate("scrollY")
        Finger(page).swipe((x, y), (-80, 20))
        width = page.locator(".stage").bounding_box()["width"]
        assert split(page) == pytest.approx(50 - 100 * 80 / width, abs=2)
        assert page.evaluate("scrollY") == before

    def test_a_tap_moves_the_slider_there(self, page):
        x, y = centre(page, ".stage")
        page.touchscreen.tap(x + 50, y)
        width = page.locator(".stage").bounding_box()["width"]
        assert split(page) == pytest.approx(50 + 100 * 50 / width, abs=2)

    def test_sideways_first_moves_the_panes_anywhere(self, page):
        page.evaluate("document.querySelectorAll('.pane').forEach((pane) => { pane.style.height = '120px'; })")
        page.evaluate("dispatchEvent(new Event('resize'))")
        place = places(page)[0]
        x, y = centre(page, "#zoom .pane")
        before = page.evaluate("scrollY")
        Finger(page).swipe((x, y), (30, 0), (30, 60))
        assert page.evaluate("scrollY") == before
        moved = places(page)
        assert moved[0] == moved[1] == moved[2]
        assert float(moved[0][1][:-2]) == pytest.approx(float(place[1][:-2]) + 60, abs=1)
