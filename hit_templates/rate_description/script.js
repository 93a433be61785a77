// One yes or no for each photograph. Every decision is the server's.
(() => {
  const { config, gettext, $, crops, tell, keepDraft, submit, run } = hitPage;
  const items = [...document.querySelectorAll(".item")];
  const radios = items.map((item) => [...item.querySelectorAll("input")]);

  const chosen = (position) => radios[position].find((radio) => radio.checked)?.value ?? "";
  const list = (answer) => items.map((_, position) => position).filter((position) => chosen(position) === answer);
  const read = () => ({ yes: list("yes"), no: list("no") });

  function count() {
    const n = items.filter((_, position) => chosen(position)).length;
    $("count").textContent = gettext("{n} of {all} answered", { n, all: items.length });
  }

  function show(draft) {
    radios.forEach((pair, position) => {
      // Two places may have answered differently: then the person answers again.
      const [yes, no] = [draft.yes.includes(position), draft.no.includes(position)];
      pair.forEach((radio) => { radio.checked = yes !== no && (radio.value === "yes") === yes; });
    });
    count();
  }

  const draft = keepDraft({
    fields: { yes: { empty: [], words: gettext("Your yes") }, no: { empty: [], words: gettext("Your no") } }, read, show,
  });

  function choose(position, answer) {
    radios[position].find((radio) => radio.value === answer).checked = true;
    changed(items[position]);
  }

  function changed(item) {
    item.classList.remove("is-missing");
    $("answers-error").hidden = true;
    count();
    draft.soon(300);
  }

  // After a key the next photograph without an answer is in hand.
  function goOn(position) {
    const order = items.map((_, step) => (position + 1 + step) % items.length);
    const next = order.find((at) => !chosen(at));
    if (next === undefined) return $("submit").focus();
    radios[next][0].focus();
    items[next].scrollIntoView({ block: "nearest" });
  }

  function refused(field, message) {
    if (field !== "answers") return tell(message, true);
    $("answers-error").textContent = message;
    $("answers-error").hidden = false;
    items.forEach((item, position) => item.classList.toggle("is-missing", !chosen(position)));
    const first = items.findIndex((_, position) => !chosen(position));
    if (first < 0) return;
    radios[first][0].focus();
    items[first].scrollIntoView({ block: "center" });
  }

  items.forEach((item) => item.addEventListener("change", () => changed(item)));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || config.page === "preview" || $("work").hidden) return;
    const answer = { y: "yes", n: "no" }[event.key.toLowerCase()];
    if (!answer) return;
    const held = items.findIndex((item) => item.contains(document.activeElement));
    const position = held >= 0 ? held : items.findIndex((_, at) => !chosen(at));
    if (position < 0) return;
    event.preventDefault();
    choose(position, answer);
    goOn(position);
  });
  $("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("submit").disabled = true;
    await submit(read, refused);
    $("submit").disabled = false;
  });
  run(draft.open);
})();
