// The HIT's frame: it is as high as its page says, so that one thing scrolls, and the page is told what is in view.
(() => {
  const frame = document.querySelector("#hit-frame");
  if (!frame) return;
  const LEAST_PX = 200, MOST_PX = 30000;
  let hasGrown = false;

  function tellView() {
    if (!hasGrown) return;
    const { top, height } = frame.getBoundingClientRect();
    const seen = { top: Math.max(0, -top), bottom: Math.min(height, innerHeight - top) };
    if (seen.bottom > seen.top) frame.contentWindow.postMessage({ type: "sandbox-view", ...seen }, "*");
  }

  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.data?.type !== "unitscope-height") return;
    const height = Number(event.data.height);
    if (!(height >= LEAST_PX && height <= MOST_PX)) return;
    frame.classList.add("grown");
    frame.style.height = `${height + 2}px`; // its border
    hasGrown = true;
    tellView();
  });
  addEventListener("scroll", tellView, { passive: true });
  addEventListener("resize", tellView);
  frame.addEventListener("load", tellView);
})();
