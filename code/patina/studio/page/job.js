// The tab's long job: progress, cancel, and what came of it.
import { $, call, listen, make, on, trouble } from "./api.js";

const NAMES = { fit: "Fit", degrade: "Degrade" };
let ended = async () => {};
let watching = false;

export async function begin(address, values, done) {
  ended = done;
  show(await call(address, values));
  watch();
}

async function watch() {
  if (watching) return;
  watching = true;
  try {
    for (;;) {
      const job = await call("/api/job");
      show(job);
      if (!job || ["done", "failed", "cancelled"].includes(job.state)) {
        if (job?.state === "done") await ended();
        return;
      }
      await new Promise((resolve) => { setTimeout(resolve, 250); });
    }
  } catch (error) {
    trouble(error.message);
  } finally {
    watching = false;
  }
}

function show(job) {
  $("#job").hidden = !job;
  if (!job) return;
  const over = ["done", "failed", "cancelled"].includes(job.state);
  $("#job").dataset.state = job.state;
  $("#job-kind").textContent = `${NAMES[job.kind] ?? job.kind}:`;
  $("#job-label").textContent = over ? job.state : job.state === "waiting" ? "waits for another tab's job" : job.label;
  const bar = $("#job-bar");
  bar.hidden = over;
  if (job.total) bar.value = job.done / job.total; else bar.removeAttribute("value");
  $("#job-count").textContent = over ? `${job.seconds} s` : job.total ? `${job.done} of ${job.total}` : "";
  $("#job-message").textContent = job.message;
  $("#job-lines").replaceChildren(...job.lines.slice(0, 8).map((textContent) => make("li", { textContent })));
  if (job.lines.length > 8) $("#job-lines").append(make("li", { textContent: `and ${job.lines.length - 8} more` }));
  $("#job-cancel").hidden = over;
}

on($("#job-cancel"), "click", async () => show(await call("/api/cancel")));
listen("start", async () => {
  const job = await call("/api/job");
  show(job);
  if (job && !["done", "failed", "cancelled"].includes(job.state)) {
    ended = async () => location.reload();
    watch();
  }
});
