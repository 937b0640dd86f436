// Adds sorting and filtering to long tables and opens everything for print.
// The page says all it has to say without this script.
(function () {
  "use strict";
  function number(text) {
    var t = text.replace(/,/g, "").replace(/^[^0-9<>.+-]+/, "").replace(/^[<>]\s*/, "");
    var v = parseFloat(t);
    return isNaN(v) ? null : v;
  }
  function compare(a, b) {
    if (a.v !== null && b.v !== null) { return a.v - b.v; }
    if (a.v !== null) { return -1; }
    if (b.v !== null) { return 1; }
    return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
  }
  function sortBy(table, column, th, numeric) {
    var body = table.tBodies[0];
    var down = th.getAttribute("aria-sort") === "ascending";
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (c) { c.removeAttribute("aria-sort"); });
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    Array.prototype.map.call(body.rows, function (row, i) {
      var text = row.cells[column].textContent.trim();
      return { row: row, i: i, text: text, v: numeric ? number(text) : null };
    }).sort(function (a, b) {
      var c = compare(a, b);
      if (down && !(numeric && (a.v === null || b.v === null))) { c = -c; }
      return c || a.i - b.i;
    }).forEach(function (x) { body.appendChild(x.row); });
  }
  function filter(table, input) {
    var want = input.value.toLowerCase();
    Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
      row.hidden = want !== "" && row.textContent.toLowerCase().indexOf(want) < 0;
    });
  }
  Array.prototype.forEach.call(document.querySelectorAll("table[data-sort]"), function (table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (th, column) {
      var button = document.createElement("button");
      button.textContent = th.textContent;
      button.type = "button";
      th.textContent = "";
      th.appendChild(button);
      button.addEventListener("click", function () { sortBy(table, column, th, th.classList.contains("r")); });
    });
    if (table.tBodies[0].rows.length < 15) { return; }
    var input = document.createElement("input");
    input.type = "search";
    input.className = "filter";
    input.placeholder = "Filter rows";
    input.setAttribute("aria-label", "Filter rows");
    input.addEventListener("input", function () { filter(table, input); });
    table.parentNode.parentNode.insertBefore(input, table.parentNode);
  });
  window.addEventListener("beforeprint", function () {
    Array.prototype.forEach.call(document.querySelectorAll("details"), function (d) { d.open = true; });
  });
})();
