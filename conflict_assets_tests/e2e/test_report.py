"""The report as its readers meet it: written by a real night, opened from disk in a browser."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from axe_core_python.selenium import Axe
from dagster import AssetKey, DagsterInstance
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By

from conflict_assets.report.captions import RULE_NAMES
from conflict_assets.report.html_report import count_text, money_text
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, platform_environment
from conflict_assets_tests.report.report_samples import (
    empty_report_data,
    ordinary_report_data,
    page_html,
    report_data_of_one_conflict,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("chromedriver") is None, reason="needs Debian's chromium and chromium-driver"),
]

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE, PAPER = (1280, 900), (390, 844), (960, 1660)
OPEN = "FROM conflict_visit_maps WHERE status IN ('new', 'open')"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, lay_cluster) -> Iterator[Path]:
    """A platform after its first night: its data folder."""
    home = tmp_path_factory.mktemp("report")
    lay_cluster(home / "data" / "postgres")
    environment = platform_environment(home, SSN_PREFIX_LENGTH="1", MAX_WORKERS="2", GENERATED_VISITS="20000")
    try:
        done = subprocess.run(
            [COMMAND, "run"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield home / "data"
    finally:
        stop_embedded(home / "data" / "postgres")


@pytest.fixture(scope="module")
def files(folder, tmp_path_factory) -> dict[str, Path]:
    """The night's report, and those of other mornings."""
    made = tmp_path_factory.mktemp("pages")
    mornings = {
        "empty": empty_report_data(),
        "one": report_data_of_one_conflict(),
        "ordinary": ordinary_report_data(),
        "thousand": ordinary_report_data(3),
    }
    for name, report_data in mornings.items():
        (made / f"{name}.html").write_text(page_html(report_data), encoding="utf-8")
    return {"night": folder / "reports" / "latest.html"} | {name: made / f"{name}.html" for name in mornings}


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


def show(browser: webdriver.Chrome, file: Path, *, scheme: str = "light", size: tuple[int, int] = DESKTOP) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(file.as_uri())
    browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(embedded_url(folder / "postgres")) as connection:
        return connection.execute(query).fetchall()


def tile(browser: webdriver.Chrome, name: str) -> str:
    return browser.find_element(By.XPATH, f"//dt[text()='{name}']/following-sibling::dd[1]").text


def table(browser: webdriver.Chrome, caption: str) -> list[list[str]]:
    lines = browser.find_elements(By.XPATH, f"//caption[@id='{caption}']/..//tr[td]")
    return [[cell.text for cell in line.find_elements(By.XPATH, "th|td")] for line in lines]


def test_the_asset_s_metadata_leads_to_the_report_of_its_run(folder, files):
    with DagsterInstance.from_config(str(folder.parent / "dagster_home")) as instance:
        event = instance.get_latest_materialization_event(AssetKey("conflict_summary"))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["report"].value == "conflict-assets report --open"
    report = Path(event.asset_materialization.metadata["report_file"].value)
    assert report.parent == folder / "reports"
    assert report.name.endswith(f"-{event.run_id[:8]}.html")
    assert report.read_text(encoding="utf-8") == files["night"].read_text(encoding="utf-8")
    assert {path.stat().st_mode & 0o077 for path in report.parent.iterdir()} == {0}


def test_the_figures_are_those_of_the_store(browser, folder, files):
    show(browser, files["night"])
    ((conflicts, visits, caregivers, agencies, overlap),) = rows(
        folder,
        f"""SELECT count(DISTINCT pair_id), count(DISTINCT visit_id), count(DISTINCT ssn), count(DISTINCT provider_id),
                   sum(overlap_amount) {OPEN}""",
    )
    ((shift,),) = rows(
        folder,
        f"SELECT sum(amount) FROM (SELECT max(shift_amount) AS amount {OPEN} GROUP BY visit_id) AS v",  # noqa: S608 - a constant
    )
    assert conflicts > 100
    for name, value in {
        "Open conflicts": count_text(conflicts),
        "New": count_text(conflicts),
        "Visits in conflict": count_text(visits),
        "Caregivers": count_text(caregivers),
        "Agencies": count_text(agencies),
        "Shift amount": money_text(shift),
        "Overlap amount": money_text(overlap),
        "Prefixes done": "10 of 10",
    }.items():
        assert tile(browser, name) == value
    by_rule = dict(rows(folder, f"SELECT rule, count(DISTINCT pair_id) {OPEN} GROUP BY rule"))
    assert [line[1] for line in table(browser, "by-rule")] == [
        count_text(by_rule.get(number, 0)) for number in range(1, len(RULE_NAMES) + 1)
    ]
    by_agency = rows(
        folder,
        f"""SELECT max(provider_name), count(DISTINCT pair_id), count(DISTINCT visit_id) {OPEN}
            GROUP BY provider_id ORDER BY 2 DESC, provider_id COLLATE "C" LIMIT 10""",
    )
    assert [line[:3] for line in table(browser, "top-agencies")] == [
        [name, count_text(conflicts), count_text(visits)] for name, conflicts, visits in by_agency
    ]
    for caption, statuses in (("costliest-new", "('new')"), ("costliest-open", "('new', 'open')")):
        costliest = rows(
            folder,
            f"""SELECT pair_id, sum(overlap_amount) FROM conflict_visit_maps WHERE status IN {statuses}
                GROUP BY pair_id
                ORDER BY 2 DESC NULLS LAST, sum(shift_amount) DESC, pair_id LIMIT 10""",  # noqa: S608 - constants
        )
        told = table(browser, caption)
        assert [line[-1] for line in told] == [money_text(amount) for _, amount in costliest]
        assert {line[0].split()[-1] for line in told} == {pair_id for pair_id, _ in costliest}
    by_payer = rows(
        folder,
        f"""SELECT max(contract), count(DISTINCT pair_id), count(DISTINCT visit_id), sum(overlap_amount) {OPEN}
            AND payer_id IS NOT NULL GROUP BY payer_id ORDER BY 2 DESC, payer_id COLLATE "C" LIMIT 10""",
    )
    payers = [line for line in table(browser, "top-payers") if line[0] != "Payer unknown"]
    assert [[*line[:3], line[4]] for line in payers] == [
        [name, count_text(conflicts), count_text(visits), money_text(amount)]
        for name, conflicts, visits, amount in by_payer[: len(payers)]
    ]
    assert len(payers) > 1
    groups = rows(
        folder,
        f"SELECT group_id {OPEN} GROUP BY group_id HAVING count(DISTINCT pair_id) > 1",
    )
    assert {line[0] for line in table(browser, "largest-groups")} <= {group for (group,) in groups}
    hours = [[int(cell.replace(",", "")) for cell in line[1:]] for line in table(browser, "by-hour")]
    assert sum(map(sum, hours)) == conflicts


def test_no_ssn_and_no_patient_is_in_the_report(folder, files):
    text = files["night"].read_text(encoding="utf-8")
    with duckdb.connect(str(folder / "visits.duckdb"), read_only=True) as source:
        ssns = {
            re.sub(r"\D", "", ssn) for (ssn,) in source.execute('SELECT "SSN" FROM BI.DIMCAREGIVER').fetchall() if ssn
        }
    numbers = set(re.findall(r"(?<!\d)\d{9}(?!\d)", re.sub(r"(?<=\d)[- ](?=\d)", "", text)))
    assert len(ssns) > 30
    assert not ssns & numbers
    said = " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL).split())
    patients = rows(
        folder,
        """SELECT DISTINCT p_first_name || ' ' || p_last_name, p_last_name || ', ' || p_first_name, p_address_line_1,
                  p_medicaid_number, patient_id FROM conflict_visits""",
    )
    told = {str(value) for patient in patients for value in patient if value}
    assert len(told) > 100
    assert not [value for value in told if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", said)]
    assert re.search(r"\*{3}-\*{2}-(\d{4}|\*{4})", text)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["night", "empty", "one", "ordinary", "thousand"])
def test_axe_finds_nothing_to_mend(browser, files, name, scheme, size):
    show(browser, files[name], scheme=scheme, size=size)
    found = Axe().run(browser)
    assert len(found["passes"]) > 15
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


@pytest.mark.parametrize("name", ["night", "empty", "one", "thousand"])
def test_the_page_is_as_wide_as_the_phone_with_charts_of_its_own(browser, files, name):
    show(browser, files[name], size=PHONE)
    width, seen = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= seen == PHONE[0]
    shown = {
        kind: [each.is_displayed() for each in browser.find_elements(By.CSS_SELECTOR, f"svg.{kind}")]
        for kind in ("wide", "narrow")
    }
    assert shown == {"wide": [False] * 4, "narrow": [True] * 4}


def test_the_browser_asks_for_nothing_and_has_nothing_to_complain_of(browser, files):
    browser.get_log("browser")
    show(browser, files["night"])
    assert browser.execute_script("return performance.getEntriesByType('resource').map(each => each.name)") == []
    assert browser.get_log("browser") == []


def test_dark_readers_get_a_dark_page_and_paper_stays_white(browser, files):
    background = "return getComputedStyle(document.body).backgroundColor"
    show(browser, files["night"], scheme="dark")
    assert browser.execute_script(background) == "rgb(18, 23, 29)"
    media = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    assert browser.execute_script(background) == "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def picture(browser: webdriver.Chrome, *, top: int = 0, height: int) -> Image.Image:
    """What stands on the page from there, as wide as it is."""
    width = browser.execute_script("return window.innerWidth")
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")


def beside(columns: list[Image.Image], gap: int = 10) -> Image.Image:
    width, height = columns[0].size
    sheet = Image.new("RGB", (len(columns) * (width + gap) - gap, height), "#888888")
    for number, column in enumerate(columns):
        sheet.paste(column, (number * (width + gap), 0))
    return sheet


def test_pictures_of_it_can_be_taken(browser, files, tmp_path):
    """A few colours are a page without charts."""
    take_pictures(browser, files["night"], ROOT / os.environ.get("SCREENSHOTS", tmp_path))


def take_pictures(browser: webdriver.Chrome, page: Path, folder: Path) -> None:
    """Those of the docs: what a page looks like on a desktop, in the dark, on a phone and on paper."""
    made = {}
    for name, scheme in (("desktop", "light"), ("dark", "dark")):
        show(browser, page, scheme=scheme)
        made[name] = picture(browser, height=2300)
    show(browser, page, size=PHONE)
    made["phone"] = beside([picture(browser, top=top, height=1500) for top in (0, 1500, 3000)])
    show(browser, page, size=PAPER)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    made["print"] = beside([picture(browser, top=top, height=PAPER[1]) for top in (0, PAPER[1])])
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    for name, image in made.items():
        assert len(image.getcolors(1 << 20)) > 50
        image.quantize(256).save(folder / f"report-{name}.png", optimize=True)
