// Keys, marks, more tiles and the brush of the gallery. The pages say all they
// have to say without this script: filters are links, marks are forms.
(function () {
  "use strict";
  var doc = document, page = doc.body.dataset.page;
  doc.documentElement.classList.add("js");
  var csrf = doc.querySelector("meta[name=csrf]").content;
  var said = doc.getElementById("said"), quiet = 0;
  var verdicts = { c: "confirmed", m: "mislabelled", a: "ambiguous", l: "low-quality" };

  function say(text, bad) {
    if (!said) { return; }
    clearTimeout(quiet);
    said.classList.toggle("bad", !!bad);
    said.textContent = text;
    quiet = setTimeout(function () { said.textContent = ""; }, bad ? 12000 : 2600);
  }

  // holder is the element that carries the id and the mark of what is looked at.
  function holder() {
    if (page === "example") { return doc.getElementById("main"); }
    var at = doc.activeElement && doc.activeElement.closest(".tile");
    return at || doc.querySelector(".tile.last");
  }

  function paint(el, mark) {
    el.dataset.verdict = mark.verdict;
    el.dataset.note = mark.note;
    var p = el.querySelector("[data-mark]");
    p.innerHTML = mark.html; // made by the server's template
    Array.prototype.forEach.call(el.querySelectorAll(".verdicts-row button"), function (b) {
      b.setAttribute("aria-pressed", b.value === mark.verdict ? "true" : "false");
    });
    var here = el.querySelector("#note-here");
    if (here) {
      here.value = mark.note;
      el.querySelector(".row .strong").value = mark.verdict;
    }
    count(mark);
  }
  function count(mark) {
    var n = doc.getElementById("marked");
    if (n) { n.textContent = mark.marked; }
  }

  function post(path, form) {
    return fetch(path, {
      method: "POST", credentials: "same-origin",
      headers: { "X-CSRF-Token": csrf, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded" },
      body: form
    }).then(function (r) {
      return r.ok ? r.json() : r.text().then(function (t) { throw new Error(t.trim() || r.statusText); });
    });
  }

  function mark(el, verdict, note) {
    var form = new URLSearchParams({ id: el.dataset.id, variant: el.dataset.variant, verdict: verdict, note: note });
    post("/mark", form).then(function (m) {
      paint(el, m);
      say(m.words);
    }).catch(function (e) { say("Not saved: " + e.message, true); });
  }

  // undo takes the last mark of this person back, wherever it was made.
  function undo() {
    post("/undo", new URLSearchParams()).then(function (m) {
      say(m.words);
      var el = doc.querySelector('[data-id="' + CSS.escape(m.id) + '"]');
      if (!el) { count(m); return; }
      paint(el, m);
      if (page === "wall") { focus(el); }
    }).catch(function (e) { say(e.message, true); });
  }

  // The note.
  var note = doc.getElementById("note");
  function askNote(el) {
    if (page === "example") { doc.getElementById("note-here").focus(); return; }
    if (!note || !el) { return; }
    var text = doc.getElementById("note-text");
    note.querySelector(".for").textContent = el.dataset.id;
    text.value = el.dataset.note;
    note.returnValue = "";
    note.onclose = function () {
      if (note.returnValue === "save") { mark(el, el.dataset.verdict, text.value); }
      focus(el);
    };
    note.showModal();
    text.focus();
  }
  if (note) {
    note.addEventListener("keydown", function (e) {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { note.close("save"); }
    });
  }

  // Moving on the wall.
  function tiles() { return Array.prototype.slice.call(doc.querySelectorAll("#tiles > .tile")); }
  function focus(tile) {
    if (!tile) { return; }
    Array.prototype.forEach.call(doc.querySelectorAll(".tile.last"), function (t) { t.classList.remove("last"); });
    tile.classList.add("last");
    var a = tile.querySelector(".open");
    a.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
  }
  function columns(list) {
    for (var n = 1; n < list.length && list[n].offsetTop === list[0].offsetTop; n++) { }
    return n;
  }
  function move(step, rows) {
    var list = tiles(), at = list.indexOf(holder());
    if (!list.length) { return; }
    if (at < 0) { focus(list[0]); return; }
    var to = at + step * (rows ? columns(list) : 1);
    if (to >= list.length) {
      if (loading || more()) { waiting = { step: step, rows: rows }; return; }
      to = list.length - 1;
    }
    focus(list[Math.max(0, to)]);
  }

  // More tiles: fetched when the end comes near.
  var wall = doc.getElementById("tiles"), link = doc.getElementById("more"), loading = false, waiting = null;
  function more() {
    if (!wall || !link || loading) { return false; }
    loading = true;
    fetch(link.href + "&part=tiles", { credentials: "same-origin" }).then(function (r) {
      if (!r.ok) { throw new Error(r.statusText); }
      link.dataset.after = r.headers.get("X-Next") || "";
      link.dataset.shown = r.headers.get("X-Shown") || "";
      return r.text();
    }).then(function (html) {
      wall.insertAdjacentHTML("beforeend", html); // made by the server's template
      doc.getElementById("shown").textContent = link.dataset.shown;
      if (link.dataset.after) { link.href = link.dataset.after; } else { link.remove(); link = null; }
      loading = false;
      if (waiting) { var w = waiting; waiting = null; move(w.step, w.rows); }
    }).catch(function (e) { loading = false; say("No more pictures: " + e.message, true); });
    return true;
  }
  if (link) {
    link.addEventListener("click", function (e) { e.preventDefault(); more(); });
    if ("IntersectionObserver" in window) {
      new IntersectionObserver(function (seen) {
        if (seen[0].isIntersecting && doc.documentElement.scrollTop > 0) { more(); }
      }, { rootMargin: "600px" }).observe(link.parentNode);
    }
  }
  doc.addEventListener("focusin", function (e) {
    var t = e.target.closest && e.target.closest(".tile");
    if (!t) { return; }
    Array.prototype.forEach.call(doc.querySelectorAll(".tile.last"), function (x) { x.classList.remove("last"); });
    t.classList.add("last");
  });

  function follow(id) { var a = doc.getElementById(id); if (a && a.href) { location.href = a.href; return true; } return false; }
  function typing(el) { return el && (/^(input|select|textarea)$/i.test(el.tagName) || el.isContentEditable); }

  var steps = { j: [1, false], k: [-1, false], ArrowRight: [1, false], ArrowLeft: [-1, false], ArrowDown: [1, true], ArrowUp: [-1, true] };
  doc.addEventListener("keydown", function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) { return; }
    if (note && note.open) { return; }
    if (typing(doc.activeElement)) {
      if (e.key === "Escape") { doc.activeElement.blur(); if (page === "example") { doc.getElementById("main").focus(); } }
      return;
    }
    if (done(e)) { e.preventDefault(); }
  });
  function done(e) {
    var key = e.key, s = steps[key], keys = doc.getElementById("keys");
    if (key === "?") { keys.togglePopover(); return true; }
    if (keys && keys.matches(":popover-open")) { return false; }
    if (s && page === "wall") {
      // Arrow keys scroll until a tile has the focus.
      if (key.length > 1 && !(doc.activeElement && doc.activeElement.closest(".tile"))) { return false; }
      move(s[0], s[1]);
      return true;
    }
    if (s && page === "example" && !s[1]) { return follow(s[0] > 0 ? "next" : "prev"); }
    if (key === "b" && page === "example") { return follow("back"); }
    if (key === "/" && page === "wall") { return search(); }
    if (key === "u") { undo(); return true; }
    if (page !== "wall" && page !== "example") { return false; }
    var el = holder();
    if (!verdicts[key] && key !== "n") { return false; }
    if (!el) { say("Move to an example first: j"); return true; }
    if (key === "n") { askNote(el); return true; }
    var again = el.dataset.verdict === verdicts[key];
    mark(el, again ? "" : verdicts[key], el.dataset.note);
    return true;
  }
  function search() {
    var f = doc.getElementById("find");
    if (f.closest("details")) { f.closest("details").open = true; }
    var sheet = doc.getElementById("filters");
    if (getComputedStyle(sheet).position === "fixed" || getComputedStyle(sheet).display === "none") { sheet.showPopover(); }
    f.focus();
    return true;
  }

  // Forms: marks without leaving the page, filters without a button.
  var form = doc.querySelector("form.marks");
  if (form) {
    form.addEventListener("submit", function (e) {
      e.preventDefault();
      var el = doc.getElementById("main"), b = e.submitter;
      var text = doc.getElementById("note-here").value;
      if (b && b.name === "clear") { mark(el, "", ""); return; }
      mark(el, b ? b.value : el.dataset.verdict, text);
    });
  }
  Array.prototype.forEach.call(doc.querySelectorAll("form[data-auto]"), function (f) {
    f.addEventListener("change", function () { f.requestSubmit(); });
  });
  // Empty fields make no part of the address.
  doc.addEventListener("submit", function (e) {
    if (e.target.method !== "get") { return; }
    Array.prototype.forEach.call(e.target.elements, function (x) { if (x.name && x.value === "") { x.disabled = true; } });
  });

  // Back on the wall: the tile that was open has the focus again.
  if (page === "wall" && /^#t-\d+$/.test(location.hash)) { focus(doc.getElementById(location.hash.slice(1))); }

  // The brush: a rectangle over the shares is a filter.
  var box = doc.getElementById("scatter"), svg = box && box.querySelector("svg");
  if (svg && svg.dataset.link) {
    var side = +svg.dataset.side, x0 = +svg.dataset.x, y0 = +svg.dataset.y, from = null, rect = null;
    var at = function (e) {
      var r = svg.getBoundingClientRect(), k = svg.viewBox.baseVal.width / r.width;
      var clamp = function (v) { return Math.min(1, Math.max(0, v)); };
      return { x: clamp(((e.clientX - r.left) * k - x0) / side), y: clamp(1 - ((e.clientY - r.top) * k - y0) / side) };
    };
    var draw = function (a, b) {
      rect.setAttribute("x", x0 + Math.min(a.x, b.x) * side);
      rect.setAttribute("y", y0 + (1 - Math.max(a.y, b.y)) * side);
      rect.setAttribute("width", Math.abs(a.x - b.x) * side);
      rect.setAttribute("height", Math.abs(a.y - b.y) * side);
    };
    svg.addEventListener("pointerdown", function (e) {
      if (e.button !== 0) { return; }
      from = at(e);
      Array.prototype.forEach.call(svg.querySelectorAll(".brush"), function (r) { r.remove(); });
      rect = doc.createElementNS("http://www.w3.org/2000/svg", "rect");
      rect.setAttribute("class", "brush");
      svg.appendChild(rect);
      svg.setPointerCapture(e.pointerId);
      e.preventDefault();
    });
    svg.addEventListener("pointermove", function (e) { if (from) { draw(from, at(e)); } });
    svg.addEventListener("pointerup", function (e) {
      if (!from) { return; }
      var a = from, b = at(e), u = new URL(svg.dataset.link, location.href);
      from = null;
      if (Math.abs(a.x - b.x) * side < 4 && Math.abs(a.y - b.y) * side < 4) { // a click: half a step around it
        var hx = 0.5 / svg.dataset.bx, hy = 0.5 / svg.dataset.by, c = b;
        a = { x: c.x - hx, y: c.y - hy };
        b = { x: c.x + hx, y: c.y + hy };
      }
      var set = function (name, v) { u.searchParams.set(name, Math.min(1, Math.max(0, v)).toFixed(4)); };
      set("base_low", Math.min(a.x, b.x)); set("base_high", Math.max(a.x, b.x));
      set("share_low", Math.min(a.y, b.y)); set("share_high", Math.max(a.y, b.y));
      location.href = u.href;
    });
    svg.addEventListener("pointercancel", function () { from = null; if (rect) { rect.remove(); } });
  }
})();
