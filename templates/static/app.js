"use strict";
/* Everything works without this. It adds buttons that copy, keeps ages right, and refreshes what
   the page shows when that changes, unless somebody is reading or typing there. */
(() => {
  const STEPS = [
    [60, 1, "second"],
    [3600, 60, "minute"],
    [86400, 3600, "hour"],
    [86400 * 60, 86400, "day"],
    [86400 * 730, 86400 * 30, "month"],
  ];

  function relative(at) {
    const gap = Math.abs(Date.now() - at) / 1000;
    if (gap < 10) return "just now";
    for (const [below, unit, name] of STEPS) {
      if (gap < below) {
        const count = Math.floor(gap / unit);
        const words = `${count} ${name}${count === 1 ? "" : "s"}`;
        return at > Date.now() ? `in ${words}` : `${words} ago`;
      }
    }
    return new Date(at).toISOString().slice(0, 10);
  }

  function age() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const at = Date.parse(element.dateTime);
      const text = Number.isNaN(at) ? element.textContent : relative(at);
      if (element.textContent !== text) element.textContent = text;
    }
  }

  function addCopyButtons() {
    if (!navigator.clipboard) return;
    for (const block of document.querySelectorAll("pre[data-copy]")) {
      const frame = document.createElement("div");
      const button = document.createElement("button");
      frame.className = "copyable";
      button.className = "copy";
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(block.textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Select it";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      block.replaceWith(frame);
      frame.append(block, button);
    }
  }

  function isBusy(main) {
    const inside = main !== document.activeElement && main.contains(document.activeElement);
    const selected = !(document.getSelection()?.isCollapsed ?? true);
    const opened = main.querySelector("details[open]") !== null;
    return document.hidden || inside || selected || opened;
  }

  /* The page's own text says whether anything changed: its JSON may be a moment newer than it.
     Ages are left out, since they are kept right here. */
  function textOf(main) {
    return main?.outerHTML.replace(/(<time [^>]*>)[^<]*/g, "$1");
  }

  const stale = document.getElementById("stale");
  let shown = textOf(document.getElementById("main"));
  let seen = new Date();

  async function refresh() {
    const page = await fetch(location.href, { cache: "no-cache" });
    if (!page.ok) throw new Error(`status ${page.status}`);
    if (page.redirected) return location.reload();
    const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
    const [main, fresh] = [document, parsed].map((one) => one.getElementById("main"));
    seen = new Date();
    if (!fresh || textOf(fresh) === shown || isBusy(main)) return;
    shown = textOf(fresh);
    main.replaceWith(document.adoptNode(fresh));
    addCopyButtons();
  }

  async function update() {
    if (document.hidden) return;
    try {
      await refresh();
      stale.hidden = true;
    } catch {
      stale.textContent = `The service does not answer. This is how it was at ${seen.toLocaleTimeString()}.`;
      stale.hidden = false;
    }
  }

  const isWatched = () => document.getElementById("main")?.dataset.watch !== undefined;

  function listen() {
    const path = document.getElementById("main")?.dataset.events;
    if (!path || !window.EventSource) return;
    const source = new EventSource(path);
    let waiting = false;
    source.addEventListener("crawls", () => {
      if (!isWatched()) source.close();
      if (waiting || !isWatched()) return;
      waiting = true;
      // A page may be a second old when it is sent: after that it knows what the event says.
      setTimeout(async () => {
        waiting = false;
        await update();
      }, 1100);
    });
  }

  async function watch() {
    if (!isWatched()) return;
    const every = Number(document.getElementById("main").dataset.every) || 30;
    await new Promise((done) => setTimeout(done, every * 1000));
    await update();
    watch();
  }

  addCopyButtons();
  watch();
  listen();
  setInterval(age, 15000);
})();
