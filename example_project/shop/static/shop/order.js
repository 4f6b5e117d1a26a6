// Looks again every two seconds while news is expected, and replaces the page's part only when its words changed.
"use strict";

(function watchOrder() {
  async function lookAgain() {
    const shown = document.querySelector("[data-live]");
    if (!shown || shown.dataset.live !== "yes") return;
    try {
      const answer = await fetch(window.location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (answer.ok && fresh && fresh.textContent !== shown.textContent) {
        shown.replaceWith(fresh);
        document.title = page.title;
      }
    } catch {
      // Offline for a moment: the next look tells.
    }
    window.setTimeout(lookAgain, 2000);
  }
  window.setTimeout(lookAgain, 1000);
})();
