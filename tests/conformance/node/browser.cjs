// A shop's page with Segment's own snippet, in headless Chromium, that does what lines on stdin say.
//
// The first line: {"chromium", "server": "127.0.0.1:8000", "key", "load": {options of the SDK}}.
// Then {"do": "visit", "host", "at_once": [calls]}, {"do": "say", "calls"}, {"do": "leave"}, and
// {"do": "end"}. Each is answered by one line of JSON. A call is ["track", "Product Viewed", {...}].
"use strict";

const http = require("node:http");
const readline = require("node:readline");
const snippet = require("@segment/snippet");
const { chromium } = require("playwright-core");

// Nobody but this machine can be reached, and the browser looks for nobody of its own accord.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

function html({ server, key, load }, atOnce) {
  const script = snippet
    .min({ host: server, apiKey: key, useHostForBundles: true, page: false, load })
    .replaceAll("https://", "http://"); // the test server has no certificate
  const calls = atOnce.map(([name, ...given]) => `analytics.${name}(...${JSON.stringify(given)});`);
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Grüß Gott</title>
<script>${script}</script><script>${calls.join("\n")}</script><h1>Shop</h1>`;
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const settings = JSON.parse((await lines.next()).value);
  let atOnce = [];
  const shop = http.createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(request.url.startsWith("/shop") ? html(settings, atOnce) : "<!doctype html>Bye");
  });
  await new Promise((go) => shop.listen(0, "127.0.0.1", go));
  const browser = await chromium.launch({ executablePath: settings.chromium, args: FLAGS });
  const page = await browser.newPage();
  const asked = new Set();
  const errors = [];
  page.on("request", (request) => asked.add(new URL(request.url()).host));
  page.on("pageerror", (error) => errors.push(String(error)));
  const port = shop.address().port;

  const acts = {
    async visit({ host, at_once: calls }) {
      atOnce = calls;
      await page.goto(`http://${host}:${port}/shop?from=test`);
      await page.waitForFunction(() => window.analytics.initialized === true);
      return { anonymous_id: await page.evaluate(() => window.analytics.user().anonymousId()) };
    },
    async say({ calls }) {
      return { told: await page.evaluate(sayAll, calls) };
    },
    async leave() {
      await page.goto(`http://localhost:${port}/elsewhere`);
      return {};
    },
    async end() {
      await browser.close();
      shop.close();
      return { asked: [...asked].filter((host) => !host.endsWith(`:${port}`)), errors };
    },
  };
  for await (const line of lines) {
    const { do: what, ...given } = JSON.parse(line);
    process.stdout.write(JSON.stringify(await acts[what](given)) + "\n");
    if (what === "end") break;
  }
  process.exit(0);
}

// Runs in the page: the SDK makes each call, and says under which ids.
async function sayAll(calls) {
  const told = [];
  for (const [name, ...given] of calls) {
    const at_ms = Date.now();
    const ctx = await window.analytics[name](...given);
    told.push({ message_id: ctx.event.messageId, at_ms, user_id: window.analytics.user().id() });
  }
  return told;
}

main();
