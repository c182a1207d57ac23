"use strict";
const scenes = JSON.parse(document.getElementById("scenes").textContent);
const view = { scene: 0, power: 2, x: 0.5, y: 0.5 };

// The slider: the input lies over the picture and does the work of pointer and keyboard alike.
const split = document.getElementById("split");
const stage = document.querySelector("#slider .stage");
split.addEventListener("input", () => stage.style.setProperty("--split", `${split.value}%`));

// The zoom: one place and one power for all panes.
const panes = [...document.querySelectorAll(".pane")];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function placePanes() {
  const reach = 0.5 / view.power;
  view.x = clamp(view.x, reach, 1 - reach);
  view.y = clamp(view.y, reach, 1 - reach);
  for (const pane of panes) {
    const shift = (place) => (0.5 - place * view.power) * pane.clientWidth;
    pane.firstElementChild.style.transform = `translate(${shift(view.x)}px, ${shift(view.y)}px) scale(${view.power})`;
  }
}

function move(pane, dx, dy) {
  view.x -= dx / (pane.clientWidth * view.power);
  view.y -= dy / (pane.clientHeight * view.power);
  placePanes();
}

for (const pane of panes) {
  let last = null;
  pane.addEventListener("pointerdown", (event) => {
    last = [event.clientX, event.clientY];
    pane.setPointerCapture(event.pointerId);
    panes.forEach((each) => each.classList.add("moving"));
  });
  pane.addEventListener("pointermove", (event) => {
    if (!last) return;
    move(pane, event.clientX - last[0], event.clientY - last[1]);
    last = [event.clientX, event.clientY];
  });
  const release = () => { last = null; panes.forEach((each) => each.classList.remove("moving")); };
  pane.addEventListener("pointerup", release);
  pane.addEventListener("pointercancel", release);
  pane.addEventListener("keydown", (event) => {
    const step = pane.clientWidth / 16;
    const ways = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (!(event.key in ways)) return;
    event.preventDefault();
    move(pane, ...ways[event.key]);
  });
}
window.addEventListener("resize", placePanes);

function press(buttons, chosen) {
  buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === chosen)));
}

const powers = [...document.querySelectorAll(".power")];
powers.forEach((button) => button.addEventListener("click", () => {
  view.power = Number(button.dataset.power);
  press(powers, button);
  placePanes();
}));

// Residuals: computed here, so that they can be amplified as wanted.
const gain = document.getElementById("gain");
const residuals = document.getElementById("residuals");
const paired = residuals.dataset.paired === "true";

function pixelsOf(source) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      resolve(context.getImageData(0, 0, canvas.width, canvas.height));
    };
    image.onerror = reject;
    image.src = source;
  });
}

// The Gaussian mean of one axis; twice makes the coarse part that the measures take off too (deviation 3 pixels).
function blurred(values, width, height, step, length) {
  const reach = 9;
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / 18));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Float32Array(values.length);
  for (let i = 0; i < width * height; i++) {
    const place = Math.floor(i / step) % length;
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = -reach; k <= reach; k++) {
        const at = Math.abs(place + k) >= length ? 2 * (length - 1) - place - k : Math.abs(place + k);
        sum += weights[k + reach] * values[3 * (i + (at - place) * step) + c];
      }
      result[3 * i + c] = sum / total;
    }
  }
  return result;
}

function colours(image) {
  const values = new Float32Array((image.data.length / 4) * 3);
  for (let i = 0; i < image.data.length / 4; i++) for (let c = 0; c < 3; c++) values[3 * i + c] = image.data[4 * i + c];
  return values;
}

function coarse(image) {
  const rows = blurred(colours(image), image.width, image.height, 1, image.width);
  return blurred(rows, image.width, image.height, image.width, image.height);
}

const differences = new Map();

async function difference(scene, kind) {
  const key = `${scene}/${kind}`;
  if (!differences.has(key)) {
    const image = await pixelsOf(scenes[scene][kind]);
    const base = paired ? colours(await pixelsOf(scenes[scene].clean)) : coarse(image);
    const values = colours(image).map((value, i) => value - base[i]);
    differences.set(key, { values, width: image.width, height: image.height });
  }
  return differences.get(key);
}

async function drawResiduals() {
  const [scene, factor] = [view.scene, Number(gain.value)];
  document.getElementById("gain-value").value = factor;
  for (const canvas of residuals.querySelectorAll("canvas")) {
    const { values, width, height } = await difference(scene, canvas.dataset.kind);
    if (scene !== view.scene || factor !== Number(gain.value)) return;
    canvas.width = width;
    canvas.height = height;
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 128 + factor * values[3 * i + c];
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.dataset.drawn = `${scene} ${factor}`;
  }
}
gain.addEventListener("input", drawResiduals);

const choices = [...document.querySelectorAll(".choice")];
choices.forEach((button) => button.addEventListener("click", () => {
  view.scene = Number(button.dataset.scene);
  press(choices, button);
  document.querySelector(".stage .below").src = scenes[view.scene].clean;
  document.querySelector(".stage .above").src = scenes[view.scene].generated;
  panes.forEach((pane) => { pane.firstElementChild.src = scenes[view.scene][pane.dataset.kind]; });
  drawResiduals();
}));

placePanes();
drawResiduals();
