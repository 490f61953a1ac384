// What the helper must have asked, shown and reported on that page.
setTimeout(() => {
  const assert = require("assert");
  const [url, headers, body] = asked[0];
  if (TOKEN) {
    assert.strictEqual(url, "https://data.example/v1/decide/batch");
    assert.strictEqual(headers.Authorization, "Bearer " + TOKEN);
    assert.strictEqual(body.requests[0].identifiers, undefined);
  } else {
    assert.strictEqual(url, "https://data.example/v1/decide/batch?writeKey=cw_1");
    assert.strictEqual(headers["Content-Type"], "text/plain");
    assert.deepStrictEqual(body.requests[0], { identifiers: { anonymous_id: "from-cookie" },
      placement: "home", n: 2, context: { page: "/shop" } });
  }
  assert.strictEqual(empty.children[0].tag, "p");
  if (SLOW) {
    assert.ok(slot.children.includes(usual));
    assert.strictEqual(slot.dataset.customeringState, "left");
    return process.exit(0);
  }
  assert.ok(!slot.children.includes(usual));
  const [kept, first, second] = slot.children;
  assert.strictEqual(kept, template);
  assert.strictEqual(first.children[0].textContent, "<b>x</b>");
  assert.strictEqual(first.children[1].href, "https://shop.example/go");
  assert.strictEqual(second.children[1].href, "");
  if (TOKEN) {
    first.on.click({ target: first });
    assert.strictEqual(asked[1][0], "https://data.example/v1/outcomes");
    assert.strictEqual(asked[1][2].outcome, "clicked");
    return process.exit(0);
  }
  first.on.click({ target: first });
  second.on.click({ target: second.children[2], preventDefault() {} });
  assert.ok(!slot.children.includes(second));
  first.seen(0.6); first.seen(0.2); first.seen(0.7);
  setTimeout(() => {
    const told = sent.map(([url, one]) => [url, one.event, one.properties.action_id, one.writeKey]);
    const where = "https://data.example/v1/t";
    assert.deepStrictEqual(told, [
      [where, "Action Clicked", "x", "cw_1"], [where, "Action Dismissed", "y", "cw_1"],
      [where, "Action Shown", "x", "cw_1"]]);
    assert.strictEqual(sent[1][1].properties.because, "not for me");
    assert.strictEqual(sent[0][1].anonymousId, "from-cookie");
    process.exit(0);
  }, 1100);
}, SLOW ? 60 : 30);
