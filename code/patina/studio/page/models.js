// Try a model on a photo; two models and bicubic interpolation with one zoom.
import { $, $$, address, call, fill, listen, make, on, picture } from "./api.js";
import { panes, placer } from "./compare.js";
import { add, images, pickFiles } from "./photos.js";
import { choose } from "./picker.js";

const models = [null, null];
const place = placer($("#place-trial"), () => show());
let shown = null;

const photos = () => [...images.trial.map(({ name }) => ["trial", name]), ...images.real.map(({ name }) => ["real", name])];
const chosen = () => photos().find(([kind, name]) => `${kind}/${name}` === $("#try-photo").value);

// Trainings name all their models alike (NAME/STAGE/models/final.safetensors), so the run's name is shown, too.
function named(shown) {
  const [file, room, ...runs] = shown.split("/").reverse();
  return room === "models" ? [...runs.slice(0, 2).reverse(), file].join("/").replace(/^trained_models\//, "") : file;
}

function mark() {
  const photo = chosen();
  if (!photo) return;
  const [kind, name] = photo;
  const { width, height } = images[kind].find((image) => image.name === name);
  const side = Number($("#try-side").value);
  place.show(address("/api/thumbnail", { kind, name }), side / width, side / height);
}

async function list() {
  const before = $("#try-photo").value;
  fill($("#try-photo"), photos().map(([kind, name]) => `${kind}/${name}`), before);
  for (const option of $("#try-photo").options) option.textContent = option.value.split("/").slice(1).join("/");
  mark();
}

async function show() {
  mark();
  if (shown) await upscale();
}

async function upscale() {
  const photo = chosen();
  if (!photo) throw new Error("add a photo first");
  const used = models.filter((model) => model !== null);
  const scale = used.length ? Math.max(...used.map((model) => model.scale)) : Number($("#try-scale").value);
  const all = [{ place: "bicubic", shown: `bicubic ×${scale}` }, ...used];
  const names = JSON.stringify(all);
  if (shown?.names !== names) shown = { names, panes: panes($("#try-panes"), all.map((one) => one.shown)) };
  $("#try-panes").removeAttribute("data-drawn");
  const side = Number($("#try-side").value);
  for (const [at, model] of all.entries()) {
    const [kind, name] = photo;
    const began = performance.now();
    const url = await picture("/api/upscaled", { kind, name, ...place.place, side, model: model.place, scale });
    shown.panes.show(at, url, `${model.shown} · ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  $("#try-panes").dataset.drawn = names;
}

for (const button of $$(".model")) {
  on(button, "click", async () => {
    const found = await choose("A model file", [".safetensors", ".pth", ".pt"]);
    if (!found) return;
    const told = await call("/api/model", { place: found.place });
    const short = named(told.shown);
    models[Number(button.dataset.slot)] = { place: found.place, scale: told.scale, shown: `${"AB"[button.dataset.slot]}: ${short} ×${told.scale}` };
    button.textContent = models[Number(button.dataset.slot)].shown;
    $("#try-scale").disabled = true;
  });
}
on($("#try"), "click", upscale);
on($("#try-photo"), "change", show);
on($("#try-side"), "change", show);
on($("#try-scale"), "change", show);
on($("#try-drop"), "click", () => pickFiles((files) => add("trial", files, $("#try-trouble"))));
listen("images", list);
