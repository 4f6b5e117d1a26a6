// Watches a payment and moves on by itself. Asks the books often and cheaply; reloads the page now and then,
// which makes the shop ask the provider. Without JavaScript the page refreshes itself instead.
(() => {
  "use strict";
  const box = document.querySelector("[data-payflow-watch]");
  if (!box) return;
  const { payflowWatch: url, payflowStanding: standing, payflowGoOn: goOn } = box.dataset;
  const began = Date.now();
  let pause = 1000;

  const look = async () => {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok) {
        const news = await answer.json();
        if (news.standing !== standing) return location.reload();
        // The payment page's address was not known when this page was made: go there now.
        if (goOn && news.next) return location.assign(news.next);
      }
    } catch {
      // offline for a moment: the next look may succeed
    }
    if (Date.now() - began > 20000) return location.reload();
    pause = Math.min(pause * 1.4, 5000);
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
