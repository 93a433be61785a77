// The work page: the time left, and what happens after a submission inside the frame.
const page = document.querySelector("[data-assignment-id]");
const timer = document.querySelector("#time-left");
if (timer) {
  const end = Date.now() + 1000 * Number(timer.dataset.seconds);
  const tick = () => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60].map((n) => String(n).padStart(2, "0"));
    timer.textContent = parts.join(":");
    timer.classList.toggle("late", left < 60);
    // The server's end may be up to a second later.
    if (left === 0) setTimeout(() => { location.reload(); }, 1000);
    else setTimeout(tick, 1000);
  };
  tick();
}
window.addEventListener("message", (event) => {
  const frame = document.querySelector("#hit-frame");
  if (!page || !frame || event.source !== frame.contentWindow) return;
  // The frame says that it submitted; the server is asked whether it did, so a false claim has no effect.
  if (event.data && event.data.type === "sandbox-submitted") location.assign(location.pathname);
});
// A requester's regular expressions run only here, in the worker's browser, never on the server.
document.querySelector("#question-form")?.addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("[data-formats]")) {
    field.setCustomValidity("");
    for (const [regex, flags, words] of JSON.parse(field.dataset.formats || "[]")) {
      let fits = true;
      try { fits = field.value === "" || new RegExp(regex, flags).test(field.value); } catch { fits = true; }
      if (!fits) field.setCustomValidity(words || "This is not in the form that is asked for.");
    }
    if (!field.checkValidity()) { field.reportValidity(); event.preventDefault(); return; }
  }
});
document.querySelector("#question-form")?.addEventListener("input", (event) => event.target.setCustomValidity?.(""));
