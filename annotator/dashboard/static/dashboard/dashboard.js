/* Keyboard: an element with data-key answers to that key, unless somebody is typing. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  const wanted = [...document.querySelectorAll("[data-key]")].find((one) =>
    one.dataset.key.split(" ").includes(event.key),
  );
  if (!wanted || wanted.hidden || wanted.disabled) return;
  event.preventDefault();
  if (wanted.matches("input:not([type=checkbox], [type=radio]), select, textarea")) wanted.focus();
  else wanted.click();
});
