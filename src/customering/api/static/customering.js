/* customering.js: fills <div data-customering="home" data-customering-n="3"> with what is decided
 * for the person in front of it, and reports what was seen, clicked and dismissed.
 * Whatever goes wrong, the content that stands in the slot stays. Apache-2.0. */
(function () {
  "use strict";
  const script = document.currentScript;
  const own = (window.customering = window.customering || {});
  const server = own.server || new URL(script.src).origin;
  const writeKey = own.writeKey || (script && script.dataset.writeKey) || "";
  const timeoutMs = own.timeoutMs || 300;
  const SEEN_MS = 1000;
  const OUTCOMES = { shown: "Action Shown", clicked: "Action Clicked", dismissed: "Action Dismissed" };

  const newId = () =>
    window.crypto && crypto.randomUUID
      ? crypto.randomUUID()
      : "a" + Date.now().toString(36) + Math.random().toString(36).slice(2);

  // The id that Segment's analytics.js keeps, so that both mean the same browser.
  function anonymousId() {
    const name = "ajs_anonymous_id";
    let found = "";
    try {
      found = localStorage.getItem(name) || "";
    } catch (blocked) {
      found = ""; // storage is switched off: the cookie may still be there
    }
    if (!found) {
      const cookie = document.cookie.split("; ").find((one) => one.startsWith(name + "="));
      found = cookie ? decodeURIComponent(cookie.slice(name.length + 1)) : "";
    }
    found = found.replace(/^"|"$/g, "");
    if (!found) {
      found = own.madeId = own.madeId || newId();
      try {
        localStorage.setItem(name, JSON.stringify(found));
      } catch (blocked) {
        own.madeId = found; // it lasts as long as the page
      }
    }
    return found;
  }

  async function post(path, body, token, options) {
    // Without a token it is a simple request, which no browser asks about before.
    const query = token ? "" : "?writeKey=" + encodeURIComponent(writeKey);
    const headers = token
      ? { Authorization: "Bearer " + token, "Content-Type": "application/json" }
      : { "Content-Type": "text/plain" };
    const answer = await fetch(server + path + query, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
      ...options,
    });
    if (!answer.ok) throw new Error(path + " " + answer.status);
    return answer.json();
  }

  function report(outcome, shown, because) {
    const told = { decision_id: shown.decision, action_id: shown.action };
    if (because) told.because = because;
    if (shown.token) {
      const body = { ...told, outcome, at: new Date().toISOString() };
      post("/v1/outcomes", body, shown.token, { keepalive: true }).catch(() => {});
      return;
    }
    const now = new Date().toISOString();
    const event = {
      type: "track", event: OUTCOMES[outcome], messageId: newId(), anonymousId: anonymousId(),
      properties: { ...told, placement: shown.placement }, timestamp: now, sentAt: now, writeKey,
    };
    const text = JSON.stringify(event);
    if (!(navigator.sendBeacon && navigator.sendBeacon(server + "/v1/t", text))) {
      fetch(server + "/v1/t", { method: "POST", body: text, keepalive: true }).catch(() => {});
    }
  }

  function watch(root, shown) {
    root.addEventListener("click", (event) => {
      const no = event.target.closest("[data-customering-dismiss]");
      report(no ? "dismissed" : "clicked", shown, no && no.dataset.customeringDismiss);
      if (no) {
        event.preventDefault();
        root.remove();
      }
    });
    if (!window.IntersectionObserver) return;
    let timer = 0;
    const observer = new IntersectionObserver((entries) => {
      clearTimeout(timer);
      if (entries[entries.length - 1].intersectionRatio < 0.5) return;
      timer = setTimeout(() => {
        observer.disconnect();
        if (root.isConnected) report("shown", shown);
      }, SEEN_MS);
    }, { threshold: [0, 0.5] });
    observer.observe(root);
  }

  // "content.url" of an action, as text; never markup.
  function field(action, path) {
    const value = path.split(".").reduce((at, name) => (at == null ? at : at[name]), action);
    return value == null ? "" : Array.isArray(value) ? value.join(" ") : String(value);
  }

  function address(text) {
    try {
      const url = new URL(text, document.baseURI);
      return /^https?:$/.test(url.protocol) ? url.href : "";
    } catch (unreadable) {
      return "";
    }
  }

  function build(template, action) {
    const made = template ? document.importNode(template.content, true).firstElementChild : null;
    const root = made || document.createElement("div");
    if (!made) root.dataset.field = "title";
    for (const one of [root, ...root.querySelectorAll("*")]) {
      const names = one.dataset;
      if (names.field) one.textContent = field(action, names.field);
      if (names.fieldAlt) one.alt = field(action, names.fieldAlt);
      if (names.fieldHref) one.href = address(field(action, names.fieldHref));
      if (names.fieldSrc) one.src = address(field(action, names.fieldSrc));
    }
    return root;
  }

  function show(slot, decision, token) {
    if (!decision || !decision.actions.length) {
      slot.dataset.customeringState = "left"; // as the page made it
      return;
    }
    const template = slot.querySelector("template");
    const made = decision.actions.map((action) => {
      const root = build(template, action);
      const shown = {
        decision: decision.decision_id, action: action.action_id, placement: decision.placement, token,
      };
      return { root, shown };
    });
    slot.replaceChildren(...(template ? [template] : []), ...made.map((one) => one.root));
    slot.dataset.customeringState = "filled";
    made.forEach((one) => watch(one.root, one.shown));
  }

  async function fill(within) {
    const all = (within || document).querySelectorAll("[data-customering]");
    const slots = [...all].filter((slot) => !slot.dataset.customeringState).slice(0, 100);
    if (!slots.length) return;
    slots.forEach((slot) => (slot.dataset.customeringState = "asked"));
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const token = own.token ? await own.token() : "";
      const who = token ? {} : { identifiers: { anonymous_id: anonymousId() } };
      const requests = slots.map((slot) => ({
        ...who,
        placement: slot.dataset.customering,
        n: Number(slot.dataset.customeringN) || 1,
        context: { page: location.pathname },
      }));
      const options = { signal: abort.signal };
      const answer = await post("/v1/decide/batch", { requests }, token, options);
      if (abort.signal.aborted) throw new Error("too late");
      answer.results.forEach((one, at) => show(slots[at], one.decision, token));
    } catch (late) {
      slots.forEach((slot) => (slot.dataset.customeringState = "left")); // as the page made it
    } finally {
      clearTimeout(timer);
    }
  }

  own.fill = fill;
  own.anonymousId = anonymousId;
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => fill());
  } else {
    fill();
  }
})();
