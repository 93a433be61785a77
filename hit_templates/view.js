// What is in view: the frame grows with its content, pictures are enlarged, and the bar stays where the eye is.
"use strict";
(() => {
  const root = document.documentElement;
  const enlarged = document.getElementById("enlarged");
  const HOLD_MS = 350;
  const MOVED_PX = 10;
  // With less height than this nothing stays in view by itself.
  const LOW_PX = 520;

  // --- the frame is as high as its content if the page around it allows that; that page then says what is in view
  let toldHeight = 0, isTold = false;
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (window.parent === window || Math.abs(height - toldHeight) < 2) return;
    toldHeight = height;
    window.parent.postMessage({ type: "unitscope-height", height }, "*"); // tells the height and nothing else
  }).observe(document.body);

  // In pixels from the top of this page.
  function see(top, bottom) {
    root.style.setProperty("--view-top", `${top}px`);
    root.style.setProperty("--view-below", `${Math.max(0, innerHeight - bottom)}px`);
    root.style.setProperty("--view-height", `${bottom - top}px`);
    document.body.classList.toggle("low", bottom - top < LOW_PX);
  }
  addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || data?.type !== "sandbox-view") return;
    if (!Number.isFinite(data.top) || !Number.isFinite(data.bottom) || data.bottom <= data.top) return;
    isTold = true;
    see(data.top, data.bottom);
  });
  addEventListener("resize", () => { if (!isTold) see(0, innerHeight); });
  see(0, innerHeight);

  // --- press and hold, or the key z on what has the focus
  let pressed = null, wasHeld = false, timer = 0;

  function enlarge(crop) {
    const { backgroundImage, backgroundPosition, backgroundSize } = getComputedStyle(crop);
    if (backgroundImage === "none") return;
    Object.assign(enlarged.style, { backgroundImage, backgroundPosition, backgroundSize });
    enlarged.hidden = false;
  }

  function reduce() {
    clearTimeout(timer);
    enlarged.hidden = true;
  }

  function cropInHand() {
    const held = document.activeElement;
    return held?.closest(".crop") ?? held?.closest(".item, .choice")?.querySelector(".crop");
  }

  document.addEventListener("pointerdown", (event) => {
    const crop = event.target.closest?.(".crop");
    wasHeld = false;
    if (!crop || !event.isPrimary) return;
    pressed = event;
    clearTimeout(timer);
    timer = setTimeout(() => { wasHeld = true; enlarge(crop); }, HOLD_MS);
  });
  document.addEventListener("pointermove", (event) => {
    const moved = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY);
    if (moved > MOVED_PX && !wasHeld) reduce();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => { pressed = null; reduce(); });
  }
  // A press that enlarged is no answer.
  document.addEventListener("click", (event) => {
    if (!wasHeld || !event.target.closest?.(".crop, label")) return;
    wasHeld = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("contextmenu", (event) => { if (event.target.closest?.(".crop")) event.preventDefault(); });
  document.addEventListener("keydown", (event) => {
    if (!enlarged.hidden && ["Escape", "z", "Z"].includes(event.key)) {
      event.stopImmediatePropagation();
      return reduce();
    }
    if (event.key.toLowerCase() !== "z" || event.ctrlKey || event.altKey || event.metaKey) return;
    const crop = cropInHand();
    if (crop) enlarge(crop);
  }, true);
})();
