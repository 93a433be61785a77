// What the script of every HIT page needs: the server, the sheets, the active time, drafts, the hand-over. Stands before it.
"use strict";
const hitPage = (() => {
  const config = JSON.parse(document.getElementById("hit-config").textContent);
  // The page's language: the server has sent the sentences of this script in it.
  const gettext = (text, values = {}) => Object.entries(values).reduce(
    (said, [name, value]) => said.replace(`{${name}}`, () => value), config.words[text] ?? text,
  );
  const $ = (id) => document.getElementById(id);
  const crops = [...document.querySelectorAll(".crop")];
  const IDLE_AFTER_MS = 30000;
  // A request without an answer counts as a lost connection after this time.
  const GIVE_UP_AFTER_MS = 20000;
  // The token of the work under way: none before the start, none after it was stored or refused. `ended`: why the server
  // takes no more of this page. `pressed`: continues a submission that was asked for before the start was answered.
  // `corrects`: the answer is stored, and is being changed before it is handed over. `isSubmitting`: an answer is on its
  // way to the server.
  const work = { token: null, receipt: "", activeSeconds: 0, ended: "", pressed: null, corrects: false, isSubmitting: false };
  let lastUse = Date.now();
  // Not randomUUID, which browsers lack on plain http.
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const clientId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

  async function post(url, body) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), GIVE_UP_AFTER_MS);
    try {
      const answer = await fetch(url, {
        method: "POST", headers: { "Content-Type": "application/json", "Accept-Language": config.language }, body: JSON.stringify(body), cache: "no-store",
        signal: stop.signal,
      });
      const text = await answer.text();
      try { return { status: answer.status, body: JSON.parse(text) }; } catch { return { status: answer.status, body: {} }; }
    } catch {
      return { status: 0, body: {} };
    } finally {
      clearTimeout(timer);
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

  // The server takes no more of this page. The sentence stays, and whatever is pressed says it again.
  function end(message) {
    work.token = null;
    work.ended = message;
    say(gettext("Nothing more is saved from this page."));
    tell(message, true);
    goOn(false);
  }

  // Answers a press that waited for the start: `isReady` if the answer may be sent now.
  function goOn(isReady) {
    work.pressed?.(isReady);
    work.pressed = null;
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

  // What tells this browser's visits from all others: without it the server shows no work that was begun here.
  function findSecret() {
    const fresh = [...crypto.getRandomValues(new Uint8Array(24))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      const kept = localStorage.getItem("unitscope-visit");
      if (!kept) localStorage.setItem("unitscope-visit", fresh);
      return { secret: kept ?? fresh, isKept: Boolean(kept) };
    } catch { // storage is off: a reload begins again
      return { secret: fresh, isKept: false };
    }
  }
  const { secret, isKept } = findSecret();

  // Asks until there is an answer; `open` gets the work of a person who may begin or go on.
  async function start(hasAgreed, open) {
    const { status, body } = await post(config.urls.start, { token: config.token, consent: hasAgreed, secret });
    if (status === 0 || status >= 500 || status === 429) {
      say(status === 429 ? `${body.error} ${gettext("It is tried again by itself.")}` : gettext("No connection. Trying again …"));
      setTimeout(() => start(hasAgreed, open), status === 429 ? 20000 : 3000);
      return;
    }
    if (work.token || !$("done").hidden) return; // answered twice, or stored meanwhile
    $("consent").hidden = body.state !== "consent";
    $("work").hidden = body.state !== "working";
    if (status !== 200) {
      end(body.error ?? gettext("This page cannot be opened now. Please return the HIT. It costs you nothing."));
    } else if (body.state === "stored") {
      finish(body, Boolean(readLocal(body.receipt)?.corrects));
    } else if (body.state === "working") {
      work.token = body.work_token;
      work.receipt = body.receipt;
      say("");
      if (work.pressed) tell("");
      open(body);
      showSheets(body.sheets);
      goOn($("notice").hidden); // else two answers conflict, and the person looks at them first
    }
  }

  // `lostChange`: the page died while the stored answer was being changed.
  // A HIT type that submits by itself may learn twice that its answer is stored: it is handed over once.
  function finish(body, lostChange = false) {
    work.token = null;
    if (!$("done").hidden) return;
    goOn(false);
    forgetLocal(body.receipt);
    tell("");
    $("work").hidden = true;
    $("consent").hidden = true;
    $("receipt").textContent = body.receipt;
    isConfirmed = body.is_confirmed;
    $("stored-note").textContent = body.note;
    $("stored-note").hidden = !body.note;
    $("correct").hidden = !body.work_token;
    $("correct").onclick = () => correct(body.work_token);
    const form = $("hand-over");
    form.action = body.submit_to;
    form.method = body.method;
    form.querySelectorAll("input").forEach((input) => input.remove());
    for (const [name, value] of Object.entries(body.fields)) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    $("done").hidden = false;
    $("done").focus();
    $("done").scrollIntoView({ block: "start" });
    if (lostChange) {
      $("handing-over").textContent =
        gettext("A change of your answer was not submitted. What you submitted before is sent when you press the button.");
      $("send-now").hidden = false;
      return;
    }
    waitForCorrection(body.work_token ? config.seconds_to_correct : 0);
  }

  // Until the form is sent the person may still change the answer; whoever does not want to wait sends it at once.
  let waiting = 0;
  function waitForCorrection(seconds) {
    clearTimeout(waiting);
    $("send-now").hidden = !seconds;
    if (!seconds) return handOver();
    if (seconds === config.seconds_to_correct) $("send-now").focus();
    $("handing-over").textContent = gettext("It is sent to the marketplace in {seconds} s.", { seconds });
    waiting = setTimeout(() => waitForCorrection(seconds - 1), 1000);
  }

  // The stored answer stays what it is until another one is submitted.
  function correct(token) {
    clearTimeout(waiting);
    work.token = token;
    work.corrects = true;
    $("done").hidden = true;
    $("work").hidden = false;
    tell(gettext("You can change your answer now. Press Submit again when you are done."));
    $("work").scrollIntoView();
  }

  // The form is sent in any case. Whether the marketplace answers is asked before it only so that, if it does not, the
  // person can read the receipt first: where the browser cannot send the form it shows a page of its own.
  // What is true of the pay if that fails: `isConfirmed` if the marketplace has said that this person holds the HIT.
  let isConfirmed = false;
  const tellPay = () => (isConfirmed
    ? gettext("Your work is stored here and will be paid.")
    : gettext("Your work is stored here, but it can be paid only after the marketplace has taken it."));
  const tellLast = () => (isConfirmed
    ? gettext("If its time runs out first, send the receipt to the requester.")
    : gettext("Please do so before the time of the HIT runs out."));

  // Only the newest attempt goes on: a form that is sent twice cancels its own first request.
  let attempt = 0;
  async function handOver() {
    const form = $("hand-over"), mine = ++attempt;
    $("hand-over-again").hidden = true;
    $("correct").hidden = true; // from here on it may have arrived
    $("handing-over").textContent = gettext("Sending it to the marketplace …");
    let isReachable = navigator.onLine; // the answer is another origin's and stays unread; only that one came matters
    if (isReachable) {
      await Promise.race([
        fetch(form.action, { method: "HEAD", mode: "no-cors", cache: "no-store" }).catch(() => { isReachable = false; }),
        new Promise((resolve) => { setTimeout(resolve, 3000); }),
      ]);
    }
    if (!isReachable) {
      $("handing-over").textContent =
        `${gettext("The marketplace does not seem to answer.")} ${tellPay()} `
        + `${gettext("It is sent all the same in a few seconds. If an error follows, open this HIT again: it is sent again.")} `
        + tellLast();
      $("hand-over-again").hidden = false;
      await new Promise((resolve) => { setTimeout(resolve, navigator.onLine ? 5000 : 0); });
    }
    if (mine !== attempt) return;
    if (!navigator.onLine) {
      addEventListener("online", () => { if (mine === attempt) handOver(); }, { once: true });
      return;
    }
    sendForm();
  }

  function sendForm() {
    $("hand-over").submit();
    setTimeout(() => {
      $("handing-over").textContent =
        `${gettext("The marketplace has not accepted it yet.")} ${tellPay()} `
        + `${gettext("Press the button to try again, or open this HIT again later.")} ${tellLast()}`;
      $("hand-over-again").hidden = false;
    }, 8000);
  }

  $("send-now").addEventListener("click", () => { waitForCorrection(0); });
  $("hand-over").addEventListener("submit", (event) => { event.preventDefault(); attempt += 1; sendForm(); });
  for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "touchstart"]) {
    addEventListener(name, () => { lastUse = Date.now(); }, { passive: true, capture: true });
  }
  setInterval(() => {
    if (work.token && !document.hidden && Date.now() - lastUse < IDLE_AFTER_MS) work.activeSeconds += 1;
  }, 1000);

  // --- drafts: kept by the server as one works, and in this browser until the server has them
  const DRAFT_EVERY_MS = 4000;
  const localKey = (receipt) => `unitscope-draft-${receipt}`;

  function readLocal(receipt) {
    try { return JSON.parse(localStorage.getItem(localKey(receipt))); } catch { return null; }
  }
  function writeLocal(value) {
    try { localStorage.setItem(localKey(work.receipt), JSON.stringify(value)); } catch { /* storage is off */ }
  }
  function forgetLocal(receipt) {
    try { localStorage.removeItem(localKey(receipt)); } catch { /* storage is off */ }
  }

  // As the server cleans text, so that a space at the end is no other answer.
  const clean = (key, value) => (typeof value === "string" ? value.normalize("NFC").replace(/\s+/g, " ").trim() : value);
  const isEqual = (a, b) => JSON.stringify(a, clean) === JSON.stringify(b, clean);

  // A list is a set of positions: what each side added or took away since `base` is kept from both.
  function mergeLists(base, theirs, mine) {
    const kept = new Set(theirs);
    mine.filter((one) => !base.includes(one)).forEach((one) => kept.add(one));
    base.filter((one) => !mine.includes(one)).forEach((one) => kept.delete(one));
    return [...kept].sort((a, b) => a - b);
  }

  // What a HIT type names: `fields` (field -> {empty, words}), `read()` -> field -> value, `show(draft)`.
  // `words` names the field to the person ("description"), where two versions of it conflict.
  function keepDraft({ fields, read, show, opened = () => {} }) {
    const names = Object.keys(fields);
    const pick = (draft) => Object.fromEntries(names.map((name) => [name, draft?.[name] ?? fields[name].empty]));
    let revision = 0;
    let base = pick({}); // what the server has said it holds
    let sent = []; // what was sent and not answered: it may have arrived
    let changedAt = {}; // field -> when it was changed here, by this browser's clock
    let last = pick({});
    let isSaving = false;
    let timer = 0;

    const isSaved = () => isEqual(pick(read()), base);
    const ages = () => Object.fromEntries(
      Object.entries(changedAt).map(([name, at]) => [name, Math.max(0, (Date.now() - at) / 1000)]),
    );

    // Notes what was changed since the last look, and keeps it in this browser.
    function note() {
      const now = pick(read());
      for (const name of names) if (!isEqual(now[name], last[name])) changedAt[name] = Date.now();
      last = now;
      if ((work.token || work.ended) && work.receipt && !isEqual(now, base)) writeLocal({ draft: now, base, changedAt, corrects: work.corrects });
      return now;
    }

    function soon(delay) {
      note();
      if ($("saved").textContent === gettext("Saved") && !isSaved()) say(gettext("Saving …")); // true until this change
      clearTimeout(timer);
      timer = setTimeout(save, delay);
    }

    const body = (draft) => ({
      work_token: work.token, revision, draft: { ...draft, active_seconds: Math.round(work.activeSeconds * 10) / 10 }, ages: ages(),
    });

    async function save() {
      if (!work.token || work.corrects) return;
      if (isSaving) return soon(300);
      const mine = note();
      if (isEqual(mine, base)) return;
      isSaving = true;
      sent = [...sent.slice(-20), mine];
      say(gettext("Saving …"));
      const { status, body: answer } = await post(config.urls.draft, body(mine));
      isSaving = false;
      if (!work.token || work.corrects) return; // submitted meanwhile
      if (status === 200) {
        revision = answer.revision;
        base = mine;
        sent = [];
        if (isSaved()) { say(gettext("Saved")); forgetLocal(work.receipt); } else soon(300); // changed meanwhile
      } else if (status === 409 && answer.draft) {
        take(answer, note());
        soon(0);
      } else if (status === 409) {
        if (work.isSubmitting) return; // the submission's answer says the same, and lets the person correct
        work.token = null;
        start(false, open); // submitted from another tab
      } else if (status === 403 || status === 410) {
        end(answer.error ?? gettext("Please open this HIT again from the marketplace."));
      } else {
        say(gettext("Not saved: there is no connection. Keep this page open. Your work is saved as soon as the connection is back."));
        soon(DRAFT_EVERY_MS);
      }
    }

    // The server holds another version than this page builds on: both are put together, field by field.
    function take(answer, mine, isOpening = false) {
      const theirs = pick(answer.draft);
      const isOurs = isEqual(theirs, base) || sent.some((draft) => isEqual(draft, theirs));
      const merged = {}, conflicts = [];
      for (const name of names) {
        const [was, there, here] = [base[name], theirs[name], mine[name]];
        if (isOurs || isEqual(was, there)) merged[name] = here;
        else if (Array.isArray(here)) merged[name] = mergeLists(was, there, here);
        else if (isEqual(here, was) || isEqual(here, there)) merged[name] = there;
        else {
          const isNewer = (ages()[name] ?? Infinity) <= (answer.draft.ages?.[name] ?? Infinity);
          merged[name] = isNewer ? here : there;
          conflicts.push({ name, kept: merged[name], other: isNewer ? there : here });
        }
      }
      revision = answer.revision;
      base = theirs;
      sent = [];
      if (!isEqual(merged, mine)) show(merged);
      last = pick(read());
      if (conflicts.length) showConflicts(conflicts);
      else if (!isOpening && !isOurs && !isEqual(merged, mine)) tell(gettext("This HIT is also open in another tab. What you did there is shown here too."));
    }

    // Both versions, and a button that takes the other one.
    function showConflicts(conflicts) {
      tell(gettext("You answered this HIT in two places. The newer answer is shown below:"));
      for (const { name, kept, other } of conflicts) {
        const line = document.createElement("p");
        line.className = "conflict";
        line.textContent = `${gettext("{field}: kept “{kept}”. The other one: “{other}”.", { field: fields[name].words, kept, other })} `;
        const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: gettext("Use the other one") });
        button.addEventListener("click", () => { show({ ...pick(read()), [name]: other }); line.remove(); soon(0); });
        line.append(button);
        $("notice").append(line);
      }
    }

    // The work as the server has it, with what was done here before it answered, or never reached it.
    function open(answer) {
      const typed = note(), local = readLocal(answer.receipt);
      work.activeSeconds = Math.max(work.activeSeconds, answer.draft.active_seconds ?? 0);
      base = pick(local ? local.base : {});
      const early = pick({});
      for (const name of names) early[name] = isEqual(typed[name], fields[name].empty) && local ? pick(local.draft)[name] : typed[name];
      changedAt = { ...local?.changedAt, ...changedAt };
      if (!isEqual(early, pick(read()))) { show(early); last = pick(read()); }
      take(answer, early, true);
      say(revision ? gettext("Your work so far is restored.") : "");
      opened();
      if (!isSaved()) soon(0);
    }

    // Not an answered save: whether it arrived is learned by the next one.
    function sendLast() {
      if (!document.hidden || !work.token || work.corrects || isSaved()) return;
      const mine = note();
      sent.push(mine);
      navigator.sendBeacon(config.urls.draft, new Blob([JSON.stringify(body(mine))], { type: "application/json" }));
    }

    setInterval(save, DRAFT_EVERY_MS);
    addEventListener("online", () => soon(0));
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
    document.addEventListener("visibilitychange", sendLast);
    return { open, soon };
  }

  // True once the work is open; false if it cannot be sent: it was stored before, or was refused.
  async function waitForStart() {
    if (work.token) return true;
    if (work.ended) tell(work.ended, true);
    if (work.ended || !$("done").hidden) return false;
    goOn(false); // one press waits at a time
    tell(gettext("The page is still starting. Your answer is sent as soon as it is ready."));
    return new Promise((resolve) => { work.pressed = resolve; });
  }

  // Sends the answer that `read` gives: it is stored here first. `refused` gets (field, sentence) of what is missing.
  async function submit(read, refused) {
    if (!(await waitForStart())) return;
    say(gettext("Storing your work …"));
    work.isSubmitting = true;
    const { status, body } = await post(config.urls.submit, {
      work_token: work.token, client_id: clientId, corrects: work.corrects,
      active_seconds: Math.round(work.activeSeconds * 10) / 10, ...read(),
    });
    work.isSubmitting = false;
    say("");
    if (status === 200 && body.state === "stored") finish(body);
    else if (status === 200) tell(body.message, true);
    else if (status === 422) refused(body.field, body.error);
    else if (status === 403 || status === 410) end(body.error ?? gettext("Please open this HIT again from the marketplace."));
    else if (status === 429) tell(body.error, true);
    else tell(gettext("Your work could not be stored yet: no connection. Nothing is lost; please press the button again in a moment."), true);
  }

  // Shows the preview, or asks for the consent and starts.
  function run(open, afterAgreeing = () => {}) {
    if (config.page === "preview") return showSheets(config.sheets);
    $("agree").addEventListener("click", () => {
      $("consent").hidden = true;
      $("work").hidden = false;
      start(true, open).then(afterAgreeing);
    });
    // Before anybody agrees: this browser may have begun already, or the HIT may not be for this person.
    if (!config.consent_needed || isKept) start(false, open);
  }

  return { config, gettext, $, crops, work, clientId, post, say, tell, start, finish, keepDraft, submit, run };
})();
