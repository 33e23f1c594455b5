// Selection: which shots the inspector, the keys and the buttons act on. The cursor is the one shown large.
let painted = new Set(); // the shots that look selected now; only what differs is touched
let paintedCursor = null;

function paintSelection() {
  const chosen = new Set(state.selection);
  const look = (id, on) => {
    const el = cards.get(id)?.el;
    if (!el) return;
    el.classList.toggle("selected", on);
    el.setAttribute("aria-selected", String(on));
  };
  for (const id of painted) if (!chosen.has(id)) look(id, false);
  for (const id of chosen) if (!painted.has(id)) look(id, true);
  painted = new Set([...chosen].filter((id) => cards.has(id)));
  if (paintedCursor !== state.cursor) cards.get(paintedCursor)?.el.classList.remove("cursor");
  const current = cards.get(state.cursor)?.el;
  if (current && !current.classList.contains("cursor")) current.classList.add("cursor");
  paintedCursor = state.cursor;
  attribute(strip, "aria-activedescendant", state.cursor ? `shot-${state.cursor}` : null);
  for (const button of bar.querySelectorAll("[data-needs-shot]")) button.disabled = !state.selection.length;
}

let anchor = null;
let pickTimer = 0;

/** Scrolls just so far that a card is in view, from what is known of the layout: nothing is measured. */
function reveal(id) {
  const place = layout.find((item) => item.id === id);
  if (!place || !seen.width) return;
  if (place.x < seen.left + PAD) scroller.scrollLeft = place.x - PAD - SCENE;
  else if (place.x + place.width > seen.left + seen.width - PAD) scroller.scrollLeft = place.x + place.width - seen.width + PAD;
}

function pick(ids, cursor) {
  stage.select(ids, cursor);
  reveal(state.cursor);
}

/** Asks for takes and memory of the selected shot, unless they are known, thrice at most. Debounced: keys repeat fast. */
function fetchDetails() {
  if (!state.cursor || stage.details()) return;
  clearTimeout(pickTimer);
  let asked = 0;
  const go = () => {
    if (!state.cursor || stage.details() || ++asked > 3) return;
    send("pick", { shot: state.cursor });
    pickTimer = setTimeout(go, 3000);
  };
  pickTimer = setTimeout(go, 60);
}

const range = (from, to) => {
  const [a, b] = [state.order.indexOf(from), state.order.indexOf(to)];
  return state.order.slice(Math.min(a, b), Math.max(a, b) + 1);
};

/** Where a range begins: the last shot that was chosen alone, unless it is gone or something else was chosen since. */
function holdAnchor() {
  if (!state.selection.includes(anchor)) anchor = state.cursor;
}

function step(by, extend) {
  if (!state.order.length) return;
  const at = Math.max(0, state.order.indexOf(state.cursor));
  const to = state.order[Math.min(state.order.length - 1, Math.max(0, at + by))];
  if (extend) { holdAnchor(); pick(range(anchor, to), to); } else { anchor = to; pick([to], to); }
}

/** Moves the cursor over the cards and leaves the selection as it is: what it stands on is then taken in or out. */
function wander(by) {
  if (!state.order.length) return;
  const at = Math.max(0, state.order.indexOf(state.cursor));
  pick(state.selection, state.order[Math.min(state.order.length - 1, Math.max(0, at + by))]);
}

function toggle(id = state.cursor) {
  const others = state.selection.filter((other) => other !== id);
  if (!id || (!others.length && state.selection.length)) return; // something is always selected
  const chosen = new Set(others.length < state.selection.length ? others : [...others, id]);
  anchor = id;
  pick(state.order.filter((other) => chosen.has(other)), id);
}

/** A click on a card: alone, with Shift a range from the last one, with Ctrl one more or one less. */
function choose(id, { extend, toggle }) {
  if (extend && state.cursor) {
    holdAnchor();
    pick(range(anchor, id), id);
  } else if (toggle) {
    const chosen = new Set(state.selection);
    if (chosen.size === 1 && chosen.has(id)) return; // something is always selected
    if (!chosen.delete(id)) chosen.add(id);
    const left = state.order.filter((other) => chosen.has(other));
    anchor = chosen.has(id) ? id : left.at(-1);
    pick(left, anchor);
  } else {
    anchor = id;
    pick([id], id);
  }
}

// ---------------------------------------------------------------- moving shots

/** The selected shots go one place on together; where they lay apart they come together first. */
function move(by) {
  const chosen = state.order.filter((id) => state.selection.includes(id));
  if (!chosen.length) return;
  place(state.order.indexOf(chosen[0]) + by);
}

/** The selected shots go to a place among the others. Shown at once; the server's order comes back with the
 *  reply and is what stays. Only they are named: another tab may have moved others since. */
function place(at) {
  const moved = state.order.filter((id) => state.selection.includes(id));
  const rest = state.order.filter((id) => !moved.includes(id));
  const place = Math.min(rest.length, Math.max(0, at));
  const order = [...rest.slice(0, place), ...moved, ...rest.slice(place)];
  if (order.join() === state.order.join()) return;
  stage.reorder(order);
  reveal(state.cursor);
  send("move", { shots: moved, after: rest[place - 1] ?? null }, () => true);
}
