// One choice and how sure the person is. Every decision is the server's.
(() => {
  const { config, gettext, $, tell, keepDraft, submit, run } = hitPage;
  const NAMES = ["chosen", "confidence"];
  const radios = (name) => [...document.querySelectorAll(`input[name=${name}]`)];
  const read = () => Object.fromEntries(NAMES.map((name) => [name, radios(name).find((one) => one.checked)?.value ?? ""]));

  function show(draft) {
    for (const name of NAMES) radios(name).forEach((one) => { one.checked = one.value === draft[name]; });
  }

  const draft = keepDraft({
    fields: { chosen: { empty: "", words: gettext("Your choice") }, confidence: { empty: "", words: gettext("How sure you are") } }, read, show,
  });

  function refused(field, message) {
    NAMES.forEach((name) => { $(`${name}-error`).hidden = true; });
    if (!NAMES.includes(field)) return tell(message, true);
    $(`${field}-error`).textContent = message;
    $(`${field}-error`).hidden = false;
    radios(field)[0].focus();
  }

  $("form").addEventListener("change", (event) => {
    $(`${event.target.name}-error`).hidden = true;
    draft.soon(0);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || config.page === "preview" || $("work").hidden) return;
    const [name, value] = { a: ["chosen", "first"], b: ["chosen", "second"], 1: ["confidence", "1"], 2: ["confidence", "2"], 3: ["confidence", "3"] }[event.key.toLowerCase()] ?? [];
    if (!name) return;
    event.preventDefault();
    const chosen = radios(name).find((one) => one.value === value);
    chosen.checked = true;
    chosen.focus();
    $(`${name}-error`).hidden = true;
    draft.soon(0);
  });
  $("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("submit").disabled = true;
    await submit(read, refused);
    $("submit").disabled = false;
  });
  run(draft.open);
})();
