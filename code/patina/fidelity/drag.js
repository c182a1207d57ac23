// Drags by mouse or finger, in the reports' pages and in the studio.

// A mouse drags at once; a finger has to start sideways, as up and down scrolls the page.
const SLACK = 6;

export function onDrag(element, { started = () => {}, moved, ended = () => {}, tapped = () => {} }) {
  let drag = null;
  const start = (event) => {
    drag.going = true;
    element.setPointerCapture(event.pointerId);
    started(event);
  };
  element.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, going: false };
    if (event.pointerType !== "touch") start(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (!drag || !event.isPrimary) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.going) {
      if (Math.max(Math.abs(dx), Math.abs(dy)) < SLACK) return;
      if (Math.abs(dx) <= Math.abs(dy)) { drag = null; return; }
      start(event);
    }
    [drag.x, drag.y] = [event.clientX, event.clientY];
    moved(event, dx, dy);
  });
  const release = (event) => {
    if (!event.isPrimary) return;
    if (drag?.going) ended();
    else if (drag && event.type === "pointerup") tapped(event);
    drag = null;
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
}
