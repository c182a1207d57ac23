// The studio's page: which view is shown, and the start.
import { $, $$, ready, tell, trouble } from "./api.js";
import "./job.js";
import "./photos.js";
import "./found.js";
import { update } from "./tune.js";
import "./blind.js";
import "./apply.js";
import "./models.js";
import "./reports.js";

function show() {
  const name = location.hash.slice(1) || "photos";
  const known = $$(".view").some((view) => view.id === `view-${name}`) ? name : "photos";
  for (const view of $$(".view")) view.hidden = view.id !== `view-${known}`;
  for (const link of $$(".views a")) link.toggleAttribute("aria-current", link.hash === `#${known}`);
  $(".views a[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  scrollTo({ top: 0, behavior: "instant" });
  if (known === "tune") update();
  if (known === "reports") tell("reports");
}

window.addEventListener("hashchange", () => { trouble(""); show(); });
await ready;
show();
tell("start");
tell("recipe");
document.body.dataset.ready = "true";
