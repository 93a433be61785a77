/* Tables sort by their headings: once up, again down. A table that goes on on other pages keeps the order it came in. */
const UNITS = { d: 86400, h: 3600, min: 60, s: 1 };

/* What a cell is sorted by: a number (also of money, percent and time) or a text; null if the cell says nothing. */
function readCell(cell) {
  const text = (cell?.dataset.value ?? cell?.textContent ?? "").replace(/\s+/g, " ").trim();
  if (text === "" || text === "–" || text === "never") return null;
  if (/^\d{4}-\d\d-\d\d/.test(text)) return text;
  const times = [...text.matchAll(/([\d.,]+) ?(d|h|min|s)\b/g)];
  if (times.length && text.startsWith(times[0][0])) {
    return times.reduce((sum, [, n, unit]) => sum + parseFloat(n.replaceAll(",", "")) * UNITS[unit], 0);
  }
  const number = text.match(/^[$€£]?([+−-]?)[$€£]?(\d[\d,]*\.?\d*|\.\d+)/);
  return number ? (/[−-]/.test(number[1]) ? -1 : 1) * parseFloat(number[2].replaceAll(",", "")) : text;
}

function compareCells(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortTable(table, heading) {
  const column = [...heading.parentElement.children].indexOf(heading);
  const isUp = heading.getAttribute("aria-sort") !== "ascending";
  const [full, empty] = [[], []];
  for (const row of table.tBodies[0].rows) {
    const value = readCell(row.cells[column]);
    (value === null ? empty : full).push([value, row]);
  }
  full.sort(([one], [other]) => (isUp ? 1 : -1) * compareCells(one, other));
  table.tBodies[0].append(...[...full, ...empty].map(([, row]) => row));
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", isUp ? "ascending" : "descending");
}

function makeSortable(root) {
  for (const table of root.querySelectorAll(".us-table")) {
    if (table.tHead?.rows.length !== 1) continue;
    const headings = [...table.tHead.rows[0].cells];
    const isWhole = !table.closest("main")?.querySelector("nav[aria-label=Pages] a");
    if (!isWhole || table.tBodies.length !== 1 || table.tBodies[0].rows.length < 2) continue;
    if ([...table.tBodies[0].rows, ...table.tHead.rows].some((row) => [...row.cells].some((cell) => cell.colSpan > 1))) continue;
    for (const heading of headings) {
      const isNamed = [...heading.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.data.trim());
      if (!isNamed || heading.querySelector("a, button, input")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "us-sort";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sortTable(table, heading));
      heading.append(button);
    }
  }
}

document.addEventListener("DOMContentLoaded", () => makeSortable(document));
document.addEventListener("htmx:afterSwap", (event) => makeSortable(event.target));
