// The page's hands: shows the sheets, keeps the draft, sends the answer. Every decision is the server's.
"use strict";
(() => {
  const config = JSON.parse(document.getElementById("hit-config").textContent);
  const $ = (id) => document.getElementById(id);
  const crops = [...document.querySelectorAll(".crop")];
  const description = $("description");
  const DRAFT_EVERY_MS = 4000;
  const IDLE_AFTER_MS = 30000;
  let workToken = null;
  let revision = 0;
  let base = { description: "", marked: [], category: "" }; // what the server last held
  let marked = new Set();
  let activeSeconds = 0;
  let lastUse = Date.now();
  let saving = false;
  let mayPaste = false;
  let stopped = false;
  const clientId = crypto.randomUUID ? crypto.randomUUID() : makeId();

  function makeId() { // browsers without randomUUID (plain http on another host)
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // --- talking to the server
  async function post(url, body) {
    let answer;
    try {
      answer = await fetch(url, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), cache: "no-store",
      });
    } catch {
      return { status: 0, body: {} };
    }
    return { status: answer.status, body: await answer.json().catch(() => ({})) };
  }

  function tell(message, isBad) {
    const notice = $("notice");
    notice.textContent = message;
    notice.classList.toggle("bad", Boolean(isBad));
    notice.hidden = !message;
    if (message && isBad) notice.scrollIntoView({ block: "center" });
  }

  const say = (message) => { $("saved").textContent = message; };

  // --- the crops
  function showSheets(sheets) {
    const perSheet = config.tiles_per_sheet;
    crops.forEach((crop, position) => {
      const within = position % perSheet;
      const nRows = Math.ceil(Math.min(perSheet, crops.length - (position - within)) / config.columns);
      const row = Math.floor(within / config.columns);
      crop.style.backgroundImage = `url("${sheets[Math.floor(position / perSheet)]}")`;
      const x = (100 * (within % config.columns)) / (config.columns - 1);
      crop.style.backgroundPosition = `${x}% ${nRows > 1 ? (100 * row) / (nRows - 1) : 0}%`;
    });
  }

  function showMarks() {
    crops.forEach((crop, position) => crop.setAttribute("aria-pressed", String(marked.has(position))));
    $("count").textContent = `${marked.size} of ${crops.length} marked`;
  }

  function toggle(position) {
    if (!description.value.trim()) {
      showError("description", "First describe what most crops show; then mark the ones that do not fit your words.");
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
    active_seconds: Math.round(activeSeconds * 10) / 10,
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
    if (!workToken || stopped) return;
    if (saving) return saveSoon(300);
    const mine = current();
    if (isSame(mine, base)) return;
    saving = true;
    say("Saving …");
    const { status, body } = await post(config.urls.draft, { work_token: workToken, revision, draft: mine });
    saving = false;
    if (status === 200) {
      revision = body.revision;
      base = normal(mine);
      say("Saved");
      if (!isSame(current(), base)) saveSoon(300);
    } else if (status === 409 && body.draft) {
      const merged = merge(body.draft, current());
      revision = body.revision;
      base = normal(body.draft);
      show(merged);
      tell("This HIT is open in another tab too; what you did there is shown here as well.");
      saveSoon(0);
    } else if (status === 409) {
      start(false); // submitted from another tab
    } else if (status === 403 || status === 410) {
      stopped = true;
      tell(body.error, true);
    } else {
      say("Not saved: no connection. Keep this page open; it will be saved when the connection is back.");
      saveSoon(DRAFT_EVERY_MS);
    }
  }

  // --- starting
  async function start(hasAgreed) {
    const { status, body } = await post(config.urls.start, { token: config.token, consent: hasAgreed });
    if (status === 0 || status >= 500) {
      say("No connection; trying again …");
      setTimeout(() => start(hasAgreed), 3000);
      return;
    }
    if (status !== 200) {
      $("work").hidden = true;
      $("consent").hidden = true;
      tell(body.error ?? "This page cannot be opened now. Please return the HIT; it costs you nothing.", true);
      return;
    }
    if (body.state === "consent") {
      $("consent").hidden = false;
      $("work").hidden = true;
    } else if (body.state === "stored") {
      finish(body);
    } else {
      open(body);
    }
  }

  function open(body) {
    workToken = body.work_token;
    revision = body.revision;
    base = normal(body.draft);
    activeSeconds = Math.max(activeSeconds, body.draft.active_seconds ?? 0);
    $("consent").hidden = true;
    $("work").hidden = false;
    showSheets(body.sheets);
    show(base);
    say(revision ? "Your work so far is here again." : "");
    document.body.dataset.ready = "1";
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
  }

  async function submit(event) {
    event.preventDefault();
    if (!workToken || stopped) return;
    $("submit").disabled = true;
    say("Storing your work …");
    const { status, body } = await post(config.urls.submit, { work_token: workToken, client_id: clientId, ...current() });
    $("submit").disabled = false;
    if (status === 200 && body.state === "stored") return finish(body);
    say("");
    if (status === 200) tell(body.message, true);
    else if (status === 422) showError(body.field, body.error);
    else if (status === 403 || status === 410) tell(body.error, true);
    else tell("Your work could not be stored yet: no connection. Nothing is lost; please press Submit again in a moment.", true);
  }

  function finish(body) {
    stopped = true;
    tell("");
    $("work").hidden = true;
    $("consent").hidden = true;
    $("receipt").textContent = body.receipt;
    const form = $("hand-over");
    form.action = body.submit_to;
    form.querySelectorAll("input").forEach((input) => input.remove());
    for (const [name, value] of Object.entries(body.fields)) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      form.append(input);
    }
    $("done").hidden = false;
    $("done").focus();
    handOver();
  }

  async function handOver() {
    const form = $("hand-over");
    $("hand-over-again").hidden = true;
    $("handing-over").textContent = "Handing it over to the marketplace …";
    let isReachable = true; // the answer is another origin's and stays unread; only that one came matters
    await fetch(form.action, { method: "HEAD", mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout?.(6000) })
      .catch(() => { isReachable = false; });
    if (isReachable) form.submit();
    setTimeout(() => {
      $("handing-over").textContent =
        "The marketplace did not take it yet. Your work is stored here and will be paid. Press the button to try again, "
        + "or open this HIT again later; if its time runs out first, send the receipt to the requester.";
      $("hand-over-again").hidden = false;
    }, isReachable ? 8000 : 0);
  }

  // --- wiring
  if (config.page === "preview") {
    showSheets(config.sheets);
    document.body.dataset.ready = "1";
    return;
  }
  $("agree").addEventListener("click", () => { $("consent").hidden = true; $("work").hidden = false; start(true).then(() => $("guide").scrollIntoView()); });
  $("grid").addEventListener("click", (event) => { const at = crops.indexOf(event.target); if (at >= 0) toggle(at); });
  $("grid").addEventListener("keydown", moveFocus);
  description.addEventListener("input", () => { $("description-error").hidden = true; description.removeAttribute("aria-invalid"); echo(); saveSoon(800); });
  for (const name of ["paste", "drop"]) {
    description.addEventListener(name, (event) => {
      if (mayPaste) return;
      event.preventDefault();
      showError("description", "Please type your own words; if you need to paste, press the link below.");
    });
  }
  $("allow-paste").addEventListener("click", () => { mayPaste = true; $("allow-paste").textContent = "Pasting is on"; description.focus(); });
  $("categories").addEventListener("change", () => { $("category-error").hidden = true; saveSoon(0); });
  $("form").addEventListener("submit", submit);
  $("hand-over").addEventListener("submit", (event) => { event.preventDefault(); handOver(); });
  document.addEventListener("keydown", (event) => {
    if (event.target === description || event.ctrlKey || event.altKey || event.metaKey || !/^[1-6]$/.test(event.key)) return;
    const radio = document.querySelectorAll("input[name=category]")[Number(event.key) - 1];
    if ($("work").hidden || stopped) return;
    radio.checked = true;
    $("category-error").hidden = true;
    saveSoon(0);
  });
  for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "touchstart"]) {
    addEventListener(name, () => { lastUse = Date.now(); }, { passive: true, capture: true });
  }
  setInterval(() => {
    if (workToken && !stopped && !document.hidden && Date.now() - lastUse < IDLE_AFTER_MS) activeSeconds += 1;
  }, 1000);
  setInterval(save, DRAFT_EVERY_MS);
  addEventListener("online", () => saveSoon(0));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && workToken && !stopped && !isSame(current(), base)) {
      const draft = new Blob([JSON.stringify({ work_token: workToken, revision, draft: current() })], { type: "application/json" });
      if (navigator.sendBeacon(config.urls.draft, draft)) { base = normal(current()); revision += 1; }
    }
  });
  if (!config.consent_needed) start(false);
})();
