// Keys of the study's pages, and answers that are saved one by one. Without this
// script the form of an image saves all of its answers at once.
(function () {
  "use strict";
  var form = document.querySelector("form.questions");
  if (!form) {
    var go = document.getElementById("go");
    if (go) { go.focus(); }
    return;
  }
  var fields = Array.prototype.slice.call(form.querySelectorAll("fieldset"));
  var alert = form.querySelector(".alert");
  var use = document.getElementById("use-keys");
  var review = form.dataset.complete === "true"; // then no page turns by itself
  var current = 0;
  var unsaved = {};
  var busy = false;
  var leaving = false;
  var token = form.elements.csrf.value;

  function chosen(i) { return fields[i].querySelector("input:checked"); }
  function complete() { return fields.every(function (_, i) { return chosen(i); }); }
  function show(i) {
    current = Math.max(0, Math.min(fields.length - 1, i));
    fields.forEach(function (f, j) {
      f.classList.toggle("current", j === current);
      if (j === current) { f.setAttribute("aria-current", "step"); } else { f.removeAttribute("aria-current"); }
    });
    fields[current].focus({ preventScroll: true });
    fields[current].scrollIntoView({ block: "nearest" });
  }
  function warn(text) {
    alert.textContent = text;
    alert.hidden = text === "";
  }
  function post(body, again) {
    return fetch(form.action, {
      method: "POST", body: body, credentials: "same-origin",
      headers: { "X-CSRF-Token": token, "Accept": "application/json" }
    }).then(function (r) {
      if (r.ok) { return r.json(); }
      if (r.status !== 403 || again) { throw new Error(r.status); }
      // The server was started again since: its pages have another token now.
      return fetch(location.pathname, { credentials: "same-origin" }).then(function (p) { return p.text(); }).then(function (html) {
        var field = new DOMParser().parseFromString(html, "text/html").querySelector("input[name=csrf]");
        if (!field) { throw new Error(r.status); }
        token = form.elements.csrf.value = field.value;
        return post(body, true);
      });
    });
  }
  // save sends what is not saved; after the last answer of an image it goes on.
  function save(turn) {
    leaving = leaving || turn;
    var names = Object.keys(unsaved);
    if (busy) { return; }
    if (names.length === 0) {
      if (leaving && complete()) { location.href = form.dataset.next; }
      return;
    }
    var sent = {};
    var body = new URLSearchParams();
    body.set("at", form.elements.at.value);
    names.forEach(function (name) {
      sent[name] = unsaved[name];
      body.set(name, sent[name]);
    });
    busy = true;
    post(body, false).then(function (state) {
      busy = false;
      warn("");
      Object.keys(sent).forEach(function (name) { if (unsaved[name] === sent[name]) { delete unsaved[name]; } });
      document.querySelector("progress").value = state.done;
      document.getElementById("progress-text").textContent = state.text;
      if (Object.keys(unsaved).length) { save(false); return; }
      if (leaving && complete()) { location.href = state.next; }
    }, function () {
      busy = false;
      leaving = false;
      warn(alert.dataset.text);
    });
  }
  function answered(i) {
    var input = chosen(i);
    unsaved[input.name] = input.value;
    var open = fields.findIndex(function (_, j) { return !chosen(j); });
    var after = i + 1 < fields.length ? i + 1 : i;
    show(open >= 0 && chosen(after) ? open : after);
    save(!review && open < 0);
  }
  function answer(value) {
    fields[current].querySelector("input[value=" + value + "]").checked = true;
    answered(current);
  }
  fields.forEach(function (f, i) {
    f.addEventListener("change", function () { answered(i); });
    f.addEventListener("focusin", function (e) { if (e.target !== f && i !== current) { current = i; fields.forEach(function (g, j) { g.classList.toggle("current", j === i); }); } });
  });
  form.addEventListener("submit", function (e) {
    e.preventDefault();
    var open = fields.findIndex(function (_, j) { return !chosen(j); });
    if (open >= 0) { show(open); } else { save(true); }
  });
  document.addEventListener("keydown", function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || !use.checked || (e.repeat && e.key !== "Backspace")) { return; }
    var own = e.target.closest("a, button, summary, input[type=checkbox], input[type=radio]");
    var key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if (key === form.dataset.yes.toLowerCase()) { answer("yes"); }
    else if (key === form.dataset.no.toLowerCase()) { answer("no"); }
    else if (key === " " && !own) { answer("unsure"); }
    else if (key === "Backspace") {
      if (current > 0) { show(current - 1); } else if (form.dataset.back) { location.href = form.dataset.back + "#last"; }
    } else if (key === "Enter" && !own) { form.requestSubmit(); }
    else { return; }
    e.preventDefault();
  });
  try {
    use.checked = localStorage.getItem("lethe-study-keys") !== "off";
    use.addEventListener("change", function () { localStorage.setItem("lethe-study-keys", use.checked ? "on" : "off"); });
  } catch (e) { /* no storage: keys are on */ }
  window.addEventListener("beforeunload", function (e) { if (Object.keys(unsaved).length) { e.preventDefault(); } });
  if (form.dataset.preload) { new Image().src = form.dataset.preload; }
  var first = fields.findIndex(function (_, j) { return !chosen(j); });
  show(location.hash === "#last" ? fields.length - 1 : Math.max(0, first));
})();
