// Form fields that save themselves: on blur, on change and after a pause, and never while that would overwrite what
// somebody is typing. A field says "saved" only when the value that the server read back is the one that was sent.
// What was refused, or is too long to be sent, stays in its field, and comes back to it in a later visit: words are
// never thrown away.
(() => {
  const stage = window.stage;
  const { h, text, attribute } = stage;
  const PAUSE = 1200; // ms of quiet after which typing is saved
  const NEAR = 0.9; // of the limit, from where the letters are counted
  const REFUSED = "not saved";
  let ids = 0;
  const SHELF = "stage-refused"; // in localStorage: [field, context] -> {value, why, at}
  const OLD = 30 * 24 * 3600 * 1000; // ms after which nobody comes back for them
  const held = new Set(); // fields with words that were refused and stand nowhere else

  function shelf() {
    try { return JSON.parse(localStorage.getItem(SHELF) ?? "{}"); } catch { return {}; }
  }

  /** Words that stand in no database, kept for a later visit (null: not any more); whether that could be done. */
  function shelve(key, words) {
    const kept = Object.fromEntries(Object.entries(shelf()).filter(([, { at }]) => Date.now() - at < OLD));
    if (words) kept[key] = { ...words, at: Date.now() };
    else delete kept[key];
    try { localStorage.setItem(SHELF, JSON.stringify(kept)); return true; } catch { return false; }
  }

  const same = (a, b) => String(a ?? "").trim() === String(b ?? "").trim();

  const commitAll = () => stage.writing.forEach((commit) => commit());
  window.addEventListener("pagehide", commitAll);
  document.addEventListener("visibilitychange", () => document.hidden && commitAll());

  /** As Python counts, for which an emoji is one character; counted only where it matters. */
  const lengthOf = (value, limit) => (value.length <= limit * NEAR ? value.length : [...value].length);
  const count = (number) => number.toLocaleString("en");

  window.addEventListener("beforeunload", (event) => {
    commitAll();
    if ([...held].some((control) => control.isConnected && control.tagName === "TEXTAREA")) event.preventDefault();
  });

  const SEVERAL = "several values";
  const SHORT = "mixed"; // where the words above would be cut

  /**
   * A labelled, self-saving field.
   *   control  input, textarea or select; its maxlength is the limit up to which it is saved: a longer text that is
   *            pasted stays whole and says how long it is, where the browser would cut it without a word
   *   save     (value, context, done) => void: sends it; calls done(true | false) when it was read back, done(null) when
   *            what it belongs to is not on the page any more, so that nobody can say
   *   clear    whether several shots that differ may be emptied together
   * Returns {el, control, show(value, context, mixed), flush(), note, refused()}. `context` is what the value belongs to (the
   * ids of shots): a late save still goes to the shots that were being edited, whatever is selected by then. With
   * `mixed` they hold several values: the field says so, and nothing is written until somebody writes.
   */
  function field({ label, control, save, wide = false, hint = null, hideLabel = false, clear = false }) {
    const named = control.id; // then a later page has this field, too
    const id = named || `s-field-${++ids}`;
    control.id = id;
    const limit = Number(control.getAttribute("maxlength")) || Infinity;
    control.removeAttribute("maxlength");
    const mark = h("span.s-mark", { "aria-live": "polite" });
    const left = h("span.s-left"); // not live: nobody wants to hear every letter counted
    const note = h("div.s-note", { hidden: true, id: `${id}-note` });
    const caption = h("label.s-label", { for: id }, h("span", {}, label), left, mark);
    if (hideLabel) caption.classList.add("s-hidden");
    const empty = clear ? h("button.s-quiet.s-clear", { type: "button", hidden: true, "aria-label": `Empty: ${label}`,
      title: "Empty this field in all selected shots", onclick: () => { control.value = ""; send(""); control.focus(); } }, "Empty all") : null;
    const el = h("div.s-field", { "data-wide": wide }, caption, empty, control, hint && h("div.s-hint", {}, hint), note);
    const placeholder = control.getAttribute("placeholder");
    const several = control.tagName === "SELECT" ? h("option", { value: "", disabled: true, hidden: true }, SHORT) : null;
    attribute(control, "aria-describedby", note.id);
    let shown = "";
    let context = null;
    let dirty = false;
    let timer = 0;
    let unanswered = new Set(); // what was sent and not yet read back: older news must not write over it
    let heard = null; // what came meanwhile, to be shown then
    let last = ["", null, false]; // what came last
    const refused = new Map(); // context -> {value, why}: words that stand nowhere else than here
    const keyOf = JSON.stringify;
    const shelfOf = (of) => keyOf([named, of]);
    const shelved = new Set(named && !several ? Object.keys(shelf()) : []); // of earlier visits
    let told = null; // the notice that says so

    const say = (kind, words) => {
      attribute(mark, "data-kind", kind);
      text(mark, words);
      attribute(mark, "title", words);
      attribute(control, "aria-invalid", kind === "bad" ? "true" : null);
    };

    function tell() {
      const length = lengthOf(control.value, limit);
      const near = wide && length > limit * NEAR && length <= limit && document.activeElement === control;
      text(left, near ? `${count(length)} of ${count(limit)}` : "");
    }

    /** A choice or an emptied field that was refused goes back; words stay where they were written. */
    function refuse(value, target, why) {
      if (several || !value.trim()) { if (target === context) put(...last); return; }
      refused.set(keyOf(target), { value, why });
      if (!(named && shelve(shelfOf(target), { value, why }))) held.add(control);
    }

    function forgive(target) {
      if (!refused.size) return;
      if (refused.delete(keyOf(target))) { told?.remove(); if (named) shelve(shelfOf(target), null); }
      if (!refused.size) held.delete(control);
    }

    function commit() {
      clearTimeout(timer);
      if (!dirty) return;
      dirty = false;
      tell();
      const value = control.value;
      if (same(value, shown)) { forgive(context); say(null, ""); return; }
      const length = lengthOf(value, limit);
      if (length <= limit) { send(value); return; }
      const why = `${wide ? "too long: " : ""}${count(length)} of ${count(limit)}`;
      if (!refused.has(keyOf(context))) {
        told = stage.notify(`${label}: at most ${count(limit)} characters are saved, and these are ${count(length)}. `
          + "They stay in the field until you shorten them.", "error", null, id);
      }
      refuse(value, context, why);
      say("bad", why);
    }

    function send(value) {
      const before = shown;
      const target = context;
      shown = value;
      forgive(target);
      say("saving", "saving…");
      if (empty) empty.hidden = true;
      const mine = unanswered;
      const sent = Symbol(value);
      mine.add(sent);
      save(value, target, (good) => {
        mine.delete(sent);
        if (good === false && !mine.size) refuse(value, target, REFUSED);
        if (target !== context || dirty) return;
        if (!good && shown === value) shown = before; // so that the same words can be tried again
        if (!mine.size && heard) show(...heard);
        const time = wide && stage.state.saved ? ` ${stage.say.clock(stage.state.saved)}` : ""; // where there is room
        say(good ? "saved" : "bad", good ? `saved${time}` : REFUSED);
        if (good) setTimeout(() => mark.dataset.kind === "saved" && say(null, ""), 4000);
      });
    }

    stage.writing.add(commit);
    control.addEventListener("input", () => {
      dirty = true;
      tell();
      clearTimeout(timer);
      timer = setTimeout(commit, PAUSE);
    });
    control.addEventListener("change", () => { dirty = true; commit(); });
    control.addEventListener("focus", tell);
    control.addEventListener("blur", () => { commit(); tell(); });
    if (control.tagName === "INPUT") {
      control.addEventListener("keydown", (event) => event.key === "Enter" && control.blur());
    }

    function show(value, of = null, mixed = false) {
      const moved = of !== context;
      if (moved) { commit(); say(null, ""); unanswered = new Set(); }
      context = of;
      last = [value, of, mixed];
      heard = null;
      if (dirty && !moved) return;
      if (unanswered.size) { heard = last; return; }
      put(value, of, mixed);
      if (moved) tell();
    }

    function put(value, of, mixed) {
      shown = mixed ? "" : value ?? "";
      attribute(control, "data-mixed", mixed);
      if (several) { if (mixed) control.prepend(several); else several.remove(); }
      else attribute(control, "placeholder", mixed ? (wide ? SEVERAL : SHORT) : placeholder);
      if (empty) empty.hidden = !mixed;
      if (shelved.size && shelved.delete(shelfOf(of))) { // unless another tab saved or shortened them since
        const earlier = shelf()[shelfOf(of)];
        if (earlier) refused.set(keyOf(of), earlier);
      }
      const own = refused.size ? refused.get(keyOf(of)) : null;
      const wanted = String(own ? own.value : shown);
      if (own) say("bad", own.why);
      if (control.value !== wanted) control.value = wanted;
    }

    return { el, control, show, flush: commit, note, refused: () => refused.has(keyOf(context)) };
  }

  const input = (attributes = {}) => h("input.s-input", { type: "text", autocomplete: "off", ...attributes });
  function area(attributes = {}) {
    const control = h("textarea.s-input", { rows: 3, ...attributes });
    control.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); control.blur(); }
    });
    return control;
  }
  const dropdown = (options, attributes = {}) =>
    h("select.s-input", attributes, options.map((value) => h("option", { value }, value)));

  /** A row of exclusive choices, as radio buttons: [[value, label], …]. */
  function segments(name, label, options, value) {
    const el = h("fieldset.s-segments", {}, h("legend.s-label", {}, label));
    const row = h("div.s-segment-row");
    for (const [option, words] of options) {
      const radio = h("input", { type: "radio", name, value: option, checked: option === value });
      row.append(h("label.s-segment", {}, radio, h("span", {}, words)));
    }
    el.append(row);
    return {
      el,
      get value() { return row.querySelector("input:checked")?.value ?? null; },
      set value(wanted) { for (const radio of row.querySelectorAll("input")) radio.checked = radio.value === wanted; },
    };
  }

  /** "mini has no picture for bridge (try city), dragon" under a field, or nothing. */
  function unknown(note, hints, profile) {
    note.hidden = !hints.length;
    stage.fill(note, hints.length ? [
      h("span", {}, `${profile} has no picture for `),
      hints.map(({ word, instead }) => [h("span.s-word", {}, word), instead && h("span.s-instead", {}, `try “${instead}” `)]),
    ] : []);
  }

  Object.assign(stage, { field, input, area, dropdown, segments, unknown, same });
})();
