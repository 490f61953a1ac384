// What both drivers of JavaScript SDKs share: the script on stdin, the clock, the answer on stdout.
"use strict";

const fs = require("node:fs");

const script = JSON.parse(fs.readFileSync(0, "utf8"));
const trueNow = Date.now;

if (script.clock_ahead_seconds) {
  const ahead = script.clock_ahead_seconds * 1000;
  globalThis.Date = class extends Date {
    constructor(...given) {
      if (given.length) super(...given);
      else super(trueNow() + ahead);
    }
    static now() {
      return trueNow() + ahead;
    }
  };
}

// Makes each call of the script and gives what became of it; `say` resolves when the SDK knows.
async function sayAll(say) {
  const told = [];
  for (const { type, ...call } of script.calls) {
    if (call.timestamp) call.timestamp = new Date(call.timestamp);
    const at_ms = trueNow();
    told.push(say(type, call).then((known) => ({ message_id: null, error: null, ...known, at_ms })));
    await new Promise((go) => setTimeout(go, script.pause_seconds * 1000));
  }
  return told;
}

function tell(told) {
  process.stdout.write(JSON.stringify({ told }), () => process.exit(0));
}

module.exports = { script, sayAll, tell };
