// Drives @segment/analytics-node.
"use strict";

const { script, sayAll, tell } = require("./driving.cjs");
const { Analytics } = require("@segment/analytics-node");

async function main() {
  const client = new Analytics({ writeKey: script.key, host: script.host, ...script.options });
  const told = await sayAll(
    (type, call) =>
      new Promise((done) =>
        client[type](call, (error, ctx) =>
          done({ message_id: ctx.event.messageId, error: error ? String(error) : null }),
        ),
      ),
  );
  await client.closeAndFlush();
  tell(await Promise.all(told));
}

main();
