// The pointer on the strip: select, drag cards to another place, drag a card's right edge to another length.
const EDGE = 40; // px from the ends of the strip where dragging scrolls it
const PACE = 900; // px a second
const MAX_LENGTH = 24 * 600; // frames, as engine.story has it
let drag = null;

strip.addEventListener("pointerdown", (event) => {
  const card = event.target.closest(".tl-card");
  if (!card || event.button || event.target.closest("input")) return;
  strip.focus({ preventScroll: true });
  if (event.target.closest(".tl-trim")) { beginTrim(card.dataset.id, event); return; }
  drag = { id: card.dataset.id, x: event.clientX, on: false, at: null, pointer: event.pointerId,
    toggle: event.ctrlKey || event.metaKey, extend: event.shiftKey };
});

const clearDrop = () => {
  for (const card of strip.querySelectorAll(".drop-before, .drop-after")) card.classList.remove("drop-before", "drop-after");
};

strip.addEventListener("pointermove", (event) => {
  if (trim) { moveTrim(event); return; }
  if (drag && !event.buttons) drag = null; // it was let go of outside the strip
  if (!drag) return;
  if (!drag.on && Math.abs(event.clientX - drag.x) > 6) {
    drag.on = true;
    strip.setPointerCapture(drag.pointer);
    if (!state.selection.includes(drag.id)) pick([drag.id], drag.id);
    strip.classList.add("dragging");
  }
  if (!drag.on) return;
  drag.to = event.clientX;
  aim();
  if (!drag.pulled) pull();
});

/** Held at an end of the strip, what is dragged takes the strip along, also while the hand rests. */
function pull(before = performance.now()) {
  if (!drag?.on) return;
  const { left, right } = scroller.getBoundingClientRect();
  const way = drag.to > right - EDGE ? 1 : drag.to < left + EDGE ? -1 : 0;
  drag.pulled = way !== 0;
  if (!way) return;
  requestAnimationFrame((now) => {
    if (!drag?.on) return;
    scroller.scrollLeft += way * Math.round(Math.min(50, Math.max(1, now - before)) * PACE / 1000);
    aim();
    pull(now);
  });
}

/** Shows where the cards would go if they were let go of. */
function aim() {
  const x = drag.to - scroller.getBoundingClientRect().left + scroller.scrollLeft;
  const rest = layout.filter((item) => !state.selection.includes(item.id));
  const found = rest.findIndex((item) => x < item.x + item.width / 2);
  if (drag.at === (found < 0 ? rest.length : found)) return;
  drag.at = found < 0 ? rest.length : found;
  clearDrop();
  if (found >= 0) cards.get(rest[found].id).el.classList.add("drop-before");
  else if (rest.length) cards.get(rest.at(-1).id).el.classList.add("drop-after");
}

function drop(event) {
  if (trim) { endTrim(event.type === "pointerup"); return; }
  if (!drag) return;
  const done = drag;
  drag = null;
  strip.classList.remove("dragging");
  clearDrop();
  if (event.type === "pointercancel") return;
  if (!done.on) { choose(done.id, done); return; }
  place(done.at ?? state.order.length);
}
strip.addEventListener("pointerup", drop);
strip.addEventListener("pointercancel", drop);

// ---------------------------------------------------------------- length: the right edge, and the keys

let trim = null; // {id, x, from, to}: the card whose edge is held
const within = (frames) => Math.min(MAX_LENGTH, Math.max(1, frames));

function beginTrim(id, event) {
  const from = state.shots.get(id).attributes.length;
  trim = { id, x: event.clientX, from, to: from };
  strip.setPointerCapture(event.pointerId);
  if (!state.selection.includes(id)) pick([id], id);
  paintLength(cards.get(id), from, from);
}

function moveTrim(event) {
  trim.to = within(trim.from + Math.round((event.clientX - trim.x) / pixelsOfFrame()));
  paintLength(cards.get(trim.id), trim.to, trim.from);
}

/** One command on release; let go of with Escape, the length is what it was. */
function endTrim(keep) {
  const { id, from, to } = trim;
  trim = null;
  if (keep && to !== from) setLengths({ [id]: to });
  else { paintLength(cards.get(id), from); arrange(); }
}

/** The cards keep showing the new lengths until the answer is there, whatever it is. */
function setLengths(lengths) {
  const edits = Object.fromEntries(Object.entries(lengths).map(([id, length]) => [id, { length }]));
  stage.edit(edits, () => {
    for (const id of Object.keys(lengths)) if (cards.has(id)) paintLength(cards.get(id), state.shots.get(id).attributes.length);
    arrange();
    playhead();
    return Object.entries(lengths).every(([id, length]) => state.shots.get(id)?.attributes.length === length);
  });
}

let nudged = null; // {ids, by, timer}: keys repeat, one command follows when they rest

/** Makes the selected shots longer or shorter by frames. */
function nudge(by) {
  const ids = state.selection.join();
  if (nudged && nudged.ids !== ids) settleNudge();
  if (!ids) return;
  nudged ??= { ids, by: 0, timer: 0 };
  nudged.by += by;
  clearTimeout(nudged.timer);
  nudged.timer = setTimeout(settleNudge, 450);
  for (const id of state.selection) {
    const from = state.shots.get(id).attributes.length;
    paintLength(cards.get(id), within(from + nudged.by), from);
  }
}

function settleNudge(keep = true) {
  if (!nudged) return;
  const { ids, by, timer } = nudged;
  clearTimeout(timer);
  nudged = null;
  const there = ids.split(",").filter((id) => state.shots.has(id));
  const lengths = there.map((id) => [id, within(state.shots.get(id).attributes.length + by)]);
  const changed = lengths.filter(([id, length]) => state.shots.get(id).attributes.length !== length);
  if (keep && changed.length) { setLengths(Object.fromEntries(changed)); return; }
  for (const id of there) paintLength(cards.get(id), state.shots.get(id).attributes.length);
  arrange();
}

stage.writing.add(() => settleNudge());

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !(trim || drag?.on || nudged)) return;
  event.preventDefault();
  event.stopPropagation();
  if (trim) endTrim(false);
  settleNudge(false);
  if (drag) { drag = null; strip.classList.remove("dragging"); clearDrop(); }
}, true);

// ---------------------------------------------------------------- renaming in place

/** An input over a text of a card. Enter and leaving it save, Escape does not. */
function inPlace(host, { label, value, max, save }) {
  if (host.querySelector("input")) return;
  const input = stage.input({ class: "s-input tl-rename", maxlength: max, "aria-label": label, value });
  let over = false;
  const close = (keep) => {
    if (over) return;
    over = true;
    stage.writing.delete(commit);
    input.remove();
    if (keep && input.value.trim() !== value) save(input.value.trim());
  };
  const commit = () => close(true);
  stage.writing.add(commit); // whoever reloads keeps it
  input.addEventListener("blur", commit);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close(event.key === "Enter");
    strip.focus({ preventScroll: true });
  });
  host.append(input);
  input.focus({ preventScroll: true });
  input.select();
}

function rename(id = state.cursor) {
  const card = cards.get(id);
  if (!card) return;
  inPlace(card.parts.title.parentNode, {
    label: `Title of shot ${card.number}`, value: card.shot.title, max: 200,
    save: (title) => stage.edit({ [id]: { title } }, () => state.shots.get(id)?.title === title),
  });
}

function renumber(id) {
  const card = cards.get(id);
  inPlace(card.parts.label.parentNode, {
    label: `Scene and slate of shot ${card.number}`, value: card.shot.label, max: 16,
    save(label) {
      const [, scene, slate] = /^(\d{1,4})\s*(.{0,12})$/.exec(label) ?? [];
      if (!scene) { stage.notify("A label is the scene's number and a letter, like 2B.", "error"); return; }
      stage.edit({ [id]: { scene: Number(scene), slate } }, () => state.shots.get(id)?.label === `${Number(scene)}${slate}`);
    },
  });
}

strip.addEventListener("dblclick", (event) => {
  const id = event.target.closest(".tl-card")?.dataset.id;
  if (!id || event.target.closest("input, .tl-trim")) return;
  if (event.target.closest(".tl-label")) renumber(id); else rename(id);
});
