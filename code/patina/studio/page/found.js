// What was fitted: words first, plots behind.
import { $, address, call, listen, make } from "./api.js";

const cell = (name, textContent) => make(name, { textContent });

function numberRow(number) {
  const title = make("th", {}, number.title, number.unit ? make("span", { className: "quiet", textContent: number.unit }) : "");
  return make("tr", { className: number.sure ? "" : "unsure" }, title,
    cell("td", number.spread), cell("td", number.typical), cell("td", number.certainty));
}

function property(found) {
  const card = make("article", { className: `verdict ${found.grade}` },
    make("header", {}, cell("h3", found.title), make("span", { className: "badge", textContent: found.label })),
    cell("p", found.sentence));
  if (found.advice) card.append(make("p", { className: "quiet", textContent: found.advice }));
  return card;
}

async function show() {
  const found = await call("/api/found");
  $("#found-empty").hidden = found !== null;
  $("#found-body").hidden = found === null;
  if (!found) return;
  $("#status-found").textContent = `${found.close} of ${found.of}`;
  $("#found-summary").textContent = found.summary;
  const counts = new Map();
  for (const { grade, label } of found.properties) {
    const one = counts.get(grade) ?? { label, count: 0 };
    one.count += 1;
    counts.set(grade, one);
  }
  $("#found-tally").replaceChildren(...[...counts].map(([grade, { label, count }]) =>
    make("li", { className: grade }, make("b", { textContent: count }), ` ${label === "matches" ? `propert${count === 1 ? "y matches" : "ies match"}` : label}`)));
  $("#found-numbers").replaceChildren(...found.numbers.map(numberRow));
  $("#found-properties").replaceChildren(...found.properties.map(property));
  $("#plots").open = false;
  $("#plots iframe")?.remove();
}

$("#plots").addEventListener("toggle", () => {
  if (!$("#plots").open || $("#plots iframe")) return;
  const frame = make("iframe", { title: "The fit's page", src: address("/api/plots") });
  $("#plots-wait").hidden = false;
  frame.addEventListener("load", () => { $("#plots-wait").hidden = true; });
  $("#plots").append(frame);
});

listen("found", show);
listen("start", show);
