"""Keys of a page, and which of its controls the keyboard does not reach."""

from playwright.sync_api import Page

# Whatever can be pressed or filled in and is shown, with a few words that name it. The arrow keys choose within a group
# of radio buttons, of which the Tab key reaches one.
NAMED = """
const name = (one) => `${one.tagName.toLowerCase()} ${one.name || one.id || one.textContent.trim().slice(0, 30)}`;
const isShown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
const CONTROLS = "a[href], button, input:not([type=hidden], [type=radio]), select, textarea, summary, [role=button]";
const shown = [...document.querySelectorAll(CONTROLS)].filter((one) => isShown(one) && !one.disabled && !one.inert);
// A picture that leads where the words beside it lead is left out by Tab on purpose.
const isDouble = (one) => one.href && one.tabIndex < 0
  && shown.some((two) => two.tabIndex >= 0 && two.href === one.href);
const controls = shown.filter((one) => !isDouble(one));
"""
# A pointer's hand says that something can be pressed; a label presses its field.
PRESSED_BY_POINTER = f"""() => {{ {NAMED}
  const isHand = (one) => getComputedStyle(one).cursor === "pointer";
  const able = "a[href], button, input, select, textarea, summary, label, [tabindex]";
  const hands = [...document.body.querySelectorAll("*")].filter((one) =>
    isHand(one) && isShown(one) && !isHand(one.parentElement) && !one.closest(able) && !one.querySelector(able));
  return [...controls.filter((one) => one.tabIndex < 0), ...hands].map(name);
}}"""
BEGIN = f"""() => {{ {NAMED}
  window.unreached = new Map(controls.map((one) => [one, name(one)]));
  document.activeElement.blur();
  document.addEventListener("focusin", (event) => window.unreached.delete(event.target));
  return controls.length;
}}"""
# What asks for its news every few seconds is exchanged meanwhile: its controls of before are gone.
LEFT = "[...window.unreached].filter(([one]) => one.isConnected).map(([, name]) => name)"


def press(page: Page, key: str) -> None:
    """A key of a page that was opened just now: what answers to it may come after what a test has waited for."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def find_unreachable(page: Page) -> list[str]:
    """What only a pointer can press."""
    return [f"{one}: not by keyboard" for one in page.evaluate(PRESSED_BY_POINTER)]


def walk_by_tab(page: Page) -> list[str]:
    """What the Tab key does not come to, from the page's beginning to its end. The page is whole: parts that it asks
    for when it opens have come.
    """
    for _ in range(page.evaluate(BEGIN) + 20):
        page.keyboard.press("Tab")
    return [f"{one}: not by Tab" for one in page.evaluate(LEFT)]
