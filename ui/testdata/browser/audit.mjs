// What is looked at on one page: axe-core in every mode and width, sideways scrolling, text spacing, forced colours,
// the keyboard, and what the visit costs.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Everything that axe knows of WCAG 2.2 AA, and its good practice. No rule is switched off.
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

// audit opens address as a first visit would, and gives all that is wrong in `found` and what it cost in `cost`.
export async function audit(browser, { address, language = "en", cookies = [], allowed = [], status = 200, later = false }) {
  const context = await browser.newContext({ locale: language, viewport: sizes.desktop, reducedMotion: "reduce" });
  try {
    await context.addCookies(cookies);
    const page = await context.newPage();
    const found = [];
    page.on("console", (m) => { if (["error", "warning"].includes(m.type()) && !isStatus(m, status)) found.push(`console: ${m.text()}`); });
    page.on("pageerror", (e) => found.push(`script fails: ${e.message}`));
    const cost = { first: await visit(page, address, status, found) };
    if (cookies.length === 0) {
      for (const c of await context.cookies()) if (!allowed.includes(c.name)) found.push(`sets the cookie ${c.name}`);
      const kept = await page.evaluate(() => localStorage.length + sessionStorage.length);
      if (kept > 0) found.push("keeps something in the browser");
    }
    const shift = await page.evaluate(layoutShift);
    if (shift > 0.001) found.push(`the layout shifts by ${shift.toFixed(4)}`);
    if (later) cost.later = await visit(page, address, status, found);

    await page.evaluate(axe);
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const v of await violations(page)) found.push(`${size} ${colorScheme}: ${v}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
    for (const f of await page.evaluate(formless)) found.push(`forced colours: ${f}`);
    await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
    for (const f of await walk(page)) found.push(`keyboard: ${f}`);

    await page.setViewportSize({ width: 320, height: 640 }); // 1280 px at 400 %
    for (const f of await page.evaluate(sideways)) found.push(`320 px: ${f}`);
    await page.evaluate(spaceOut);
    for (const f of await page.evaluate(sideways)) found.push(`320 px, wide text: ${f}`);
    for (const f of await page.evaluate(cutOff)) found.push(`320 px, wide text: ${f}`);
    return { found, cost };
  } finally {
    await context.close();
  }
}

// Chromium's console tells of answers like 404 that are what the test asks for.
const isStatus = (message, status) => status !== 200 && message.text().includes(`status of ${status}`);

// visit opens an address and counts, as they travel, the bytes and the requests of a page and of all that it needs.
async function visit(page, address, status, found) {
  const wire = await page.context().newCDPSession(page);
  await wire.send("Network.enable");
  const asked = new Map();
  wire.on("Network.requestWillBeSent", (e) => {
    const { protocol, host } = new URL(e.request.url);
    if (!["data:", "blob:"].includes(protocol) && host !== new URL(address).host) found.push(`asks another host: ${e.request.url}`);
    if (e.type === "Script") found.push(`loads a script: ${e.request.url}`);
    asked.set(e.requestId, { url: e.request.url, type: e.type, bytes: 0 });
  });
  wire.on("Network.requestServedFromCache", (e) => asked.delete(e.requestId));
  wire.on("Network.responseReceived", (e) => {
    if (e.response.fromDiskCache) asked.delete(e.requestId);
    else if (e.response.status >= 400 && e.type !== "Document") found.push(`${e.response.url} answers ${e.response.status}`);
  });
  wire.on("Network.loadingFinished", (e) => { if (asked.has(e.requestId)) asked.get(e.requestId).bytes = e.encodedDataLength; });
  wire.on("Network.loadingFailed", (e) => found.push(`${asked.get(e.requestId)?.url} fails: ${e.errorText}`));

  const answer = await page.goto(address, { waitUntil: "networkidle" });
  if (answer.status() !== status) found.push(`answers ${answer.status()}, not ${status}`);
  await wire.detach();
  const all = [...asked.values()];
  const own = all.filter((r) => r.type === "Document").reduce((sum, r) => sum + r.bytes, 0);
  return { own, bytes: all.reduce((sum, r) => sum + r.bytes, 0), list: all.map((r) => `${r.bytes} ${r.url}`) };
}

async function violations(page) {
  const result = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), rules);
  return result.violations.flatMap((v) => v.nodes.map((n) => `axe ${v.id}: ${n.target.join(" ")}: ${n.failureSummary.replace(/\s+/g, " ")} ${n.html.slice(0, 200)}`));
}

// walk goes through the page by Tab: whatever is reached can be seen, and shows that it is where the keyboard is.
async function walk(page) {
  const found = [];
  const stops = await page.evaluate(() => {
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter((e) => e.checkVisibility()).length;
  });
  const reached = new Set();
  for (let i = 0; i < Math.min(stops, 150); i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(focused);
    if (!at) break; // out of the page
    reached.add(at.where);
    if (at.wrong) found.push(`${at.where} ${at.wrong}`);
  }
  if (stops > 0 && reached.size === 0) found.push("Tab leads nowhere");
  return [...new Set(found)];
}

// What follows runs in the page.

function layoutShift() {
  return new Promise((done) => {
    let sum = 0;
    const watch = new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; });
    watch.observe({ type: "layout-shift", buffered: true });
    setTimeout(() => { watch.disconnect(); done(sum); }, 0);
  });
}

function focused() {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const where = `${e.localName}${e.id ? "#" + e.id : ""} “${(e.getAttribute("aria-label") ?? e.textContent ?? "").trim().slice(0, 40)}”`;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  let wrong = "";
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) wrong = "does not show that it has the focus";
  else if (box.width < 1 || box.height < 1) wrong = "has the focus and cannot be seen";
  else if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) wrong = "has the focus outside of the window";
  else {
    // It must not lie under something that stays in place (WCAG 2.2, 2.4.11): one of its points is its own.
    const own = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.8], [0.1, 0.8], [0.9, 0.2]].some(([x, y]) => {
      const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
      return top && (e === top || e.contains(top) || top.contains(e));
    });
    if (!own) wrong = "has the focus and lies under something else";
  }
  return { where, wrong };
}

// sideways says what makes the page wider than its window.
function sideways() {
  const root = document.scrollingElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > root.clientWidth + 0.5 || box.left < -0.5);
  });
  return [`scrolls sideways, ${root.scrollWidth} px: ${wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 150)).join(" | ")}`];
}

// spaceOut sets the distances of WCAG 2.2, 1.4.12. A constructed sheet is no inline style, so the page's policy lets it in.
function spaceOut() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }");
  document.adoptedStyleSheets = [sheet];
}

// cutOff finds text that its box hides.
function cutOff() {
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || !e.textContent.trim() || e.closest("svg")) continue;
    const style = getComputedStyle(e);
    if (style.clipPath !== "none" || e.clientWidth <= 1) continue; // for screen readers alone
    const hidesX = ["hidden", "clip"].includes(style.overflowX), hidesY = ["hidden", "clip"].includes(style.overflowY);
    if (hidesX && style.textOverflow !== "ellipsis" && e.scrollWidth > e.clientWidth + 1 || hidesY && e.scrollHeight > e.clientHeight + 1) {
      found.push(`text is cut off: ${e.outerHTML.slice(0, 150)}`);
    }
  }
  return found;
}

// formless finds what has no shape any more when a reader's own colours replace ours: borders must carry it, and what
// is drawn must stand out from the page.
function formless() {
  const found = [];
  for (const e of document.querySelectorAll("button, .button, input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select, textarea")) {
    if (!e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    if (!["Top", "Right", "Bottom", "Left"].some((s) => parseFloat(style[`border${s}Width`]) >= 1 && style[`border${s}Style`] !== "none") && style.textDecorationLine === "none") {
      found.push(`has no border: ${e.outerHTML.slice(0, 120)}`);
    }
  }
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    probe.fillStyle = colour;
    probe.clearRect(0, 0, 1, 1);
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const sheet = document.createElement("div"); // the colour of the reader's paper
  sheet.style.backgroundColor = "Canvas";
  document.body.append(sheet);
  const paper = light(getComputedStyle(sheet).backgroundColor);
  sheet.remove();
  const contrast = (colour) => { const l = light(colour); return (Math.max(l, paper) + 0.05) / (Math.min(l, paper) + 0.05); };
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    for (const e of svg.querySelectorAll("rect, circle, path, line, polyline, use")) {
      if (!e.checkVisibility()) continue;
      const { fill, stroke } = getComputedStyle(e);
      const colours = [fill, stroke].filter((c) => c !== "none" && !/^rgba\(.*, 0\)$/.test(c) && !c.startsWith("url"));
      if (colours.length > 0 && !colours.some((c) => contrast(c) >= 3)) found.push(`cannot be seen: ${colours} in ${e.outerHTML.slice(0, 120)}`);
    }
  }
  return [...new Set(found)].slice(0, 10);
}
