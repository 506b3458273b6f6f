// A browser that judges pages for the tests. It reads one JSON question a line and answers each with one JSON line, in
// the order in which the answers are found: {"id": 1, "do": "audit", ...} is answered by {"id": 1, "found": [...]}
// or, where the judge itself fails, by {"id": 1, "error": "..."}. It ends when its standard input does. See README.md.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { audit } from "./audit.mjs";
import { Person } from "./person.mjs";
import { picture } from "./picture.mjs";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars"],
});

const people = new Map(); // by the name that the test gives them

const acts = {
  audit: (question) => audit(browser, question),
  picture: (question) => picture(browser, question),
  // person starts somebody new: how is "mouse", "noscript" or "keyboard".
  async person({ name, how, ...options }) {
    people.set(name, await Person.meet(browser, how, options));
    return {};
  },
  // step lets a person do one thing, and tells what they see then.
  async step({ name, step }) {
    const who = people.get(name);
    if (!who) throw new Error(`nobody is called ${name}`);
    return who.do(step);
  },
};

const running = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  const work = (async () => {
    try {
      return { id: question.id, ...(await acts[question.do](question)) };
    } catch (error) {
      return { id: question.id, error: String(error.stack ?? error) };
    }
  })().then((answer) => process.stdout.write(JSON.stringify(answer) + "\n"));
  running.add(work);
  work.finally(() => running.delete(work));
}
await Promise.all(running);
await browser.close();
