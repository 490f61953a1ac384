// A page of two slots, as little of one as the helper needs. SLOW makes the server answer never.
class Node {
  constructor(tag) { this.tag = tag; this.dataset = {}; this.children = []; this.on = {}; this.parent = null; }
  addEventListener(name, act) { this.on[name] = act; }
  querySelectorAll() { return this.children.flatMap((c) => [c, ...c.querySelectorAll()]); }
  querySelector(tag) { return this.children.find((c) => c.tag === tag) || null; }
  replaceChildren(...c) { this.children = c; c.forEach((one) => (one.parent = this)); }
  remove() { this.parent.children = this.parent.children.filter((c) => c !== this); }
  get firstElementChild() { return this.children[0]; }
  get isConnected() { return true; }
  closest() { return this.dataset.customeringDismiss === undefined ? null : this; }
}
function copy(node) {
  const made = new Node(node.tag);
  Object.assign(made.dataset, node.dataset);
  made.replaceChildren(...node.children.map(copy));
  return made;
}
function make(tag, dataset, ...children) {
  const node = new Node(tag);
  Object.assign(node.dataset, dataset);
  node.replaceChildren(...children);
  return node;
}
const sent = [], timers = [];
const template = make("template", {});
template.content = make("fragment", {}, make("article", {},
  make("h3", { field: "title" }), make("a", { fieldHref: "content.url", field: "content.subject" }),
  make("button", { customeringDismiss: "not for me" })));
const usual = make("p", {});
const slot = make("div", { customering: "home", customeringN: "2" }, usual, template);
const empty = make("div", { customering: "cart" }, make("p", {}));
global.window = global;
global.location = { pathname: "/shop" };
global.document = {
  currentScript: { src: "https://data.example/customering.js", dataset: { writeKey: "cw_1" } },
  cookie: "a=b; ajs_anonymous_id=%22from-cookie%22", readyState: "complete", baseURI: "https://shop.example/",
  querySelectorAll: () => [slot, empty], createElement: (tag) => new Node(tag),
  importNode: (node) => copy(node), addEventListener() {},
};
global.localStorage = { getItem: () => { throw new Error("blocked"); }, setItem() {} };
Object.defineProperty(global, "navigator", { value: { sendBeacon: (url, text) => sent.push([url, JSON.parse(text)]) } });
global.IntersectionObserver = class {
  constructor(act) { this.act = act; }
  observe(node) { node.seen = (ratio) => this.act([{ intersectionRatio: ratio }]); }
  disconnect() { this.act = () => {}; }
};
const asked = [];
global.fetch = async (url, options) => {
  asked.push([url, options.headers, JSON.parse(options.body)]);
  if (SLOW) await new Promise((go, stop) => options.signal.addEventListener("abort", () => stop(new Error("late"))));
  const action = (id, url) => ({ action_id: id, title: "<b>" + id + "</b>", content: { url, subject: "S" } });
  return { ok: true, json: async () => ({ results: [
    { decision: { decision_id: "d", placement: "home", actions: [action("x", "/go"), action("y", "javascript:alert(1)")] } },
    { problem: { status: 400 } } ] }) };
};
