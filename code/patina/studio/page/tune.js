// The recipe on a clean crop beside a real one; ranges by slider; mildest and strongest; save.
import { $, $$, address, call, fill, listen, make, on, picture, press, tell, trouble } from "./api.js";
import { panes, placer, slider } from "./compare.js";
import { choose } from "./picker.js";
import { images } from "./photos.js";
import { ranges } from "./ranges.js";

let recipe = null;
let changes = {};
let seed = 0;
let number = null;
let left = "real";
let folder = null;
let running = null;

const stage = slider($("#tune-slider"), "Left and right image");
const ends = panes($("#tune-ends"), ["mildest", "as drawn", "strongest"]);
const SIDE = 256;
const places = {
  real: placer($("#place-real"), () => update()),
  clean: placer($("#place-clean"), () => update()),
};

async function show() {
  recipe = await call("/api/recipe");
  changes = recipe?.changes ?? {};
  number = null;
  seed = 0;
  $("#tune-name").textContent = recipe?.name ?? "none yet";
  $("#status-tune").textContent = recipe ? `×${recipe.scale}` : "";
  $("#download").href = address("/api/recipe.yml");
  if (!recipe) return fit();
  fill($("#tune-variant"), recipe.variants);
  $("#tune-variant-label").hidden = recipe.variants.length === 0;
  $("#ranges-told").textContent = recipe.lacks_models
    ? "The recipe's learned steps are left out, as their model is not on this machine."
    : recipe.photos.length ? `Every photo has its own numbers; a slider moves those of all ${recipe.photos.length} together.` : "";
  drawRanges();
  await fit();
}

function drawRanges() {
  ranges($("#ranges"), recipe.numbers, changes, (now) => { changes = now; keep(); update(); }, (touched) => { number = touched; });
  $("#tune-reset").disabled = Object.keys(changes).length === 0;
}

// Without photos there is nothing real to compare with, and without clean images nothing to degrade.
async function fit() {
  const usable = recipe && images.clean.length > 0;
  $("#tune-empty").hidden = Boolean(usable);
  $("#tune-body").hidden = !usable;
  if (!usable) return;
  const names = (kind) => images[kind].map(({ name }) => name);
  const withProfile = recipe.photos.filter((name) => names("real").includes(name));
  fill($("#tune-photo"), withProfile.length ? withProfile : names("real"), $("#tune-photo").value);
  fill($("#tune-clean"), names("clean"), $("#tune-clean").value);
  if (!images.real.length) left = "clean";
  $("[data-left=real]").disabled = !images.real.length;
  press($$("[data-left]"), $(`[data-left=${left}]`));
  await update();
}

const sizeOf = (kind, name) => images[kind].find((image) => image.name === name) ?? { width: 1, height: 1 };

function mark(kind, name, side) {
  const { width, height } = sizeOf(kind, name);
  places[kind].show(address("/api/thumbnail", { kind, name }), side / width, side / height);
}

function asked(which) {
  return {
    name: $("#tune-clean").value, ...places.clean.place, photo: $("#tune-photo").value || null, seed, changes,
    variant: $("#tune-variant").value || null, number: number?.key ?? null, which,
  };
}

// Changes come faster than images: the newest one counts, older requests are dropped.
let pending = false;

export async function update() {
  if ($("#view-tune").hidden || $("#tune-body").hidden) return;
  if (running) { pending = true; running.abort(); return; }
  do {
    pending = false;
    running = new AbortController();
    try {
      await draw(running.signal);
    } catch (error) {
      if (error.name !== "AbortError") trouble(error.message);
    } finally {
      running = null;
    }
  } while (pending);
}

async function draw(signal) {
  const began = performance.now();
  const photo = $("#tune-photo").value;
  stage.busy(true);
  const made = await picture("/api/look", asked("drawn"), signal);
  stage.right(made, "fitted", "A clean image, degraded by the recipe");
  ends.show(1, made);
  $("#tune-time").textContent = `computed in ${((performance.now() - began) / 1000).toFixed(2)} s`;
  stage.busy(false);
  $("#tune-slider").dataset.drawn = JSON.stringify([changes, seed, number?.key ?? null]);
  const other = left === "real"
    ? await picture("/api/crop", { kind: "real", name: photo, ...places.real.place, side: SIDE }, signal)
    : await picture("/api/look", asked("clean"), signal);
  stage.left(other, left === "real" ? "real" : "clean", left === "real" ? "A real photo" : "The clean image");
  if (photo) mark("real", photo, SIDE);
  mark("clean", $("#tune-clean").value, SIDE * recipe.scale);
  for (const [place, which] of [[0, "mildest"], [2, "strongest"]]) {
    ends.show(place, await picture("/api/look", asked(which), signal), which);
  }
  $("#ends-told").textContent = number
    ? `${number.title} (${number.name}) at either end of its range, all else as drawn.`
    : "All ranges at their mild and at their strong ends. Move a slider to see the ends of that range alone.";
  $("#tune-ends").dataset.drawn = $("#tune-slider").dataset.drawn;
}

let keeping = null;

function keep() {
  $("#tune-reset").disabled = Object.keys(changes).length === 0;
  clearTimeout(keeping);
  keeping = setTimeout(() => kept().catch((error) => trouble(error.message)), 150);
}

async function kept() {
  clearTimeout(keeping);
  await call("/api/change", { changes });
}

for (const select of ["#tune-photo", "#tune-clean", "#tune-variant"]) on($(select), "change", update);
for (const button of $$("[data-left]")) {
  on(button, "click", async () => { left = button.dataset.left; press($$("[data-left]"), button); await update(); });
}
on($("#tune-again"), "click", async () => { seed += 1; await update(); });
on($("#tune-reset"), "click", async () => { changes = {}; number = null; await kept(); drawRanges(); await update(); });

async function open(values) {
  await call("/api/open", values);
  tell("recipe");
}

on($("#tune-shipped"), "change", async () => {
  const name = $("#tune-shipped").value;
  $("#tune-shipped").value = "";
  if (name) await open({ name });
});
on($("#tune-open"), "click", async () => {
  const found = await choose("A recipe", [".yml", ".yaml"]);
  if (found) await open({ place: found.place });
});
on($("#save-folder"), "click", async () => {
  folder = (await choose("A folder for the recipe")) ?? folder;
  if (folder) $("#save-told").textContent = `into ${folder.shown};`;
});
on($("#save"), "click", async () => {
  await kept();
  const name = $("#save-name").value.trim();
  const place = `${folder.place}/${name}`;
  const saved = await call("/api/save", { place, replace: $("#save").dataset.again === place }).catch((error) => {
    if (!error.message.includes("exists")) throw error;
    $("#save").dataset.again = place;
    $("#save-told").textContent = error.message;
  });
  if (!saved) return;
  delete $("#save").dataset.again;
  $("#save-told").textContent = `saved as ${saved.shown};`;
});
on($("#download"), "click", kept);

listen("recipe", show);
listen("images", fit);
listen("start", async () => {
  const found = await call("/api/recipes");
  const top = await call("/api/listing", { place: "0" });
  folder = { place: "0", shown: top.shown };
  $("#save-told").textContent = `into ${folder.shown};`;
  $("#tune-shipped").append(...found.map(({ name, about }) => make("option", { value: name, textContent: name, title: about })));
  await show();
});
export const current = () => recipe;
