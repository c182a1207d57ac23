// Two images with a slider between, and panes that share one zoom and place.
import { make, press } from "./api.js";
import { onDrag } from "./drag.js";

const ratio = () => window.devicePixelRatio || 1;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function replace(image, url) {
  const before = image.src;
  image.src = url;
  if (before.startsWith("blob:") && before !== url) URL.revokeObjectURL(before);
}

export function slider(figure, label) {
  const [below, above] = ["below", "above"].map((name) => make("img", { className: name, alt: "", draggable: false }));
  const input = make("input", { type: "range", min: 0, max: 100, step: 0.1, value: 50, ariaLabel: label });
  const tags = ["left", "right"].map((name) => make("span", { className: `tag ${name}` }));
  const stage = make("div", { className: "stage" }, below, above, ...tags, make("span", { className: "handle", ariaHidden: "true" }), input);
  figure.replaceChildren(stage);
  const show = () => stage.style.setProperty("--split", `${input.value}%`);
  const slide = (event) => {
    const box = stage.getBoundingClientRect();
    input.value = (100 * (event.clientX - box.left)) / box.width;
    show();
    input.focus({ preventScroll: true });
  };
  input.addEventListener("input", show);
  onDrag(stage, { started: slide, moved: slide, tapped: slide });
  const size = () => {
    const [width, height] = [below.naturalWidth, below.naturalHeight];
    if (!width || !figure.clientWidth) return;
    const power = Math.max(1, Math.floor((Math.min(figure.clientWidth, 720) * ratio()) / width));
    stage.style.width = `${(width * power) / ratio()}px`;
    stage.style.aspectRatio = `${width} / ${height}`;
  };
  for (const image of [below, above]) image.addEventListener("load", size);
  new ResizeObserver(size).observe(figure);
  show();
  return {
    left(url, text, alt = text) { replace(below, url); below.alt = alt; tags[0].textContent = text; },
    right(url, text, alt = text) { replace(above, url); above.alt = alt; tags[1].textContent = text; },
    busy(is) { stage.classList.toggle("busy", is); },
  };
}

const POWERS = [1, 2, 3, 4, 8];
const LEAST = 1.5; // at first, a pixel is large enough to be seen

export function panes(container, labels) {
  const view = { power: null, x: 0.5, y: 0.5 };
  const found = labels.map((text) => {
    const image = make("img", { alt: text, draggable: false });
    const pane = make("div", { className: "pane", tabIndex: 0, role: "img", ariaLabel: text }, image);
    const caption = make("figcaption", { textContent: text });
    return { image, pane, caption, figure: make("figure", {}, pane, caption) };
  });
  const buttons = POWERS.map((power) => make("button", { type: "button", textContent: `${power}×`, className: "power", ariaPressed: "false" }));
  buttons.forEach((button, place) => button.addEventListener("click", () => magnify(POWERS[place])));
  container.replaceChildren(
    make("div", { className: "controls" }, make("div", { className: "choices small", role: "group", ariaLabel: "Magnification" }, ...buttons),
      make("span", { className: "quiet", textContent: "Drag any image to move all; the wheel with Ctrl zooms." })),
    make("div", { className: `panes${labels.length === 2 ? " two" : ""}` }, ...found.map(({ figure }) => figure)));

  const widest = () => Math.max(...found.map(({ image }) => image.naturalWidth || 0));
  const sizes = ({ image }) => {
    const width = (widest() * view.power) / ratio();
    return [width, image.naturalWidth ? (width * image.naturalHeight) / image.naturalWidth : 0];
  };
  const offset = (place, length, room) =>
    length <= room ? (room - length) / 2 : clamp(room / 2 - place * length, room - length, 0);

  function layOut() {
    if (!widest() || !found[0].pane.clientWidth) return;
    view.power ??= POWERS.find((power) => power / ratio() >= LEAST && (widest() * power) / ratio() >= found[0].pane.clientWidth) ?? 8;
    press(buttons, buttons[POWERS.indexOf(view.power)]);
    for (const one of found) {
      const [width, height] = sizes(one);
      const whole = (length) => Math.round(length * ratio()) / ratio();
      Object.assign(one.image.style, {
        width: `${width}px`, height: `${height}px`,
        left: `${whole(offset(view.x, width, one.pane.clientWidth))}px`,
        top: `${whole(offset(view.y, height, one.pane.clientHeight))}px`,
      });
    }
  }

  function magnify(power) { view.power = power; layOut(); }

  function move(one, dx, dy) {
    const [width, height] = sizes(one);
    const [roomX, roomY] = [one.pane.clientWidth, one.pane.clientHeight];
    if (width > roomX) view.x = clamp((roomX / 2 - offset(view.x, width, roomX) - dx) / width, 0, 1);
    if (height > roomY) view.y = clamp((roomY / 2 - offset(view.y, height, roomY) - dy) / height, 0, 1);
    layOut();
  }

  for (const one of found) {
    onDrag(one.pane, { moved: (event, dx, dy) => move(one, dx, dy) });
    one.image.addEventListener("load", layOut);
    one.pane.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      magnify(POWERS[clamp(POWERS.indexOf(view.power) - Math.sign(event.deltaY), 0, POWERS.length - 1)]);
    }, { passive: false });
    one.pane.addEventListener("keydown", (event) => {
      const step = one.pane.clientWidth / 16;
      const ways = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (event.key in ways) { event.preventDefault(); move(one, ...ways[event.key]); }
    });
  }
  new ResizeObserver(layOut).observe(container);
  return {
    show(place, url, text) {
      replace(found[place].image, url);
      if (text) { found[place].caption.textContent = text; found[place].image.alt = text; }
    },
  };
}

// A small image on which a place is chosen.
export function placer(element, chosen) {
  const image = make("img", { alt: "", draggable: false });
  const mark = make("i", { className: "marker" });
  element.replaceChildren(image, mark);
  const place = { x: 0.5, y: 0.5 };
  const part = [0, 0];
  // The crop never leaves the image, so neither does the mark.
  const at = (value, size) => `${100 * (size >= 1 ? 0.5 : clamp(value, size / 2, 1 - size / 2))}%`;
  const show = () => { mark.style.left = at(place.x, part[0]); mark.style.top = at(place.y, part[1]); };
  const choose = (x, y) => {
    Object.assign(place, { x: clamp(x, 0, 1), y: clamp(y, 0, 1) });
    show();
    chosen();
  };
  element.addEventListener("click", (event) => {
    const box = image.getBoundingClientRect();
    if (box.width) choose((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  element.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!(event.key in ways)) return;
    event.preventDefault();
    const [dx, dy] = ways[event.key];
    choose(place.x + 0.04 * dx, place.y + 0.04 * dy);
  });
  show();
  return {
    place,
    show(url, width, height) {
      image.src = url;
      Object.assign(part, [width, height]);
      mark.style.width = `${Math.min(100, 100 * width)}%`;
      mark.style.height = `${Math.min(100, 100 * height)}%`;
      show();
    },
  };
}
