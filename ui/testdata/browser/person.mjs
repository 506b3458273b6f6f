// Somebody at a browser, who finds things by what they are called.
const patience = 30_000;

export class Person {
  // meet starts somebody new. how is "mouse", "noscript" (no script runs) or "keyboard" (nothing is clicked).
  static async meet(browser, how, { language = "en", width = 1280, height = 900 } = {}) {
    const context = await browser.newContext({ locale: language, viewport: { width, height }, javaScriptEnabled: how !== "noscript", reducedMotion: "reduce" });
    context.setDefaultTimeout(patience);
    return new Person(how, await context.newPage());
  }

  constructor(how, page) {
    this.how = how;
    this.page = page;
  }

  // do is one step; it answers with where the person is then, and what stands there.
  async do(step) {
    const [[act, what]] = Object.entries(step).filter(([k]) => k in acts);
    const extra = await acts[act](this, what, step);
    return { address: this.page.url(), title: await this.page.title(), text: await this.page.locator("body").innerText(), ...extra };
  }

  // reach is how this person gets to an element: Tab by Tab, or straight to it.
  async reach(element) {
    await element.waitFor({ state: "attached" });
    if (this.how !== "keyboard") return element;
    const wanted = await element.elementHandle();
    for (let i = 0; i < 400; i++) {
      if (await this.page.evaluate((e) => document.activeElement === e, wanted)) return element;
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`Tab never comes to ${element}`);
  }

  // act is a click, or the key that does the same; it waits until what comes of it is there.
  async press(element, key = "Enter") {
    await this.reach(element);
    if (this.how === "keyboard") await this.page.keyboard.press(key);
    else await element.click();
    await this.page.waitForLoadState("load");
  }
}

// named finds what is called so; what is added to a name, for readers of screens or because a field may stay empty,
// comes behind it.
const named = (name) => new RegExp(`^\\s*${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(\\s|$)`);

const acts = {
  async open(who, address) {
    await who.page.goto(address);
  },
  // within a page there may be several things of a name: step.in names the section, step.nth which of them.
  async follow(who, name, step) {
    await navigated(who, () => who.press(find(who, step, "link", name)));
  },
  async press(who, name, step) {
    await navigated(who, () => who.press(find(who, step, "button", name)));
  },
  async fill(who, label, step) {
    const field = labelled(who, step, label);
    await who.reach(field);
    if (who.how !== "keyboard") return void (await field.fill(step.with));
    await who.page.keyboard.press("Control+A");
    await who.page.keyboard.press("Delete");
    await who.page.keyboard.insertText(step.with);
  },
  // date writes a day, as year-month-day; by keyboard as an American does, for that is what the browser takes it for.
  async date(who, label, step) {
    const field = labelled(who, step, label);
    await who.reach(field);
    if (who.how !== "keyboard") return void (await field.fill(step.with));
    const [year, month, day] = step.with.split("-");
    await who.page.keyboard.type(month + day + year);
    if ((await field.inputValue()) !== step.with) throw new Error(`${label} became ${await field.inputValue()}, not ${step.with}`);
  },
  async choose(who, label, step) {
    const field = labelled(who, step, label);
    await who.reach(field);
    if (who.how !== "keyboard") return void (await field.selectOption({ label: step.with }));
    await who.page.keyboard.type(step.with); // a list goes to what begins so
  },
  async tick(who, label, step) {
    const box = labelled(who, step, label);
    if (await box.isChecked()) return;
    if (who.how !== "keyboard") return void (await box.check());
    // Of a group of radio buttons Tab reaches the chosen one, or the first; the arrows lead on.
    if ((await box.getAttribute("type")) === "radio") {
      const name = await box.getAttribute("name");
      const group = who.page.locator(`input[type=radio][name="${name}"]`);
      const chosen = who.page.locator(`input[type=radio][name="${name}"]:checked`);
      await who.reach((await chosen.count()) ? chosen : group.first());
      for (let i = 0; i <= (await group.count()) && !(await box.isChecked()); i++) await who.page.keyboard.press(i === 0 ? "Space" : "ArrowDown");
    } else {
      await who.reach(box);
      await who.page.keyboard.press("Space");
    }
    if (!(await box.isChecked())) throw new Error(`${label} cannot be ticked`);
  },
  async unfold(who, name, step) {
    const summary = scope(who, step).locator("summary").filter({ hasText: named(name) }).first();
    if (await summary.evaluate((e) => e.parentElement.open)) return;
    await who.press(summary);
  },
  // see waits for a text; the page is asked for again until it is there.
  async see(who, text, step) {
    const limit = Date.now() + patience;
    for (;;) {
      const body = await who.page.locator("body").innerText();
      if (body.includes(text)) return;
      if (Date.now() > limit) throw new Error(`does not see “${text}” at ${who.page.url()}:\n${body}`);
      if (step.again) await who.page.waitForTimeout(300).then(() => who.page.reload());
      else await who.page.waitForTimeout(50);
    }
  },
  // value reads a field.
  async value(who, label, step) {
    return { value: await labelled(who, step, label).inputValue() };
  },
  async href(who, name, step) {
    return { value: await find(who, step, "link", name).evaluate((e) => e.href) };
  },
  async cookies(who) {
    return { cookies: await who.page.context().cookies() };
  },
};

// scope is where somebody looks: the whole page, or the part of it that has a text.
function scope(who, step) {
  if (!step.in) return who.page;
  return who.page.locator("article, section, li, tr, form, fieldset, nav, dialog, details").filter({ hasText: step.in }).last();
}

const find = (who, step, role, name) => scope(who, step).getByRole(role, { name: named(name) }).nth(step.nth ?? 0);

const labelled = (who, step, label) => scope(who, step).getByLabel(named(label)).nth(step.nth ?? 0);

// navigated does what leads to another page, and waits for it.
async function navigated(who, act) {
  const before = who.page.waitForEvent("framenavigated", { timeout: patience }).catch((error) => error);
  await act();
  const error = await before;
  if (error instanceof Error) throw new Error(`leads nowhere from ${who.page.url()}: ${error.message}`);
  await who.page.waitForLoadState("load");
}
