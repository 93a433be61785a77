// What the script of every HIT page needs: the server, the sheets, the active time, the hand-over. Stands before it.
"use strict";
const hitPage = (() => {
  const config = JSON.parse(document.getElementById("hit-config").textContent);
  const $ = (id) => document.getElementById(id);
  const crops = [...document.querySelectorAll(".crop")];
  const IDLE_AFTER_MS = 30000;
  // The token of the work under way: none before the start, none after it was stored or refused.
  const work = { token: null, activeSeconds: 0 };
  let lastUse = Date.now();
  // Not randomUUID, which browsers lack on plain http.
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

  const say = (message) => { $("saved").textContent = message; };

  function tell(message, isBad) {
    const notice = $("notice");
    notice.textContent = message;
    notice.classList.toggle("bad", Boolean(isBad));
    notice.hidden = !message;
    if (message && isBad) notice.scrollIntoView({ block: "center" });
  }

  // The crops stand on the page in the order of the units; each unit has sheets of its own.
  function showSheets(sheets) {
    const perSheet = config.tiles_per_sheet;
    let first = 0, sheet = 0;
    for (const { n_crops: n } of config.units) {
      crops.slice(first, first + n).forEach((crop, position) => {
        const within = position % perSheet;
        const nRows = Math.ceil(Math.min(perSheet, n - (position - within)) / config.columns);
        const row = Math.floor(within / config.columns);
        crop.style.backgroundImage = `url("${sheets[sheet + Math.floor(position / perSheet)]}")`;
        const x = (100 * (within % config.columns)) / (config.columns - 1);
        crop.style.backgroundPosition = `${x}% ${nRows > 1 ? (100 * row) / (nRows - 1) : 0}%`;
      });
      first += n;
      sheet += Math.ceil(n / perSheet);
    }
    document.body.dataset.ready = "1";
  }

  // Asks until there is an answer; `open` gets the work of a person who may begin or go on.
  async function start(hasAgreed, open) {
    const { status, body } = await post(config.urls.start, { token: config.token, consent: hasAgreed });
    if (status === 0 || status >= 500) {
      say("No connection. Trying again …");
      setTimeout(() => start(hasAgreed, open), 3000);
      return;
    }
    $("consent").hidden = body.state !== "consent";
    $("work").hidden = body.state !== "working";
    if (status !== 200) {
      tell(body.error ?? "This page cannot be opened now. Please return the HIT. It costs you nothing.", true);
    } else if (body.state === "stored") {
      finish(body);
    } else if (body.state === "working") {
      work.token = body.work_token;
      say("");
      open(body);
      showSheets(body.sheets);
    }
  }

  function finish(body) {
    work.token = null;
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
    $("handing-over").textContent = "Sending it to the marketplace …";
    let isReachable = true; // the answer is another origin's and stays unread; only that one came matters
    await fetch(form.action, { method: "HEAD", mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout?.(6000) })
      .catch(() => { isReachable = false; });
    if (isReachable) form.submit();
    setTimeout(() => {
      $("handing-over").textContent =
        "The marketplace has not accepted it yet. Your work is stored here and will be paid. Press the button to try again, "
        + "or open this HIT again later; if its time runs out first, send the receipt to the requester.";
      $("hand-over-again").hidden = false;
    }, isReachable ? 8000 : 0);
  }

  $("hand-over").addEventListener("submit", (event) => { event.preventDefault(); handOver(); });
  for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "touchstart"]) {
    addEventListener(name, () => { lastUse = Date.now(); }, { passive: true, capture: true });
  }
  setInterval(() => {
    if (work.token && !document.hidden && Date.now() - lastUse < IDLE_AFTER_MS) work.activeSeconds += 1;
  }, 1000);

  // Shows the preview, or asks for the consent and starts.
  function run(open, afterAgreeing = () => {}) {
    if (config.page === "preview") return showSheets(config.sheets);
    $("agree").addEventListener("click", () => {
      $("consent").hidden = true;
      $("work").hidden = false;
      start(true, open).then(afterAgreeing);
    });
    if (!config.consent_needed) start(false, open);
  }

  return { config, $, crops, work, clientId, post, say, tell, start, finish, run };
})();
