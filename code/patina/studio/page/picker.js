// Chooses a folder or a file among the studio's folders.
import { $, call, make, on } from "./api.js";

const dialog = $("#picker");
let settle = () => {};

export function choose(title, suffixes = null) {
  $("#picker-title").textContent = title;
  $("#picker-use").hidden = suffixes !== null;
  $("#picker-list").replaceChildren();
  dialog.showModal();
  show("", suffixes);
  return new Promise((resolve) => { settle = resolve; });
}

dialog.addEventListener("close", () => settle(null));

function end(found) {
  settle(found);
  settle = () => {};
  dialog.close();
}

async function show(place, suffixes) {
  let found;
  $("#picker-use").disabled = true;
  $("#picker-told").textContent = "";
  try {
    found = await call("/api/listing", { place });
  } catch (error) {
    $("#picker-told").textContent = error.message;
    return;
  }
  if (!place && found.folders.length === 1) return show(found.folders[0].place, suffixes);
  $("#picker-where").textContent = found.shown || "The folders that the studio was opened with";
  const rows = [];
  if (found.up !== null && found.up !== undefined) rows.push(row("↑ up", () => show(found.up, suffixes)));
  for (const folder of found.folders) rows.push(row(`${folder.name}/`, () => show(folder.place, suffixes)));
  for (const file of found.files) {
    if (suffixes?.some((suffix) => file.name.toLowerCase().endsWith(suffix))) {
      rows.push(row(file.name, () => end({ place: file.place, shown: `${found.shown}/${file.name}` }), "file"));
    }
  }
  $("#picker-list").replaceChildren(...rows);
  const images = `${found.images} image${found.images === 1 ? "" : "s"} in this folder`;
  $("#picker-told").textContent = suffixes ? `expects ${suffixes.join(", ")}` : place ? images : "";
  $("#picker-use").disabled = !place;
  $("#picker-use").onclick = () => end({ place, shown: found.shown });
}

function row(text, work, kind = "folder") {
  const button = make("button", { type: "button", textContent: text, className: kind });
  on(button, "click", work);
  return make("li", {}, button);
}
