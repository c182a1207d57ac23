// Requests of this tab, and the one line that says what went wrong.
const KEY = "patina-studio-tab";
const fresh = () => crypto.randomUUID();
let tab = sessionStorage.getItem(KEY) ?? fresh();

// A tab that the browser duplicated has the name of its original, which answers; then it takes a name of its own.
export const ready = new Promise((resolve) => {
  const channel = new BroadcastChannel(KEY);
  const me = fresh();
  let settled = false;
  channel.addEventListener("message", ({ data }) => {
    if (data.asks === tab && data.me !== me && settled) channel.postMessage({ taken: tab, by: me });
    if (data.taken === tab && data.by !== me && !settled) tab = fresh();
  });
  channel.postMessage({ asks: tab, me });
  setTimeout(() => {
    settled = true;
    sessionStorage.setItem(KEY, tab);
    resolve();
  }, 60);
});

export const $ = (selector, inside = document) => inside.querySelector(selector);
export const $$ = (selector, inside = document) => [...inside.querySelectorAll(selector)];

export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export function trouble(line) {
  $("#trouble").textContent = line;
  $("#trouble").hidden = !line;
  if (line) $("#trouble").scrollIntoView({ block: "nearest" });
}

export class Refused extends Error {}

async function checked(answer) {
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  throw new Refused(told?.error ?? `the studio answered ${answer.status}; see where you started it`);
}

export async function request(address, values = {}, options = {}) {
  try {
    return await checked(await fetch(address, {
      method: "POST", body: JSON.stringify(values), headers: { "x-patina-tab": tab }, ...options,
    }));
  } catch (error) {
    if (error instanceof TypeError) throw new Refused("the studio does not answer any more; start patina studio again");
    throw error;
  }
}

export const call = async (address, values) => (await request(address, values)).json();

export async function picture(address, values, signal) {
  return URL.createObjectURL(await (await request(address, values, { signal })).blob());
}

export const send = async (kind, file) =>
  (await request(`/api/drop?kind=${kind}&name=${encodeURIComponent(file.name)}`, {}, { body: file })).json();

export const address = (path, values = {}) => `${path}?${new URLSearchParams({ ...values, tab })}`;

// Calls work when a control is used; its error becomes the line on the page.
export function on(element, kind, work) {
  element.addEventListener(kind, async (event) => {
    try {
      trouble("");
      await work(event);
    } catch (error) {
      if (error.name !== "AbortError") trouble(error.message);
    }
  });
}

export function press(buttons, chosen) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
}

export function fill(select, names, chosen) {
  select.replaceChildren(...names.map((name) => make("option", { value: name, textContent: name })));
  if (names.includes(chosen)) select.value = chosen;
}

// What the views tell each other: "images", "recipe", "found".
const bus = new EventTarget();
export const tell = (what) => bus.dispatchEvent(new Event(what));
export const listen = (what, work) => bus.addEventListener(what, () => work().catch?.((error) => trouble(error.message)));
