"use strict";
// Filter, order and open what a page says already without this.
(() => {
  const number = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const filter = (box) => {
    const field = box.querySelector("input");
    const told = box.querySelector("output");
    const found = [...document.querySelectorAll(box.dataset.filters)];
    const rows = found.map((row) => [row, row.textContent.toLowerCase()]);
    const counted = rows.filter(([row]) => row.matches("tr"));
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const [row, text] of rows) row.hidden = !words.every((word) => text.includes(word));
      const shown = counted.filter(([row]) => !row.hidden).length;
      told.textContent = words.length ? `${shown} of ${counted.length} shown` : "";
    });
    box.hidden = false;
  };

  const worth = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.value ?? cell.textContent.trim();
    return value === "" ? null : cell.dataset.value === undefined ? value : Number(value);
  };

  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : number.compare(a, b);

  const order = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const first = head.classList.contains("number") ? -1 : 1;
        const turn = before === null ? first : before === "ascending" ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
        const rows = [...body.rows].map((row) => [row, worth(row, column)]);
        // What has no value comes last either way.
        rows.sort(([, a], [, b]) => a === null || b === null ? (a === null) - (b === null) : turn * compare(a, b));
        body.append(...rows.map(([row]) => row));
      });
    });
  };

  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const fold = target?.closest("details");
    if (fold) {
      fold.open = true;
      target.scrollIntoView();
    }
  };

  document.querySelectorAll(".filter").forEach(filter);
  document.querySelectorAll("table.sortable").forEach(order);
  addEventListener("hashchange", reveal);
  reveal();
})();
