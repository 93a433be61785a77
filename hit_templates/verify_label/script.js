// The page's hands: shows the sheet, sends the verdict. One press is the whole answer, so there are no drafts.
"use strict";
(() => {
  const config = JSON.parse(document.getElementById("hit-config").textContent);
  const $ = (id) => document.getElementById(id);
  const IDLE_AFTER_MS = 30000;
  let workToken = null;
  let activeSeconds = 0;
  let lastUse = Date.now();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const clientId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

  async function post(url, body) {
    try {
      const answer = await fetch(url, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), cache: "no-store",
      });
      return { status: answer.status, body: await answer.json().catch(() => ({})) };
    } catch {
      return { status: 0, body: {} };
    }
  }

  function tell(message) {
    $("notice").textContent = message;
    $("notice").classList.add("bad");
    $("notice").hidden = !message;
  }

  function showSheets(sheets) {
    const crops = [...document.querySelectorAll(".crop")];
    crops.forEach((crop, position) => {
      const within = position % config.tiles_per_sheet;
      const nRows = Math.ceil(Math.min(config.tiles_per_sheet, crops.length - (position - within)) / config.columns);
      crop.style.backgroundImage = `url("${sheets[Math.floor(position / config.tiles_per_sheet)]}")`;
      const x = (100 * (within % config.columns)) / (config.columns - 1);
      const y = nRows > 1 ? (100 * Math.floor(within / config.columns)) / (nRows - 1) : 0;
      crop.style.backgroundPosition = `${x}% ${y}%`;
    });
    document.body.dataset.ready = "1";
  }

  async function start(hasAgreed) {
    const { status, body } = await post(config.urls.start, { token: config.token, consent: hasAgreed });
    if (status === 0 || status >= 500) return setTimeout(() => start(hasAgreed), 3000);
    $("consent").hidden = body.state !== "consent";
    $("work").hidden = body.state !== "working";
    if (status !== 200) return tell(body.error ?? "This page cannot be opened now. Please return the HIT; it costs you nothing.");
    if (body.state === "stored") return finish(body);
    if (body.state === "working") {
      workToken = body.work_token;
      showSheets(body.sheets);
    }
  }

  async function submit(verdict) {
    if (!workToken) return;
    $("saved").textContent = "Storing your answer …";
    const { status, body } = await post(config.urls.submit, {
      work_token: workToken, client_id: clientId, verdict, active_seconds: activeSeconds,
    });
    $("saved").textContent = "";
    if (status === 200) return finish(body);
    tell(body.error ?? "Your answer could not be stored yet: no connection. Please press again in a moment.");
  }

  function finish(body) {
    workToken = null;
    tell("");
    $("work").hidden = true;
    $("consent").hidden = true;
    $("receipt").textContent = body.receipt;
    const form = $("hand-over");
    form.action = body.submit_to;
    form.querySelectorAll("input").forEach((input) => input.remove());
    for (const [name, value] of Object.entries(body.fields)) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
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
        "The marketplace did not take it yet. Your answer is stored here and will be paid. Press the button to try again, "
        + "or open this HIT again later; if its time runs out first, send the receipt to the requester.";
      $("hand-over-again").hidden = false;
    }, isReachable ? 8000 : 0);
  }

  if (config.page === "preview") return showSheets(config.sheets);
  $("agree").addEventListener("click", () => start(true));
  $("form").addEventListener("submit", (event) => { event.preventDefault(); if (event.submitter) submit(event.submitter.value); });
  $("hand-over").addEventListener("submit", (event) => { event.preventDefault(); handOver(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const verdict = { y: "yes", n: "no" }[event.key.toLowerCase()];
    if (verdict) submit(verdict);
  });
  for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "touchstart"]) {
    addEventListener(name, () => { lastUse = Date.now(); }, { passive: true, capture: true });
  }
  setInterval(() => {
    if (workToken && !document.hidden && Date.now() - lastUse < IDLE_AFTER_MS) activeSeconds += 1;
  }, 1000);
  if (!config.consent_needed) start(false);
})();
