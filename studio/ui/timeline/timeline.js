// js_on_load of Timeline: `element`, `trigger`, `props` and `watch` are in scope.
// The template is static and Gradio never touches our DOM. The project itself lives in the page's store
// (assets/ui/store.js): patches come in through the `patch` prop of this component and go to the store, and cards
// repaint only where their shot is another object than the one they show.
const { h, text, attribute, picture, icon, tool, say, state } = stage;
const strip = element.querySelector(".tl-strip");
const bar = element.querySelector(".tl-bar");
const send = stage.sender("timeline", trigger);
const cards = new Map(); // shot id -> {el, parts, shot, number}
const STATUS = { draft: "draft", queued: "queued", drawing: "drawing", drawn: "drawn", failed: "failed" };

// ---------------------------------------------------------------- cards

function frame(side) {
  const img = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  const pin = h("span.tl-mark", { hidden: true }, icon("pin"));
  return { box: h(`div.tl-frame.tl-${side}`, {}, img, pin), img, pin };
}

function makeCard(id) {
  const start = frame("start");
  const end = frame("end");
  const parts = {
    start, end,
    empty: h("div.tl-empty", {}, "not drawn"),
    badge: h("span.tl-badge"),
    progress: h("div.tl-progress", { hidden: true }, h("div")),
    label: h("span.tl-label"),
    move: h("span.tl-move"),
    length: h("span.tl-length"),
    title: h("div.tl-title"),
    head: h("div.tl-head", { hidden: true }),
  };
  const pair = h("div.tl-pair", {}, start.box, end.box, parts.empty, parts.badge, parts.progress, parts.head);
  const line = h("div.tl-line", {}, parts.label, parts.move, parts.length);
  const el = h("div.tl-card", { role: "option", id: `shot-${id}`, "data-id": id, "aria-selected": "false" }, pair, line, parts.title);
  return { el, parts, shot: null, number: 0 };
}

const titleOf = (shot) => shot.title || shot.description || "No description yet";

/** What the badge says: work in progress first, then whether the picture still says what the words say. */
function badge(shot) {
  const { freshness, reasons } = shot.staleness;
  const why = reasons.join("; ");
  if (shot.status === "drawing") {
    return { kind: "drawing", word: `drawing ${Math.round((shot.job?.progress ?? 0) * 100)} %`, why: shot.job?.message ?? "" };
  }
  if (shot.status === "queued" || shot.status === "failed") {
    return { kind: shot.status, word: STATUS[shot.status], why: shot.job?.error ?? "" };
  }
  if (shot.take_id && freshness === "stale") return { kind: "stale", word: "stale", why };
  if (shot.take_id && freshness === "may drift") return { kind: "drift", word: "may drift", why };
  return { kind: shot.status, word: STATUS[shot.status], why };
}

function paint(card, shot, number) {
  const { parts, el } = card;
  const { kind, word, why } = badge(shot);
  picture(parts.start.img, shot.start_url, shot.start_alt);
  picture(parts.end.img, shot.end_url, shot.end_alt);
  for (const side of ["start", "end"]) {
    const mark = shot.frames_marked[side];
    parts[side].pin.hidden = mark !== true;
  }
  parts.empty.hidden = Boolean(shot.start_url);
  text(parts.badge, word);
  attribute(parts.badge, "data-kind", kind);
  attribute(parts.badge, "title", why || null);
  parts.progress.hidden = shot.status !== "drawing";
  parts.progress.firstChild.style.width = `${Math.round((shot.job?.progress ?? 0) * 100)}%`;
  text(parts.label, `${number} · ${shot.label}`);
  text(parts.move, say.move(shot.attributes.movement));
  attribute(parts.move, "title", shot.attributes.movement);
  text(parts.length, say.seconds(shot.seconds));
  text(parts.title, titleOf(shot));
  attribute(el, "data-kind", kind);
  attribute(el, "title", why ? `${word}: ${why}` : null);
  attribute(el, "aria-label", `Shot ${number}, ${shot.label}: ${titleOf(shot)}. `
    + `${say.seconds(shot.seconds)}, ${shot.attributes.movement}, ${word}${why ? `, ${why}` : ""}`);
  card.shot = shot;
  card.number = number;
}

function render() {
  let previous = null;
  state.order.forEach((id, index) => {
    const shot = state.shots.get(id);
    if (!cards.has(id)) cards.set(id, makeCard(id));
    const card = cards.get(id);
    if (card.shot !== shot || card.number !== index + 1) paint(card, shot, index + 1);
    const place = previous ? previous.nextSibling : strip.firstChild;
    if (place !== card.el) strip.insertBefore(card.el, place);
    previous = card.el;
  });
  for (const [id, card] of cards) {
    if (!state.shots.has(id)) { card.el.remove(); cards.delete(id); painted.delete(id); }
  }
  element.querySelector(".tl-none").hidden = state.order.length > 0;
  strip.hidden = !state.order.length;
  renderBar();
  paintSelection();
}

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
  cards.get(state.cursor)?.el.classList.add("cursor");
  paintedCursor = state.cursor;
  attribute(strip, "aria-activedescendant", state.cursor ? `shot-${state.cursor}` : null);
  for (const button of bar.querySelectorAll("[data-needs-shot]")) button.disabled = !state.selection.length;
}

// ---------------------------------------------------------------- selection

let anchor = null;
let pickTimer = 0;

function pick(ids, cursor) {
  stage.select(ids, cursor);
  // In the next frame: measuring now would lay the page out twice for every key.
  requestAnimationFrame(() => cards.get(state.cursor)?.el.scrollIntoView({ block: "nearest", inline: "nearest" }));
}

/** Asks for takes and memory of the selected shot, unless they are known. Debounced: keys repeat fast. */
function fetchDetails() {
  if (!state.cursor || stage.details()) return;
  clearTimeout(pickTimer);
  pickTimer = setTimeout(() => {
    if (state.cursor && !stage.details()) send("pick", { shot: state.cursor });
  }, 60);
}

const range = (from, to) => {
  const [a, b] = [state.order.indexOf(from), state.order.indexOf(to)];
  return state.order.slice(Math.min(a, b), Math.max(a, b) + 1);
};

function step(by, extend) {
  if (!state.order.length) return;
  const at = Math.max(0, state.order.indexOf(state.cursor));
  const to = state.order[Math.min(state.order.length - 1, Math.max(0, at + by))];
  if (extend) { anchor ??= state.cursor; pick(range(anchor, to), to); } else { anchor = to; pick([to], to); }
}

function move(by) {
  const at = state.order.indexOf(state.cursor);
  const to = at + by;
  if (at < 0 || to < 0 || to >= state.order.length) return;
  const order = [...state.order];
  order.splice(to, 0, ...order.splice(at, 1));
  reorder(order);
}

/** Shown at once; the server's order comes back with the reply and is what stays. */
function reorder(order) {
  state.order = order;
  stage.announce("shots");
  send("reorder", { order }, () => state.order.join() === order.join());
}

// ---------------------------------------------------------------- pointer: select and drag

let drag = null;

strip.addEventListener("pointerdown", (event) => {
  const card = event.target.closest(".tl-card");
  if (!card || event.button) return;
  strip.focus({ preventScroll: true });
  drag = { id: card.dataset.id, x: event.clientX, on: false, at: null, pointer: event.pointerId,
    toggle: event.ctrlKey || event.metaKey, extend: event.shiftKey };
});

strip.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (!drag.on && Math.abs(event.clientX - drag.x) > 6) {
    drag.on = true;
    strip.setPointerCapture(drag.pointer);
    if (!state.selection.includes(drag.id)) pick([drag.id], drag.id);
    strip.classList.add("dragging");
  }
  if (!drag.on) return;
  const box = strip.getBoundingClientRect();
  if (event.clientX > box.right - 40) strip.scrollLeft += 14;
  else if (event.clientX < box.left + 40) strip.scrollLeft -= 14;
  const rest = state.order.filter((id) => !state.selection.includes(id));
  const middle = (id) => { const b = cards.get(id).el.getBoundingClientRect(); return b.left + b.width / 2; };
  const found = rest.findIndex((id) => event.clientX < middle(id));
  drag.at = found < 0 ? rest.length : found;
  for (const card of strip.querySelectorAll(".drop-before, .drop-after")) card.classList.remove("drop-before", "drop-after");
  if (found >= 0) cards.get(rest[found]).el.classList.add("drop-before");
  else if (rest.length) cards.get(rest.at(-1)).el.classList.add("drop-after");
});

function drop(event) {
  if (!drag) return;
  const done = drag;
  drag = null;
  strip.classList.remove("dragging");
  for (const card of strip.querySelectorAll(".drop-before, .drop-after")) card.classList.remove("drop-before", "drop-after");
  if (event.type === "pointercancel") return;
  if (done.on) {
    const order = state.order.filter((id) => !state.selection.includes(id));
    order.splice(done.at ?? order.length, 0, ...state.order.filter((id) => state.selection.includes(id)));
    if (order.join() !== state.order.join()) reorder(order);
  } else if (done.extend && (anchor ?? state.cursor)) {
    anchor ??= state.cursor;
    pick(range(anchor, done.id), done.id);
  } else if (done.toggle) {
    const chosen = new Set(state.selection);
    if (!chosen.delete(done.id)) chosen.add(done.id);
    anchor = done.id;
    pick(state.order.filter((id) => chosen.has(id)), done.id);
  } else {
    anchor = done.id;
    pick([done.id], done.id);
  }
}
strip.addEventListener("pointerup", drop);
strip.addEventListener("pointercancel", drop);
strip.addEventListener("dblclick", () => stage.command.edit());

// ---------------------------------------------------------------- the bar above the strip, and its commands

const insert = (after) => send("insert", { after });
const commands = {
  next: () => step(1), previous: () => step(-1), extendNext: () => step(1, true), extendPrevious: () => step(-1, true),
  first: () => step(-state.order.length), last: () => step(state.order.length),
  moveLeft: () => move(-1), moveRight: () => move(1),
  selectAll: () => pick([...state.order], state.cursor ?? state.order[0]),
  insertAfter: () => state.head && insert(state.cursor),
  insertBefore: () => state.head && insert(state.order[state.order.indexOf(state.cursor) - 1] ?? null),
  duplicate: () => state.cursor && send("duplicate", { shot: state.cursor }),
  remove: () => state.selection.length && send("remove", { shots: state.selection }),
};
Object.assign(stage.command, commands);

const count = h("span.tl-count");
const selected = h("span.tl-selected");
const trashButton = h("button.s-quiet", { type: "button" }, icon("restore"), h("span"));
const trashList = h("div.s-pop.tl-trash", { role: "dialog", "aria-label": "Deleted shots" });
const keys = h("button.s-quiet", { type: "button", onclick: () => stage.command.help() }, icon("keys"), "Keys");
bar.append(
  h("h2.s-title", {}, "Timeline"), count, selected, h("span.s-grow"),
  h("button.s-quiet", { type: "button", onclick: commands.insertAfter, title: "New shot after the selected one (N)", id: "insert-shot" }, icon("plus"), "Shot"),
  h("button.s-quiet", { type: "button", onclick: commands.duplicate, "data-needs-shot": "", title: "Duplicate (D)" }, icon("copy"), "Duplicate"),
  h("button.s-quiet", { type: "button", onclick: commands.remove, "data-needs-shot": "", title: "To the trash (Delete)" }, icon("trash"), "Delete"),
  h("span.s-anchor", {}, trashButton, trashList), keys,
);
const trashPop = stage.popover(trashButton, trashList);

function renderBar() {
  text(count, state.head ? `${say.count(state.order.length, "shot")} · ${say.time(state.head.seconds)}` : "");
  text(selected, state.selection.length > 1 ? `${state.selection.length} selected` : "");
}

function renderTrash() {
  trashButton.hidden = !state.trash.length;
  text(trashButton.lastChild, `Trash ${state.trash.length}`);
  stage.fill(trashList, h("h3.s-title", {}, "Deleted shots"), state.trash.map((shot) =>
    h("div.tl-gone", {}, h("span", {}, titleOf(shot)),
      h("button.s-quiet", { type: "button", onclick: () => send("restore", { shot: shot.id }) }, "Restore"))));
  if (!state.trash.length) trashPop.close();
}

// ---------------------------------------------------------------- playhead

let headOn = null; // the shot whose card shows the playhead

function playhead() {
  const at = stage.playhead;
  const id = at.on ? at.shot : null;
  if (headOn !== id && cards.has(headOn)) cards.get(headOn).parts.head.hidden = true;
  headOn = id;
  if (!cards.has(id)) return;
  const { head } = cards.get(id).parts;
  head.hidden = false;
  head.style.left = `${(at.fraction * 100).toFixed(1)}%`;
}

// ---------------------------------------------------------------- news in, and the first request for everything

stage.on("shots head", render);
stage.on("select", () => { paintSelection(); renderBar(); });
stage.on("details shots", fetchDetails);
stage.on("project head trash", renderTrash);
stage.on("playhead", playhead);

function ready(project) {
  trigger("ready", { project, since: -1, ack: 0 });
}
watch("patch", () => stage.apply(props.patch));
stage.openProject = ready;
stage.whenLost(() => ready(state.head.id));
ready(new URL(location.href).searchParams.get("project") ?? localStorage.getItem("stage-project"));
