"use strict";
/* Everything works without this. It adds buttons that copy, keeps ages right, and refreshes what
   the page shows when its JSON changes, unless somebody is reading or typing there. */
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

  const stale = document.getElementById("stale");
  const loaded = new Date();
  let known = null;
  let seen = loaded;

  async function refresh() {
    const main = document.getElementById("main");
    const response = await fetch(main.dataset.watch, { cache: "no-cache" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const mark = response.headers.get("ETag");
    if (known !== null && mark !== known && !isBusy(main)) {
      const page = await fetch(location.href, { cache: "no-cache" });
      if (!page.ok) throw new Error(`status ${page.status}`);
      const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
      const fresh = parsed.getElementById("main");
      if (fresh) main.replaceWith(document.adoptNode(fresh));
      addCopyButtons();
      known = mark;
    } else if (known === null) {
      known = mark;
    }
    seen = new Date();
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

  function listen() {
    const path = document.getElementById("main")?.dataset.events;
    if (!path || !window.EventSource) return;
    const source = new EventSource(path);
    source.addEventListener("crawls", () => {
      if (document.getElementById("main").dataset.watch) update();
      else source.close();
    });
  }

  async function watch() {
    const main = document.getElementById("main");
    if (!main?.dataset.watch) return;
    await update();
    const every = Number(document.getElementById("main").dataset.every) || 30;
    setTimeout(watch, every * 1000);
  }

  addCopyButtons();
  watch();
  listen();
  setInterval(age, 15000);
})();
