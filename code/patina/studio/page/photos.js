// Drop photos and clean images; start the fit.
import { $, $$, address, call, listen, make, on, send, tell } from "./api.js";
import { choose } from "./picker.js";
import { begin } from "./job.js";

export const images = { real: [], clean: [], trial: [] };
const SHOWN = 9;

// What a measured photo is like, in words.
function words(found) {
  const told = [];
  const level = (value, names, limits) => names[limits.filter((limit) => value >= limit).length];
  told.push(`${level(found.noise, ["hardly noisy", "a little noisy", "noisy", "very noisy"], [1.5, 3, 8])} (std ${found.noise})`);
  if (found.edge_blur !== null && !Number.isNaN(found.edge_blur)) {
    told.push(`${level(found.edge_blur, ["sharp", "a little soft", "soft"], [0.7, 1.2])} (${found.edge_blur} px)`);
  }
  if (found.overshoot > 8) told.push(`edges overshoot ${found.overshoot} %`);
  if (found.format && found.quality) told.push(`${found.format.toUpperCase()} ${found.quality}`);
  if (found.remark) told.push(found.remark);
  return told.join(" · ");
}

async function refresh(kind) {
  const found = await call("/api/images", { kind });
  images[kind] = found.images;
  const box = $(`.set[data-kind=${kind}]`);
  if (box) {
    const count = found.images.length;
    $(".count", box).textContent = count ? `${count}${found.folder ? ` in ${found.folder}` : ""}` : "";
    $(".clear", box).hidden = !count;
    $(".thumbs", box).replaceChildren(...found.images.slice(0, SHOWN).map((image) => thumb(kind, image, !found.folder)));
    if (count > SHOWN) $(".thumbs", box).append(make("p", { className: "quiet more", textContent: `and ${count - SHOWN} more` }));
    if (kind === "real") measure(box);
  }
  const [real, clean] = [images.real.length, images.clean.length];
  $("#status-photos").textContent = real + clean ? `${real} + ${clean}` : "";
  tell("images");
}

function thumb(kind, image, dropped) {
  const text = image.error ?? `${image.width}×${image.height}`;
  const figure = make("figure", { className: "thumb", title: image.name },
    make("img", { alt: image.name, loading: "lazy", src: address("/api/thumbnail", { kind, name: image.name }) }),
    make("figcaption", {}, make("b", { textContent: image.name }), make("span", { className: "told", textContent: text })));
  if (dropped) {
    const button = make("button", { type: "button", className: "remove", textContent: "✕", ariaLabel: `Remove ${image.name}` });
    on(button, "click", async () => { await call("/api/remove", { kind, name: image.name }); await refresh(kind); });
    figure.append(button);
  }
  return figure;
}

let measuring = 0;

async function measure(box) {
  const round = ++measuring;
  for (const figure of $$(".thumb", box)) {
    if (round !== measuring) return;
    const line = $(".told", figure);
    try {
      line.textContent = words(await call("/api/measured", { kind: "real", name: figure.title }));
    } catch (error) {
      line.textContent = error.message;
      figure.classList.add("aside");
    }
  }
}

export async function add(kind, files, lines) {
  const problems = [];
  for (const file of files) {
    try {
      await send(kind, file);
    } catch (error) {
      problems.push(error.message.includes(file.name) ? error.message : `${file.name}: ${error.message}`);
    }
    lines.replaceChildren(...problems.map((textContent) => make("li", { textContent })));
  }
  await refresh(kind);
}

export function pickFiles(work) {
  const input = make("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.avif,.tif,.tiff" });
  input.addEventListener("change", () => work([...input.files]));
  input.click();
}

for (const box of $$(".set")) {
  const kind = box.dataset.kind;
  const [drop, lines] = [$(".drop", box), $(".trouble-lines", box)];
  const take = async (files) => {
    drop.classList.add("busy");
    try { await add(kind, files, lines); } finally { drop.classList.remove("busy"); }
  };
  on(drop, "click", () => pickFiles(take));
  on(drop, "keydown", (event) => { if (event.key === "Enter" || event.key === " ") pickFiles(take); });
  for (const name of ["dragenter", "dragover"]) {
    box.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  box.addEventListener("dragleave", () => drop.classList.remove("over"));
  on(box, "drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    await take([...event.dataTransfer.files]);
  });
  on($(".folder", box), "click", async () => {
    const found = await choose(kind === "real" ? "A folder of real photos" : "A folder of clean images");
    if (!found) return;
    lines.replaceChildren();
    await call("/api/folder", { kind, place: found.place });
    await refresh(kind);
  });
  on($(".clear", box), "click", async () => { lines.replaceChildren(); await call("/api/clear", { kind }); await refresh(kind); });
}

on($("#fit"), "click", async () => {
  await begin("/api/fit", { scale: Number($("#scale").value) }, async () => {
    tell("found");
    tell("recipe");
    location.hash = "#found";
  });
});

listen("start", async () => { for (const kind of ["real", "clean", "trial"]) await refresh(kind); });
