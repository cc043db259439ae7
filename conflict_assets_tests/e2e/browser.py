"""Chromium, without a window, as someone who looks at Dagster's UI: what a page says, and a picture of it."""

import base64
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from conflict_assets_tests.e2e.client import wait

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1560,1000",
)
SECONDS = 90
MARGIN = 12


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """The machine's Chromium with a new profile; nothing is fetched from anywhere."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in programs.items() if path is None]
    assert not missing, f"{' and '.join(missing)} can't be found; install them with: make browser"
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"] or ""
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Service(programs["chromedriver"]))
    try:
        driver.set_page_load_timeout(SECONDS)
        yield driver
    finally:
        driver.quit()


@dataclass
class Browser:
    """Someone who looks at the UI at an address; `pictures` is where what is seen is kept."""

    driver: webdriver.Chrome
    url: str
    pictures: Path

    def open(self, path: str, *expected: str) -> str:
        """Open a page and wait until it says all that is expected; what it then says."""
        self.driver.get(f"{self.url}{path}")
        return self.await_text(*expected)

    def await_text(self, *expected: str) -> str:
        """Wait until the page says all of this."""
        return self.await_page(lambda text: all(part in text for part in expected))

    def await_page(self, fits: Callable[[str], bool]) -> str:
        """Wait until what the page says fits: it draws its parts one after the other."""
        return wait(self.text, fits, SECONDS)

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def source(self) -> str:
        """Everything that the page holds, shown or not."""
        return str(self.driver.execute_script("return document.documentElement.outerHTML"))

    def click(self, text: str, nth: int = 0) -> None:
        """Click what is shown with this text: the first such place, or another."""
        wait(lambda: self._clicked(text, nth), bool, SECONDS)

    def _clicked(self, text: str, nth: int) -> bool:
        """Whether it could be clicked; a page that draws itself anew meanwhile is to be asked again."""
        try:
            shown = self._shown(text)
            if len(shown) <= nth:
                return False
            shown[nth].click()
        except StaleElementReferenceException:
            return False
        return True

    def _shown(self, text: str) -> list[WebElement]:
        found = self.driver.find_elements(By.XPATH, f"//*[text()='{text}']")
        return [each for each in found if each.is_displayed() and each.size["height"]]

    def images(self) -> dict[str, int]:
        """The pictures in the page: their words, and their width once they are drawn."""
        script = "return [...document.images].map(each => [each.alt, each.complete ? each.naturalWidth : 0])"
        return dict(self.driver.execute_script(script))

    def shoot(self, name: str, *, around: str | None = None) -> Path:
        """Keep a picture of the page, or of what lies around the elements of a selector, as `name`.png."""
        clip = {"clip": self._clip(around)} if around else {}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", **clip})
        file = self.pictures / f"{name}.png"
        file.write_bytes(base64.b64decode(shot["data"]))
        return file

    def _clip(self, selector: str) -> dict[str, Any]:
        script = """
            const rects = [...document.querySelectorAll(arguments[0])].map(each => each.getBoundingClientRect());
            return [Math.min(...rects.map(r => r.left)), Math.min(...rects.map(r => r.top)),
                    Math.max(...rects.map(r => r.right)), Math.max(...rects.map(r => r.bottom))]"""
        left, top, right, bottom = self.driver.execute_script(script, selector)
        return {
            "x": left - MARGIN,
            "y": top - MARGIN,
            "width": right - left + 2 * MARGIN,
            "height": bottom - top + 2 * MARGIN,
            "scale": 2,
        }
