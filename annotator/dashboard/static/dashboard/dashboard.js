/* Keyboard: an element with data-key answers to those keys (an empty one is the space bar), unless somebody is typing
   or the key belongs to what has the focus. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const own = event.target.closest("input, select, textarea, [contenteditable]");
  // A radio button or a slider keeps the arrows, the space bar and the like, and has no use for letters.
  const isPointed = own?.matches("input:is([type=radio], [type=checkbox], [type=range])");
  const typing = isPointed && /^[a-z0-9]$/i.test(event.key) ? null : own;
  if (event.target.closest("a, button, summary") && (event.key === "Enter" || event.key === " ")) return;
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  const wanted = [...document.querySelectorAll("[data-key]")].find((one) =>
    one.dataset.key.split(" ").includes(event.key === " " ? "" : event.key),
  );
  if (!wanted || wanted.hidden || wanted.disabled) return;
  event.preventDefault();
  if (wanted.matches("input:not([type=checkbox], [type=radio]), select, textarea")) wanted.focus();
  else wanted.click();
});

/* A slider sets how strongly a map covers the photograph. */
document.addEventListener("input", (event) => {
  const seen = document.getElementById(event.target.dataset?.strengthOf ?? "");
  if (seen) seen.style.setProperty("--strength", event.target.value / 100);
});

/* A button that copies the text of the element which it names; where the browser does not let it, the text is selected. */
document.addEventListener("click", async (event) => {
  const copied = document.getElementById(event.target.dataset?.copies ?? "");
  if (!copied) return;
  try {
    await navigator.clipboard.writeText(copied.textContent);
    event.target.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(copied);
  }
});

/* A checkbox for all: it ticks those that belong to the form which it names. */
document.addEventListener("change", (event) => {
  const form = document.getElementById(event.target.dataset?.ticks ?? "");
  for (const one of form?.elements ?? []) if (one.type === "checkbox" && one.name) one.checked = event.target.checked;
});

/* What is laid over a photograph: the picture that the chosen button names. */
document.addEventListener("change", (event) => {
  if (event.target.name !== "overlay") return;
  for (const one of document.querySelectorAll("[data-shown-by]")) one.hidden = one.dataset.shownBy !== event.target.value;
});

/* Unfold writes the name of a chosen file into the first text field of its form, unless it believes that it did so. */
document.addEventListener("DOMContentLoaded", () => {
  for (const file of document.querySelectorAll("input[type=file]")) file.hasChangeListener = true;
});

/* Crops that are being cut when they are first looked at: the server sends a placeholder with status 503 meanwhile. It
   is asked again until the crops are there, at growing distances, and every picture of them is exchanged. */
const askedAgain = new Set();
async function awaitCrops(address) {
  if (askedAgain.has(address)) return;
  askedAgain.add(address);
  for (let wait = 700; wait < 30000; wait *= 1.2) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
    if (answer && answer.status !== 503) return answer.ok ? showCrops(address) : undefined;
  }
}
function showCrops(address) {
  const path = new URL(address).pathname;
  for (const picture of document.querySelectorAll("img, source")) {
    const name = picture.localName === "img" ? "src" : "srcset";
    const shown = new URL(picture[name], document.baseURI);
    if (shown.pathname !== path) continue;
    shown.searchParams.set("cut", "");
    picture[name] = shown.href;
  }
  for (const one of document.querySelectorAll("[style*='--strip']")) {
    const strip = one.style.getPropertyValue("--strip");
    if (strip.includes(path)) one.style.setProperty("--strip", `url("${path}?cut")`);
  }
}
new PerformanceObserver((seen) => {
  for (const one of seen.getEntries()) {
    if (one.responseStatus === 503 && /^[/]crops[/]|[/]figures[/]./.test(new URL(one.name).pathname)) awaitCrops(one.name);
  }
}).observe({ type: "resource", buffered: true });
