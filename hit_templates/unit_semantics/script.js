// What the person describes, marks and chooses. Every decision is the server's.
(() => {
  const { config, gettext, $, crops, tell, keepDraft, submit, run } = hitPage;
  const description = $("description");
  let marked = new Set();
  let mayPaste = false;

  // --- the crops
  function showMarks() {
    crops.forEach((crop, position) => crop.setAttribute("aria-pressed", String(marked.has(position))));
    $("count").textContent = gettext("{n} of {all} marked", { n: marked.size, all: crops.length });
  }

  const ALL = $("all").textContent;
  let before = null; // the marks from before all were crossed out

  function mayMark() {
    if (description.value.trim()) return true;
    showError("description", gettext("First describe what most crops show. Then mark the crops that do not fit your words."));
    return false;
  }

  function change(marks) {
    marked = marks;
    $("marked-error").hidden = true;
    $("all").textContent = before ? gettext("Bring my marks back") : ALL;
    showMarks();
    saveSoon(0);
  }

  function toggle(position) {
    if (!mayMark()) return;
    if (!marked.delete(position)) marked.add(position);
    before = null;
    change(marked);
  }

  function toggleAll() {
    if (!mayMark()) return;
    const marks = before ?? new Set(crops.keys());
    before = before ? null : marked;
    change(marks);
  }

  function moveFocus(event) {
    const here = crops.indexOf(event.target);
    const perRow = getComputedStyle($("grid")).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow }[event.key];
    let next = step === undefined ? { Home: 0, End: crops.length - 1 }[event.key] : here + step;
    if (here < 0 || next === undefined) return;
    event.preventDefault();
    if (next < 0 || next >= crops.length) next = here;
    crops[here].tabIndex = -1;
    crops[next].tabIndex = 0;
    crops[next].focus();
  }

  // --- what the person has answered so far
  const chosen = () => document.querySelector("input[name=category]:checked")?.value ?? "";
  const read = () => ({ description: description.value, marked: [...marked].sort((a, b) => a - b), category: chosen() });
  function show(draft) {
    if (document.activeElement !== description || description.value.trim() !== draft.description) {
      description.value = draft.description ?? "";
    }
    marked = new Set(draft.marked ?? []);
    document.querySelectorAll("input[name=category]").forEach((radio) => { radio.checked = radio.value === draft.category; });
    showMarks();
    echo();
  }

  function echo() {
    const words = description.value.trim();
    $("echo").textContent = words ? ` “${words}”` : "";
  }

  // --- submitting and drafts
  function showError(field, message) {
    document.querySelectorAll(".error").forEach((error) => { error.hidden = true; });
    description.removeAttribute("aria-invalid");
    const error = $(`${field}-error`);
    if (!error) return tell(message, true);
    error.textContent = message;
    error.hidden = !message;
    const target = { description, marked: crops[0], category: document.querySelector("input[name=category]") }[field];
    if (field === "description") description.setAttribute("aria-invalid", "true");
    target.focus();
    error.scrollIntoView({ block: "center" }); // not under the bar at the bottom
  }

  async function send(event) {
    event.preventDefault();
    if (marked.size === crops.length && $("marked-error").hidden) {
      return showError("marked", gettext("Every crop is crossed out. Click those that fit your words, or choose other words. If it is right, submit again."));
    }
    $("submit").disabled = true;
    await submit(read, showError);
    $("submit").disabled = false;
  }

  const draft = keepDraft({
    fields: {
      description: { empty: "", words: gettext("Your description") },
      marked: { empty: [], words: gettext("The crops you marked") },
      category: { empty: "", words: gettext("Your category") },
    },
    read, show,
  });
  const saveSoon = draft.soon;

  // --- wiring
  $("grid").addEventListener("click", (event) => { const at = crops.indexOf(event.target); if (at >= 0) toggle(at); });
  $("grid").addEventListener("keydown", moveFocus);
  $("all").addEventListener("click", toggleAll);
  description.addEventListener("input", () => { $("description-error").hidden = true; description.removeAttribute("aria-invalid"); echo(); saveSoon(800); });
  for (const name of ["paste", "drop"]) {
    description.addEventListener(name, (event) => {
      if (mayPaste) return;
      event.preventDefault();
      showError("description", gettext("Please type your own words. If you need to paste, press the link below."));
    });
  }
  $("allow-paste").addEventListener("click", () => { mayPaste = true; $("allow-paste").textContent = gettext("Pasting is on"); description.focus(); });
  $("categories").addEventListener("change", () => { $("category-error").hidden = true; saveSoon(0); });
  $("form").addEventListener("submit", send);
  document.addEventListener("keydown", (event) => {
    if (event.target === description || event.ctrlKey || event.altKey || event.metaKey || !/^[1-6]$/.test(event.key)) return;
    const radio = document.querySelectorAll("input[name=category]")[Number(event.key) - 1];
    if (config.page === "preview" || $("work").hidden) return;
    radio.checked = true;
    $("category-error").hidden = true;
    saveSoon(0);
  });
  run(draft.open, () => $("guide").scrollIntoView());
})();
