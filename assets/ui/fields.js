// Form fields that save themselves: on blur, on change and after a pause, and never while that would overwrite what
// somebody is typing. A field says "saved" only when the value that the server read back is the one that was sent.
(() => {
  const stage = window.stage;
  const { h, text, attribute } = stage;
  const PAUSE = 1200; // ms of quiet after which typing is saved
  let ids = 0;

  const same = (a, b) => String(a ?? "").trim() === String(b ?? "").trim();

  const commitAll = () => stage.writing.forEach((commit) => commit());
  window.addEventListener("pagehide", commitAll);
  document.addEventListener("visibilitychange", () => document.hidden && commitAll());

  const SEVERAL = "several values";
  const SHORT = "mixed"; // where the words above would be cut

  /**
   * A labelled, self-saving field.
   *   control  input, textarea or select
   *   save     (value, context, done) => void: sends it; calls done(true | false) when it was read back
   * Returns {el, control, show(value, context, mixed), flush(), note}. `context` is what the value belongs to (the
   * ids of shots): a late save still goes to the shots that were being edited, whatever is selected by then. With
   * `mixed` they hold several values: the field says so, and nothing is written until somebody writes.
   */
  function field({ label, control, save, wide = false, hint = null, hideLabel = false }) {
    const id = control.id || `s-field-${++ids}`;
    control.id = id;
    const mark = h("span.s-mark", { "aria-live": "polite" });
    const note = h("div.s-note", { hidden: true, id: `${id}-note` });
    const caption = h("label.s-label", { for: id }, h("span", {}, label), mark);
    if (hideLabel) caption.classList.add("s-hidden");
    const el = h("div.s-field", { "data-wide": wide }, caption, control, hint && h("div.s-hint", {}, hint), note);
    const placeholder = control.getAttribute("placeholder");
    const several = control.tagName === "SELECT" ? h("option", { value: "", disabled: true, hidden: true }, SHORT) : null;
    attribute(control, "aria-describedby", note.id);
    let shown = "";
    let context = null;
    let dirty = false;
    let timer = 0;
    let unanswered = new Set(); // what was sent and not yet read back: older news must not write over it
    let heard = null; // what came meanwhile, to be shown then

    const say = (kind, words) => { attribute(mark, "data-kind", kind); text(mark, words); };

    function commit() {
      clearTimeout(timer);
      if (!dirty) return;
      dirty = false;
      const value = control.value;
      if (same(value, shown)) { say(null, ""); return; }
      shown = value;
      say("saving", "saving…");
      const target = context;
      const mine = unanswered;
      const sent = Symbol(value);
      mine.add(sent);
      save(value, target, (good) => {
        mine.delete(sent);
        if (target !== context || dirty) return;
        if (!mine.size && heard) show(...heard);
        const time = stage.state.saved ? ` ${stage.say.clock(stage.state.saved)}` : "";
        say(good ? "saved" : "bad", good ? `saved${time}` : "not saved");
        if (good) setTimeout(() => mark.dataset.kind === "saved" && say(null, ""), 4000);
      });
    }

    stage.writing.add(commit);
    control.addEventListener("input", () => {
      dirty = true;
      clearTimeout(timer);
      timer = setTimeout(commit, PAUSE);
    });
    control.addEventListener("change", () => { dirty = true; commit(); });
    control.addEventListener("blur", commit);
    if (control.tagName === "INPUT") {
      control.addEventListener("keydown", (event) => event.key === "Enter" && control.blur());
    }

    function show(value, of = null, mixed = false) {
      const moved = of !== context;
      if (moved) { commit(); say(null, ""); unanswered = new Set(); }
      context = of;
      heard = null;
      if (dirty && !moved) return;
      if (unanswered.size) { heard = [value, of, mixed]; return; }
      shown = mixed ? "" : value ?? "";
      attribute(control, "data-mixed", mixed);
      if (several) { if (mixed) control.prepend(several); else several.remove(); }
      else attribute(control, "placeholder", mixed ? (wide ? SEVERAL : SHORT) : placeholder);
      if (control.value !== String(shown)) control.value = shown;
    }

    return { el, control, show, flush: commit, note };
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
