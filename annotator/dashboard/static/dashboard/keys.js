/* `?` lists the keys of the page that is open, as they are now: what has a data-key, with its name. */
const KEY_NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "Enter", "": "Space" };

function nameKeyed(one) {
  const named = one.getAttribute("aria-label") ?? one.labels?.[0] ?? one;
  if (typeof named === "string") return named;
  const copy = named.cloneNode(true);
  for (const extra of copy.querySelectorAll("kbd, [aria-hidden=true], input, select, textarea")) extra.remove();
  const said = copy.textContent.replace(/\s+/g, " ").trim();
  return said || one.title || one.placeholder || "";
}

function listKeys() {
  const found = new Map();
  for (const one of document.querySelectorAll("[data-key]")) {
    if (one.hidden || one.disabled || one.closest("dialog, [hidden]")) continue;
    const keys = one.dataset.key.split(" ").map((key) => KEY_NAMES[key] ?? key);
    const fresh = keys.filter((key) => !found.has(key));
    for (const key of fresh) found.set(key, nameKeyed(one));
  }
  return found;
}

function showKeys() {
  document.getElementById("keys")?.remove();
  const dialog = document.createElement("dialog");
  dialog.id = "keys";
  dialog.className = "us-page us-card us-keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keys of this page" });
  const list = document.createElement("dl");
  for (const [key, name] of [...listKeys(), ["Esc", "Leave a field, close this"]]) {
    const told = document.createElement("dt");
    told.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    list.append(told, Object.assign(document.createElement("dd"), { textContent: name }));
  }
  const close = Object.assign(document.createElement("button"), { className: "us-button", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(title, list, close);
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#show-keys")) showKeys();
});

/* Unfold opens its menus, and sets its colors, by elements that the keyboard passes over: they get a button's role,
   name and keys. Of a menu, the first item has the focus then. */
const PRESSED = [
  ["sidebarMobileOpen", "Menu", "#nav-sidebar a"],
  ["sidebarDesktopOpen", "Menu", "#nav-sidebar a"],
  ["openUserLinks", "Your account", "nav[x-show=openUserLinks] a"],
  ["openTheme", "Colors", "nav[x-show=openTheme] a"],
  ...["light", "dark", "auto"].flatMap((scheme) =>
    ["switchTheme(", "adminTheme = "].map((sets) => [`${sets}'${scheme}'`, `Colors: ${scheme}`, ""]),
  ),
];
/* A menu is shown some frames after it was asked for. */
function focusWhenShown(selector, frames) {
  const item = document.querySelector(selector);
  item?.focus();
  if (document.activeElement !== item && frames) requestAnimationFrame(() => focusWhenShown(selector, frames - 1));
}
document.addEventListener("DOMContentLoaded", () => {
  for (const [does, ariaLabel, first] of PRESSED) {
    for (const one of document.querySelectorAll(`[x-on\\:click^="${does}"]`)) {
      Object.assign(one, { role: "button", tabIndex: 0, ariaLabel });
      one.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        one.click();
        if (first) focusWhenShown(first, 30);
      });
    }
  }
});
