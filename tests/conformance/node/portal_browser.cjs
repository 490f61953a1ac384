// A person's browsers, in headless Chromium, that do what lines on stdin say.
//
// The first line: {"chromium", "shop"}. Then one act a line, such as {"do": "press", "in": "first",
// "role": "button", "name": "Sign in"}; "in" names one of several browsers with cookies of their
// own. {"do": "end"} ends. Each is answered by one line of JSON: {"ok": ...} or {"error": "..."}.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--font-render-hinting=none",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];
const PATIENCE_MS = 15_000;

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const settings = JSON.parse((await lines.next()).value);
  const browser = await chromium.launch({ executablePath: settings.chromium, args: FLAGS });
  const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf-8");
  const pages = new Map();
  const devices = new Map();
  const posted = new Map();
  const hosts = new Set();
  const errors = [];

  function found(page, { role, name, label, selector, exact = false }) {
    if (selector) return page.locator(selector).first();
    if (label) return page.getByLabel(label, { exact }).first();
    return page.getByRole(role, { name, exact }).first();
  }

  const acts = {
    async open({ in: key, width = 1280, height = 900, locale = "en-GB", script = true, phone = false, dark = false }) {
      const context = await browser.newContext({
        viewport: { width, height },
        locale,
        javaScriptEnabled: script,
        acceptDownloads: true,
        reducedMotion: "reduce",
        colorScheme: dark ? "dark" : "light",
        deviceScaleFactor: phone ? 2 : 1,
        hasTouch: phone,
        isMobile: phone,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("request", (request) => request.url().startsWith("http") && hosts.add(new URL(request.url()).host));
      page.on("request", (request) => request.method() === "POST" && posted.set(new URL(request.url()).pathname, request.postData()));
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      pages.set(key, page);
    },
    async goto({ page, url }) {
      const answer = await page.goto(url);
      return answer === null ? null : answer.status();
    },
    async press({ page, key, ...what }) {
      if (key) return page.keyboard.press(key);
      await found(page, what).click();
      await page.waitForLoadState("domcontentloaded");
    },
    async fill({ page, value, ...what }) {
      await found(page, what).fill(value);
    },
    async choose({ page, value, ...what }) {
      await found(page, what).selectOption(value);
    },
    async check({ page, ...what }) {
      await found(page, what).check();
    },
    async text({ page, selector = "main" }) {
      return (await page.locator(selector).first().innerText()).replace(/\s+/g, " ").trim();
    },
    async title({ page }) {
      return page.title();
    },
    async type({ page, text }) {
      await page.keyboard.type(text);
    },
    async unfold({ page }) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    },
    async url({ page }) {
      return page.url();
    },
    async count({ page, selector }) {
      return page.locator(selector).count();
    },
    async focused({ page }) {
      return page.evaluate(() => (document.activeElement?.innerText || document.activeElement?.name || "").trim());
    },
    async stored({ page }) {
      return page.evaluate(() => localStorage.length + sessionStorage.length);
    },
    async cookies({ page }) {
      return page.context().cookies();
    },
    async download({ page, path, ...what }) {
      const [download] = await Promise.all([page.waitForEvent("download"), found(page, what).click()]);
      await download.saveAs(path);
      return download.suggestedFilename();
    },
    async device({ page, in: key, unlocks = true }) {
      // A telephone that holds passkeys, and whose owner is there.
      const debug = await page.context().newCDPSession(page);
      await debug.send("WebAuthn.enable");
      const { authenticatorId } = await debug.send("WebAuthn.addVirtualAuthenticator", {
        options: {
          protocol: "ctap2",
          transport: "internal",
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: unlocks,
          automaticPresenceSimulation: true,
        },
      });
      devices.set(key, { debug, authenticatorId });
    },
    async unlocks({ in: key, unlocks }) {
      const { debug, authenticatorId } = devices.get(key);
      await debug.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: unlocks });
    },
    async held({ in: key }) {
      const { debug, authenticatorId } = devices.get(key);
      const { credentials } = await debug.send("WebAuthn.getCredentials", { authenticatorId });
      return credentials;
    },
    async hold({ in: key, credential }) {
      const { debug, authenticatorId } = devices.get(key);
      await debug.send("WebAuthn.addCredential", { authenticatorId, credential });
    },
    async attach({ page, path, selector }) {
      await page.locator(selector).first().setInputFiles(path);
    },
    async settled({ page, url }) {
      await page.waitForURL(url);
    },
    async seen({ page, text }) {
      await page.getByText(text).first().waitFor();
    },
    async resend({ page, path }) {
      // The very form that was sent before, once more, by the same browser.
      return page.evaluate(
        async ([to, body]) => {
          const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
          const answer = await fetch(to, { method: "POST", headers, body, redirect: "manual" });
          return answer.status || answer.type;
        },
        [path, posted.get(path)],
      );
    },
    async signElsewhere({ page, asked }) {
      // What a page at another address gets from the device for what it was asked to sign here.
      return page.evaluate(async (options) => {
        const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
        const text = (some) => btoa(String.fromCharCode(...new Uint8Array(some))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
        const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: [] };
        const { rawId, response } = await navigator.credentials.get({ publicKey });
        return {
          credential: text(rawId),
          client_data: text(response.clientDataJSON),
          proof: text(response.authenticatorData),
          signature: text(response.signature),
          handle: text(response.userHandle),
        };
      }, asked);
    },
    async wide({ page }) {
      return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    },
    async look({ page, path, whole = false, quality = 0.8 }) {
      const png = await page.screenshot({ fullPage: whole });
      if (path.endsWith(".png")) return fs.writeFileSync(path, png);
      const blank = await browser.newPage();
      const webp = await blank.evaluate(toWebp, { png: png.toString("base64"), quality });
      await blank.close();
      fs.writeFileSync(path, Buffer.from(webp.split(",")[1], "base64"));
    },
    async scroll({ page, selector }) {
      await page.locator(selector).first().evaluate((element) => element.scrollIntoView({ block: "start" }));
    },
    async axe({ page }) {
      // Our policy lets no script of elsewhere in: this one comes by the debugger.
      await page.evaluate(axe);
      const result = await page.evaluate(() =>
        window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
      );
      return result.violations.map(({ id, impact, help, nodes }) => ({
        id, impact, help, places: nodes.map((node) => node.target.join(" ")).slice(0, 5),
      }));
    },
    async end() {
      await browser.close();
      return { hosts: [...hosts], errors };
    },
  };
  for await (const line of lines) {
    const { do: what, in: key = "", ...given } = JSON.parse(line);
    let answer;
    try {
      const page = pages.get(key);
      answer = { ok: (await acts[what]({ page, in: key, ...given })) ?? null };
    } catch (error) {
      answer = { error: String(error).slice(0, 1500) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
    if (what === "end") break;
  }
  process.exit(0);
}

// Runs in a blank page: the browser itself is the encoder.
async function toWebp({ png, quality }) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality);
}

main();
