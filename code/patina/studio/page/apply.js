// Degrade a folder with the recipe as it is tuned.
import { $, call, listen, on } from "./api.js";
import { begin } from "./job.js";
import { choose } from "./picker.js";

const chosen = { source: null, out: null };

on($("#apply-source"), "click", async () => {
  chosen.source = (await choose("A folder of clean images")) ?? chosen.source;
  if (chosen.source) $("#apply-source-told").textContent = chosen.source.shown;
});
on($("#apply-out"), "click", async () => {
  chosen.out = (await choose("A folder to write into")) ?? chosen.out;
  told();
});

function told() {
  $("#apply-told").textContent = chosen.out ? `to ${chosen.out.shown}/${$("#apply-name").value}` : "";
}
on($("#apply-name"), "input", told);

on($("#apply"), "click", async () => {
  if (!chosen.source || !chosen.out) throw new Error("choose a folder of clean images, and one to write into, first");
  const out = `${chosen.out.place}/${$("#apply-name").value.trim()}`;
  await begin("/api/degrade", { source: chosen.source.place, out, with_gt: $("#apply-gt").checked }, async () => {});
});

listen("recipe", async () => {
  const recipe = await call("/api/recipe");
  $("#apply-recipe").textContent = recipe ? recipe.name : "none yet: fit one, or open one under Tune";
});
