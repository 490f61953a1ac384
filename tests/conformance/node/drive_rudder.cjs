// Drives @rudderstack/rudder-sdk-node, which does not say which message ids it made.
"use strict";

const { script, sayAll, tell } = require("./driving.cjs");
const Analytics = require("@rudderstack/rudder-sdk-node");

async function main() {
  const client = new Analytics(script.key, {
    dataPlaneUrl: script.host,
    logLevel: "error",
    errorHandler: () => {}, // without one the SDK ends the process when a batch is given up
    ...script.options,
  });
  const told = await sayAll(
    (type, call) =>
      new Promise((done) => client[type](call, (error) => done({ error: error ? String(error) : null }))),
  );
  while (client.queue.length) await client.flush();
  tell(await Promise.all(told));
}

main();
