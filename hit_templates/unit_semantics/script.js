// Keeps the draft and sends the answer. Every decision is the server's.
(() => {
  const { config, $, crops, work, clientId, post, say, tell, start, finish, run } = hitPage;
  const description = $("description");
  const DRAFT_EVERY_MS = 4000;
  let revision = 0;
  let base = { description: "", marked: [], category: "" }; // what the server last held
  let marked = new Set();
  let saving = false;
  let mayPaste = false;

  // --- the crops
  function showMarks() {
    crops.forEach((crop, position) => crop.setAttribute("aria-pressed", String(marked.has(position))));
    $("count").textContent = `${marked.size} of ${crops.length} marked`;
  }

  function toggle(position) {
    if (!description.value.trim()) {
      showError("description", "First describe what most crops show. Then mark the crops that do not fit your words.");
      return;
    }
    if (!marked.delete(position)) marked.add(position);
    showMarks();
    saveSoon(0);
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
  const current = () => ({
    description: description.value, marked: [...marked].sort((a, b) => a - b), category: chosen(),
    active_seconds: Math.round(work.activeSeconds * 10) / 10,
  });
  const isSame = (a, b) =>
    a.description === b.description && a.category === b.category && String(a.marked) === String(b.marked);

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

  // What this tab changed since the server's last draft, put on top of what another tab saved meanwhile.
  function merge(theirs, mine) {
    const kept = new Set(theirs.marked ?? []);
    mine.marked.filter((p) => !base.marked.includes(p)).forEach((p) => kept.add(p));
    base.marked.filter((p) => !mine.marked.includes(p)).forEach((p) => kept.delete(p));
    return {
      description: mine.description !== base.description ? mine.description : theirs.description ?? "",
      category: mine.category !== base.category ? mine.category : theirs.category ?? "",
      marked: [...kept].sort((a, b) => a - b),
    };
  }

  const normal = (draft) => ({
    description: draft.description ?? "", category: draft.category ?? "", marked: draft.marked ?? [],
  });

  // --- drafts: on every mark, a moment after typing, and again when the network is back
  let timer = 0;
  function saveSoon(delay) {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  }

  async function save() {
    if (!work.token) return;
    if (saving) return saveSoon(300);
    const mine = current();
    if (isSame(mine, base)) return;
    saving = true;
    say("Saving …");
    const { status, body } = await post(config.urls.draft, { work_token: work.token, revision, draft: mine });
    saving = false;
    if (!work.token) return; // submitted meanwhile
    if (status === 200) {
      revision = body.revision;
      base = normal(mine);
      if (isSame(current(), base)) say("Saved");
      else saveSoon(300); // changed meanwhile
    } else if (status === 409 && body.draft) {
      const merged = merge(body.draft, current());
      revision = body.revision;
      base = normal(body.draft);
      show(merged);
      tell("This HIT is also open in another tab. What you did there is shown here too.");
      saveSoon(0);
    } else if (status === 409) {
      start(false, open); // submitted from another tab
    } else if (status === 403 || status === 410) {
      work.token = null;
      tell(body.error, true);
    } else {
      say("Not saved: there is no connection. Keep this page open. Your work is saved as soon as the connection is back.");
      saveSoon(DRAFT_EVERY_MS);
    }
  }

  // --- starting
  function open(body) {
    revision = body.revision;
    const merged = merge(body.draft, current()); // a person may have typed before the server answered
    base = normal(body.draft);
    work.activeSeconds = Math.max(work.activeSeconds, body.draft.active_seconds ?? 0);
    show(merged);
    say(revision ? "Your work so far is restored." : "");
    if (!isSame(merged, base)) saveSoon(0);
  }

  // --- submitting: stored here first, then handed over
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

  async function submit(event) {
    event.preventDefault();
    if (!work.token) return;
    $("submit").disabled = true;
    say("Storing your work …");
    const { status, body } = await post(config.urls.submit, { work_token: work.token, client_id: clientId, ...current() });
    $("submit").disabled = false;
    if (status === 200 && body.state === "stored") return finish(body);
    say("");
    if (status === 200) tell(body.message, true);
    else if (status === 422) showError(body.field, body.error);
    else if (status === 403 || status === 410) tell(body.error, true);
    else tell("Your work could not be stored yet: no connection. Nothing is lost; please press Submit again in a moment.", true);
  }

  // --- wiring
  $("grid").addEventListener("click", (event) => { const at = crops.indexOf(event.target); if (at >= 0) toggle(at); });
  $("grid").addEventListener("keydown", moveFocus);
  description.addEventListener("input", () => { $("description-error").hidden = true; description.removeAttribute("aria-invalid"); echo(); saveSoon(800); });
  for (const name of ["paste", "drop"]) {
    description.addEventListener(name, (event) => {
      if (mayPaste) return;
      event.preventDefault();
      showError("description", "Please type your own words. If you need to paste, press the link below.");
    });
  }
  $("allow-paste").addEventListener("click", () => { mayPaste = true; $("allow-paste").textContent = "Pasting is on"; description.focus(); });
  $("categories").addEventListener("change", () => { $("category-error").hidden = true; saveSoon(0); });
  $("form").addEventListener("submit", submit);
  document.addEventListener("keydown", (event) => {
    if (event.target === description || event.ctrlKey || event.altKey || event.metaKey || !/^[1-6]$/.test(event.key)) return;
    const radio = document.querySelectorAll("input[name=category]")[Number(event.key) - 1];
    if (!work.token) return;
    radio.checked = true;
    $("category-error").hidden = true;
    saveSoon(0);
  });
  setInterval(save, DRAFT_EVERY_MS);
  addEventListener("online", () => saveSoon(0));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && work.token && !isSame(current(), base)) {
      const draft = new Blob([JSON.stringify({ work_token: work.token, revision, draft: current() })], { type: "application/json" });
      if (navigator.sendBeacon(config.urls.draft, draft)) { base = normal(current()); revision += 1; }
    }
  });
  run(open, () => $("guide").scrollIntoView());
})();
