const crops = JSON.parse(document.getElementById("crops").textContent);
const view = { crop: 0, power: 2, x: 0.5, y: 0.5 };

// Noise is judged pixel by pixel: an image pixel is a whole number of device pixels, whatever the layout.
const ratio = () => window.devicePixelRatio || 1;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const press = (buttons, chosen) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === chosen)));

// The slider: the hidden input serves the keyboard and screen readers.
const split = document.getElementById("split");
const stage = document.querySelector("#slider .stage");
const showSplit = () => stage.style.setProperty("--split", `${split.value}%`);
split.addEventListener("input", showSplit);

function slideTo(event) {
  const box = stage.getBoundingClientRect();
  split.value = (100 * (event.clientX - box.left)) / box.width;
  showSplit();
}

const focusSplit = () => split.focus({ preventScroll: true });
onDrag(stage, { started: slideTo, moved: slideTo, ended: focusSplit, tapped: slideTo });

function sizeStage() {
  const length = stage.firstElementChild.naturalWidth;
  if (!length) return;
  const power = Math.max(1, Math.floor((stage.parentElement.clientWidth * ratio()) / length));
  stage.style.width = `${(length * power) / ratio()}px`;
  document.getElementById("stage-power").value = power;
}

// The zoom: one position and one magnification for all panes.
const panes = [...document.querySelectorAll(".pane")];
const sizeOf = (shown) => [shown.naturalWidth ?? shown.width, shown.naturalHeight ?? shown.height];

// Offset of an image in its pane: `place` of it lies in the middle, unless its edge would leave a gap.
function offset(place, length, room) {
  return length <= room ? (room - length) / 2 : clamp(room / 2 - place * length, room - length, 0);
}

function layOut(pane) {
  const [width, height] = sizeOf(pane.firstElementChild).map((length) => (length * view.power) / ratio());
  const [left, top] = [offset(view.x, width, pane.clientWidth), offset(view.y, height, pane.clientHeight)];
  return { width, height, left, top };
}

function placePanes() {
  const whole = (length) => Math.round(length * ratio()) / ratio();
  for (const pane of panes) {
    const { width, height, left, top } = layOut(pane);
    const [x, y] = [whole(left), whole(top)];
    Object.assign(pane.firstElementChild.style, {
      width: `${width}px`, height: `${height}px`, left: `${x}px`, top: `${y}px`,
    });
  }
}

function move(pane, dx, dy) {
  const { width, height, left, top } = layOut(pane);
  if (width > pane.clientWidth) view.x = clamp((pane.clientWidth / 2 - left - dx) / width, 0, 1);
  if (height > pane.clientHeight) view.y = clamp((pane.clientHeight / 2 - top - dy) / height, 0, 1);
  placePanes();
}

for (const pane of panes) {
  onDrag(pane, {
    started: () => panes.forEach((other) => other.classList.add("moving")),
    moved: (event, dx, dy) => move(pane, dx, dy),
    ended: () => panes.forEach((other) => other.classList.remove("moving")),
  });
  pane.addEventListener("keydown", (event) => {
    const step = pane.clientWidth / 16;
    const ways = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (!(event.key in ways)) return;
    event.preventDefault();
    move(pane, ...ways[event.key]);
  });
}

const powers = [...document.querySelectorAll(".power")];

function magnify(button) {
  view.power = Number(button.dataset.power);
  press(powers, button);
  placePanes();
}
powers.forEach((button) => button.addEventListener("click", () => magnify(button)));

// At first, a pixel is large enough to be seen on this screen, and the image fills its pane.
function firstPower() {
  const least = matchMedia("(max-width: 720px)").matches ? 2.5 : 1.5;
  const [length] = sizeOf(panes[0].firstElementChild);
  const fits = (scale) => scale >= least && scale * length >= panes[0].clientWidth;
  return powers.find((button) => fits(button.dataset.power / ratio())) ?? powers.at(-1);
}

function fitAll() {
  sizeStage();
  const loaded = panes[0].firstElementChild.naturalWidth > 0;
  if (loaded && !powers.some((button) => button.getAttribute("aria-pressed") === "true")) magnify(firstPower());
  placePanes();
}
window.addEventListener("resize", fitAll);
document.querySelectorAll(".stage img, .pane img").forEach((image) => image.addEventListener("load", fitAll));

// Residuals: computed here, so that the amplification can be changed.
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

// Gaussian blur along one axis; both axes make the low-pass part that the measures subtract, too (std 3 pixels).
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

function rgb(image) {
  const values = new Float32Array((image.data.length / 4) * 3);
  for (let i = 0; i < image.data.length / 4; i++) for (let c = 0; c < 3; c++) values[3 * i + c] = image.data[4 * i + c];
  return values;
}

function lowPass(image) {
  const rows = blurred(rgb(image), image.width, image.height, 1, image.width);
  return blurred(rows, image.width, image.height, image.width, image.height);
}

const differences = new Map();

async function difference(crop, kind) {
  const key = `${crop}/${kind}`;
  if (!differences.has(key)) {
    const image = await pixelsOf(crops[crop][kind]);
    const base = paired ? rgb(await pixelsOf(crops[crop].clean)) : lowPass(image);
    const values = rgb(image).map((value, i) => value - base[i]);
    differences.set(key, { values, width: image.width, height: image.height });
  }
  return differences.get(key);
}

async function drawResiduals() {
  const [crop, factor] = [view.crop, Number(gain.value)];
  document.getElementById("gain-value").value = factor;
  for (const canvas of residuals.querySelectorAll("canvas")) {
    const { values, width, height } = await difference(crop, canvas.dataset.kind);
    if (crop !== view.crop || factor !== Number(gain.value)) return;
    canvas.width = width;
    canvas.height = height;
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 128 + factor * values[3 * i + c];
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    placePanes();
    canvas.dataset.drawn = `${crop} ${factor}`;
  }
}
gain.addEventListener("input", drawResiduals);

const choices = [...document.querySelectorAll(".choice")];
choices.forEach((button) => button.addEventListener("click", () => {
  view.crop = Number(button.dataset.crop);
  press(choices, button);
  document.querySelector(".stage .below").src = crops[view.crop].clean;
  document.querySelector(".stage .above").src = crops[view.crop].generated;
  document.querySelectorAll("#zoom .pane").forEach((pane) => {
    pane.firstElementChild.src = crops[view.crop][pane.dataset.kind];
  });
  drawResiduals();
}));

fitAll();
drawResiduals();
