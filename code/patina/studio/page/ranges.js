// The sliders of a recipe's ranges: two handles each, in steps, with the exact numbers beside them.
import { $, make } from "./api.js";

const STEPS = 200;
const MAIN = ["sigma", "sigma_x", "sigma_y", "amount", "quality", "strength", "radius", "grain", "factor", "temperature", "noise_level"];
const show = (value) => String(Number(value.toPrecision(4)));

export function ranges(container, numbers, changes, changed, touched) {
  const ends = new Map(numbers.map((number) => [number.key, [...(changes[number.key] ?? number.ends)]]));
  const groups = new Map();
  for (const number of numbers) {
    const key = number.group;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(number);
  }
  container.replaceChildren(...[...groups.values()].map((group) => step(group)));

  function step(group) {
    const main = group.filter((number) => MAIN.includes(number.name.split(".")[1]));
    const first = main.length ? main : group.slice(0, 1);
    const rest = group.filter((number) => !first.includes(number));
    const box = make("section", { className: "step" }, make("h3", { textContent: group[0].step }), ...first.map(control));
    if (rest.length) box.append(make("details", {}, make("summary", { textContent: `${rest.length} more` }), ...rest.map(control)));
    return box;
  }

  function control(number) {
    const [low, high] = number.span;
    const unit = (value) => Math.round((STEPS * (value - low)) / (high - low));
    const value = (place) => {
      const found = low + (place / STEPS) * (high - low);
      return number.whole ? Math.round(found) : Number(found.toPrecision(3));
    };
    const names = ["lowest", "highest"];
    const sliders = names.map((name) => make("input", { type: "range", min: 0, max: STEPS, ariaLabel: `${number.title}, ${name}` }));
    const boxes = names.map((name) => make("input", { type: "number", step: number.whole ? 1 : "any", min: number.limits[0], max: number.limits[1], ariaLabel: `${number.title}, ${name}, number` }));
    const track = make("span", { className: "fill" });

    function draw() {
      const now = ends.get(number.key);
      now.forEach((end, place) => {
        sliders[place].value = Math.max(0, Math.min(STEPS, unit(end)));
        boxes[place].value = show(end);
      });
      const [a, b] = sliders.map((slider) => (100 * slider.value) / STEPS);
      Object.assign(track.style, { left: `${a}%`, width: `${b - a}%` });
      row.classList.toggle("changed", now.some((end, place) => show(end) !== show(number.ends[place])));
    }

    function set(place, given) {
      const now = ends.get(number.key);
      now[place] = Math.max(number.limits[0], Math.min(number.limits[1], given));
      const other = 1 - place;
      if (now[0] > now[1]) now[other] = now[place];
      draw();
      touched(number);
      changed(current());
    }

    sliders.forEach((slider, place) => slider.addEventListener("input", () => set(place, value(Number(slider.value)))));
    boxes.forEach((box, place) => box.addEventListener("change", () => set(place, Number(box.value) || 0)));
    const row = make("div", { className: "range-row", title: number.help },
      make("div", { className: "range-head" }, make("span", { textContent: number.title }), make("span", { className: "range-boxes" }, boxes[0], "–", boxes[1])),
      make("div", { className: "two-handles" }, track, ...sliders));
    if (number.unit) row.append(make("p", { className: "quiet unit", textContent: number.unit }));
    row.dataset.key = number.key;
    row.dataset.name = number.name;
    draw();
    return row;
  }

  function current() {
    const found = {};
    for (const number of numbers) {
      const now = ends.get(number.key);
      if (now.some((end, place) => show(end) !== show(number.ends[place]))) found[number.key] = now;
    }
    return found;
  }
}
