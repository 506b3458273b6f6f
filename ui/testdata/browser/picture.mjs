// Pictures of pages, for README and for eyes.

// picture opens an address and writes what the window shows (or, with whole, the page from top to end) to a PNG file.
export async function picture(browser, { address, file, width, height, dark = false, whole = false, language = "en", cookies = [] }) {
  const context = await browser.newContext({
    locale: language, viewport: { width, height }, colorScheme: dark ? "dark" : "light", reducedMotion: "reduce",
  });
  try {
    await context.addCookies(cookies);
    const page = await context.newPage();
    await page.goto(address, { waitUntil: "networkidle" });
    await page.evaluate(() => document.fonts.ready.then(() => null));
    await page.screenshot({ path: file, fullPage: whole });
    return {};
  } finally {
    await context.close();
  }
}
