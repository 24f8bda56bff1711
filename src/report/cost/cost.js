"use strict";
// Sorts and filters the long tables. Without it the page is whole.
for (const table of document.querySelectorAll("table.rows")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  const amount = (text) => parseFloat(text.replace(/[$,\s]/g, ""));
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numbers = head.classList.contains("n");
      const key = (row) => {
        const text = row.cells[column].textContent;
        return numbers ? amount(text) : text;
      };
      const none = (value) => value === "" || Number.isNaN(value);
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([one], [other]) => {
        // What is not known or empty stays at the end.
        if (none(one) || none(other)) return none(one) - none(other);
        const order = numbers ? one - other : one.localeCompare(other);
        return down ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
  const label = document.createElement("label");
  label.className = "filter";
  const input = document.createElement("input");
  const shown = document.createElement("output");
  input.type = "search";
  label.append("Filter ", input, " ", shown);
  table.parentElement.before(label);
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const wanted = input.value.toLowerCase();
      let count = 0;
      for (const row of body.rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        count += !row.hidden;
      }
      // The total is of all rows.
      if (table.tFoot) table.tFoot.hidden = wanted !== "";
      shown.textContent = wanted === "" ? "" : `${count} of ${body.rows.length}`;
    }, 150);
  });
}
