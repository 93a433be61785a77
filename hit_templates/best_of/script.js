// The chosen description, or a grade for each. Every decision is the server's.
(() => {
  const { config, gettext, $, tell, keepDraft, submit, run } = hitPage;
  const radios = [...document.querySelectorAll("#form input[type=radio]")];
  // A place on the page; of a page that asks for grades, ten times the place and the grade.
  const read = () => ({ judged: radios.filter((one) => one.checked).map((one) => Number(one.value)) });

  function show(draft) {
    // Two tabs may have answered differently: then the later radio of a name stays.
    radios.forEach((one) => { one.checked = draft.judged.includes(Number(one.value)); });
  }

  const draft = keepDraft({ fields: { judged: { empty: [], words: gettext("Your answer") } }, read, show });

  function changed() {
    $("judged-error").hidden = true;
    draft.soon(0);
  }

  function refused(field, message) {
    if (field !== "judged") return tell(message, true);
    $("judged-error").textContent = message;
    $("judged-error").hidden = false;
    const open = radios.find((one) => !radios.some((other) => other.name === one.name && other.checked));
    (open ?? radios[0]).focus();
  }

  $("form").addEventListener("change", changed);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || config.page === "preview" || $("work").hidden) return;
    if (!/^[1-9]$/.test(event.key)) return;
    const digit = Number(event.key);
    const group = document.activeElement?.closest?.(".graded");
    const isGraded = $("form").dataset.graded === "1";
    const names = isGraded ? radios.filter((one) => one.closest(".graded") === group) : radios;
    const chosen = names[digit - 1];
    if (!chosen) return;
    event.preventDefault();
    chosen.checked = true;
    chosen.focus();
    changed();
  });
  $("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("submit").disabled = true;
    await submit(read, refused);
    $("submit").disabled = false;
  });
  run(draft.open);
})();
