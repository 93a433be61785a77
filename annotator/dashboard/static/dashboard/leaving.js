/* Undone work is asked about before it is left: what was typed or chosen in a form that is posted, and not sent yet. */
const sent = new WeakSet();

function isChanged(field) {
  if (field.type === "hidden" || field.type === "password" || !field.name) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.tagName === "SELECT") {
    const isStated = [...field.options].some((one) => one.defaultSelected);
    const wasChosen = (one) => (isStated || field.multiple ? one.defaultSelected : one.index === 0);
    return [...field.options].some((one) => one.selected !== wasChosen(one));
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sent.add(event.target);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form");
  if (form) sent.add(form);
});
document.addEventListener("input", (event) => {
  if (event.target.form) sent.delete(event.target.form);
});

window.addEventListener("beforeunload", (event) => {
  // Not `form.method`: in a form with a field of that name, it is the field.
  const isPosted = (form) => form.getAttribute("method")?.toLowerCase() === "post";
  const isUndone = (form) => !sent.has(form) && isPosted(form) && [...form.elements].some(isChanged);
  if ([...document.forms].some(isUndone)) event.preventDefault();
});
