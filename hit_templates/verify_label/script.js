// One press chooses an answer and keeps it; a second one sends it. Until then it can be undone.
(() => {
  const { config, gettext, $, tell, keepDraft, submit, run } = hitPage;
  const choices = [...document.querySelectorAll(".choice")];
  let verdict = "";

  function show(draft) {
    verdict = draft.verdict;
    choices.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.verdict === verdict)));
    $("confirm").hidden = !verdict;
    $("chosen").textContent = { yes: gettext("You chose: Yes, it fits most."), no: gettext("You chose: No, it does not.") }[verdict] ?? "";
  }

  const draft = keepDraft({
    fields: { verdict: { empty: "", words: gettext("Your answer") } }, read: () => ({ verdict }), show,
    opened: () => $("form").scrollIntoView({ block: "nearest" }),
  });

  function choose(answer) {
    if (config.page === "preview" || $("work").hidden) return;
    $("verdict-error").hidden = true;
    show({ verdict: answer });
    draft.soon(0);
    if (answer) $("send").focus();
  }

  function refused(field, message) {
    $("verdict-error").textContent = message;
    $("verdict-error").hidden = false;
    if (field !== "verdict") tell(message, true);
  }

  choices.forEach((one) => one.addEventListener("click", () => choose(one.dataset.verdict)));
  $("undo").addEventListener("click", () => { choose(""); choices[0].focus(); });
  $("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!verdict) return;
    $("send").disabled = true;
    await submit(() => ({ verdict }), refused);
    $("send").disabled = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const answer = { y: "yes", n: "no", Escape: "" }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (answer !== undefined) choose(answer);
  });
  run(draft.open);
})();
