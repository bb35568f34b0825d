"""Where the model runs: the page says it, lets it be chosen, and starts without a GPU what runs without one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from site_visit import Visit, answered, ask, build_site

NO_GPU = "delete Navigator.prototype.gpu"  # of the page; the pretended engine computes where it is told to


@pytest.fixture
def on_cpu(visit: Visit, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """A site whose model also runs on the CPU."""
    build_site(visit.server.folder, tmp_path_factory.mktemp("on-cpu"), runs_on_cpu=True)
    return visit


def runs(page: Page, where: str | re.Pattern[str]) -> None:
    expect(page.locator("#computer")).to_have_text(where)


def test_a_model_for_the_cpu_starts_without_a_gpu(on_cpu: Visit) -> None:
    on_cpu.context.add_init_script(NO_GPU)
    page = on_cpu.open()
    page.wait_for_selector("body[data-status=offer]")
    expect(page.locator("#card-text")).to_contain_text("slower than a GPU")
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    page.click("#open-settings")
    page.select_option("#device", "cpu")
    page.click("#save-settings")
    page.wait_for_selector("body[data-status=ready]")
    runs(page, "On your CPU, 2 threads: slower than on a GPU.")
    ask(page, "one two three four")
    answered(page, 2)
    runs(page, "On your CPU, 2 threads: about 43 tokens a second.")


def test_what_computes_is_said_and_chosen(on_cpu: Visit) -> None:
    page = on_cpu.start()
    runs(page, "On your GPU (toy).")
    ask(page, "lose: it")
    assert answered(page, 2) == "1 messages: user."
    page.locator("#notice", has_text="The GPU was lost. The model continues on the CPU.").wait_for()
    runs(page, re.compile("^On your CPU, 2 threads: about "))
    page.click("#open-settings")
    page.select_option("#device", "cpu")
    page.click("#save-settings")
    page.wait_for_selector("body[data-status=ready]")
    page.wait_for_selector("#computer:has-text('On your CPU, 2 threads')")
    page.goto(on_cpu.server.url + "?device=gpu")
    page.wait_for_selector("body[data-status=ready]")
    runs(page, "On your GPU (toy).")


def test_there_is_no_choice_where_a_model_runs_on_gpus_alone(visit: Visit) -> None:
    page = visit.start()
    page.click("#open-settings")
    expect(page.locator("#device")).to_be_hidden()
