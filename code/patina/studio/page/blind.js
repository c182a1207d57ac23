// Which one is real? Pairs in random order, and the count.
import { $, $$, call, make, on } from "./api.js";

let question = null;
let waiting = false;

async function next() {
  waiting = true;
  try {
    const found = await call("/api/ask");
    question = found.question;
    $("#blind-pair").replaceChildren(...found.images.map((src, place) => {
      const image = make("img", { src, alt: `Image ${place + 1}` });
      image.addEventListener("load", () => size(image));
      const button = make("button", { type: "button", className: "guess", ariaLabel: `Image ${place + 1} is real` }, image);
      on(button, "click", () => answer(place));
      return make("figure", {}, button, make("figcaption", { textContent: place ? "right" : "left" }));
    }));
    $("#blind-told").textContent = "Click the one that is real.";
    $("#blind-told").className = "";
    $("#blind-next").textContent = "Skip";
    score(found);
  } finally {
    waiting = false;
  }
}

// An image pixel is a whole number of device pixels, as in the other views.
function size(image) {
  const ratio = window.devicePixelRatio || 1;
  const room = Math.min(420, image.closest("figure").clientWidth) - 6;
  const power = Math.max(1, Math.floor((room * ratio) / image.naturalWidth));
  image.style.width = `${Math.min(room, (power * image.naturalWidth) / ratio)}px`;
}

async function answer(place) {
  if (!question || waiting) return;
  const asked = question;
  question = null;
  const found = await call("/api/answer", { question: asked, place });
  $$("#blind-pair figure").forEach((figure, at) => {
    figure.className = at === found.real ? "is-real" : "is-made";
    $("figcaption", figure).textContent = at === found.real ? "real" : "made by the recipe";
    $("button", figure).disabled = true;
  });
  const right = found.real === place;
  $("#blind-told").textContent = right ? "Right." : "No, the other one is real.";
  $("#blind-told").className = right ? "good" : "poor";
  $("#blind-next").textContent = "Next";
  $("#blind-next").focus();
  score(found);
}

function score({ right, asked, verdict }) {
  $("#blind-score").textContent = `${right} of ${asked}`;
  $("#blind-verdict").textContent = verdict;
  $("#status-blind").textContent = asked ? `${right}/${asked}` : "";
}

on($("#blind-next"), "click", next);
on(document, "keydown", async (event) => {
  if ($("#view-blind").hidden || !question) return;
  if (event.key === "ArrowLeft") await answer(0);
  if (event.key === "ArrowRight") await answer(1);
});
