// Pages that Patina wrote, opened in tabs of their own.
import { $, address, call, listen, make } from "./api.js";

async function list() {
  const [pages, fit] = [await call("/api/pages"), await call("/api/found")];
  const rows = pages.map(({ place, shown, title }) => row(title, shown, address("/api/page", { place })));
  if (fit) rows.unshift(row("The fit of this tab", fit.summary, address("/api/plots")));
  if (!rows.length) rows.push(make("li", { className: "empty", textContent: "There are none yet: patina fit --report, patina report and patina gap write some." }));
  $("#pages").replaceChildren(...rows);
}

function row(title, text, href) {
  const link = make("a", { href, target: "_blank", rel: "noopener" }, make("b", { textContent: title }), make("span", { className: "quiet", textContent: text }));
  return make("li", {}, link);
}

listen("reports", list);
