"""Print how long the page takes from a changed field to the figures painted: `python tests/benchmarks/page_speed.py`.

In headless Chromium (Debian's package), wide and narrow; each change is one that nobody asked before. The target is
100 ms on a quiet machine. The last column is the simulated plan, which is asked for once nothing changes any more.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import sync_playwright

from tests.commands.serve.server import serving

SIZES = ((1440, 900), (360, 740))
CHANGES = 20
UP_S = 3.0
"""In which a server's processes take the compiled loops, where numba's cache holds them."""
CHANGED = """async (rate) => {
  const began = performance.now(), since = () => performance.now() - began, answer = document.getElementById("answer");
  const shown = (id) => new Promise((done) => {
    const seen = new MutationObserver(() => answer.querySelector(id) && (seen.disconnect(), requestAnimationFrame(
      () => setTimeout(() => done(since()), 0))));
    seen.observe(answer, { childList: true });
  });
  const painted = shown("#unverified"), simulated = shown("#verified");
  const field = document.getElementById("f-rps");
  field.value = String(rate);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return [await painted, await simulated];
}"""


def main() -> None:
    """Print a line for each size."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with serving(Path(tempfile.mkdtemp())) as server, sync_playwright() as driver:
        time.sleep(UP_S)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for number, (width, height) in enumerate(SIZES):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(server.url)
            page.wait_for_selector("#verified")
            rates = [20 + number / 7 + change for change in range(1, CHANGES + 1)]
            painted, simulated = zip(*(page.evaluate(CHANGED, rate) for rate in rates), strict=True)
            print(
                f"{width:5} px   p50 {median(painted):4.0f} ms   worst {max(painted):4.0f} ms"
                f"   simulated {median(simulated):5.0f} ms"
            )
        browser.close()


if __name__ == "__main__":
    main()
