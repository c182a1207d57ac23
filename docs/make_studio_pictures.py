"""Make the images of docs/studio.md: the studio in Chromium on a desktop and a phone, with scikit-image's photographs.

python docs/make_studio_pictures.py
"""

import io
import shutil
import tempfile
from pathlib import Path

from bundled_images import write_bundled_images
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent / "studio"
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def opened(browser: Browser, address: str, screen: dict) -> Page:
    """Open the studio."""
    page = browser.new_context(**screen).new_page()
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    for kind in ("real", "clean"):
        page.click(f".set[data-kind={kind}] .folder")
        page.click(f'#picker-list button:text-is("{kind}/")')
        page.wait_for_selector("#picker-told:has-text('24 images')")
        page.click("#picker-use")
        page.wait_for_selector(f".set[data-kind={kind}] .thumb:nth-child(9)")
    page.wait_for_selector(".set[data-kind=real] .thumb:nth-child(9) .told:has-text('JPEG')")
    return page


def shoot(page: Page, name: str) -> None:
    """Write what the page shows."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.save(HERE / f"{name}.webp", quality=70, method=6)


def view(page: Page, name: str) -> None:
    """Show a view."""
    page.click(f'.views a[href="#{name}"]')
    page.wait_for_selector(f"#view-{name}:visible")


def look(page: Page, recipe: bool) -> None:
    """Show the recipe at work on a face."""
    view(page, "tune")
    if recipe:
        page.click("#tune-open")
        page.click('#picker-list button:text-is("fitted.yml")')
    page.wait_for_selector("#tune-ends[data-drawn]")
    page.select_option("#tune-photo", "cat_1.jpg")
    page.select_option("#tune-clean", "astronaut_1.png")
    for kind, place in (("real", (0.45, 0.3)), ("clean", (0.38, 0.25))):
        box = page.locator(f"#place-{kind} img").bounding_box()
        page.locator(f"#place-{kind}").click(position={"x": place[0] * box["width"], "y": place[1] * box["height"]})
    page.wait_for_timeout(2500)
    page.evaluate("scrollTo(0, 0)")


def main() -> None:
    """Fit, click through, and write the images."""
    from patina.studio.studio_server import StudioRequest, opened_studio

    with tempfile.TemporaryDirectory() as top, sync_playwright() as playwright:
        folder = Path(top) / "photos"
        write_bundled_images(folder)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with opened_studio(StudioRequest([folder])) as studio:
            page = opened(browser, studio.address, DESKTOP)
            shoot(page, "photos")
            page.click("#fit")
            page.wait_for_selector("#view-found:visible #found-body", timeout=600_000)
            shoot(page, "found")
            look(page, recipe=False)
            page.click("#save")
            page.wait_for_selector("#save-told:has-text('saved')")
            shoot(page, "tune")
            view(page, "blind")
            page.click("#blind-next")
            page.wait_for_selector(".guess")
            shoot(page, "blind")
            phone = opened(browser, studio.address, PHONE)
            look(phone, recipe=True)
            phone.evaluate("scrollTo({top: document.querySelector('.panel').offsetTop - 430, behavior: 'instant'})")
            shoot(phone, "phone")
        browser.close()


if __name__ == "__main__":
    main()
