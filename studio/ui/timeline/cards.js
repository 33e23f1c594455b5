// js_on_load of Timeline, first part: what is shared by all parts, and the cards. The parts are joined in the order that
// timeline.py names; `element`, `trigger` and `server` are in scope.
// The template is static and Gradio never touches our DOM. The project itself lives in the page's store
// (assets/ui/store.js), and cards repaint only where their shot is another object than the one they show.
const { h, text, attribute, picture, icon, tool, say, state } = stage;
const scroller = element.querySelector(".tl-scroll");
const strip = element.querySelector(".tl-strip");
const ruler = element.querySelector(".tl-ruler");
const bar = element.querySelector(".tl-bar");
const send = stage.sender("timeline");
const cards = new Map(); // shot id -> {el, parts, shot, number}
const STATUS = { draft: "draft", queued: "queued", drawing: "drawing", drawn: "drawn", failed: "failed" };

/** Changes fields of shots, {id: {field: value}}, as one command; `verify` says whether what came back holds them. */
stage.edit = (edits, verify) => send("write", { edits }, verify);

function frame(side) {
  const img = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  const pin = h("span.tl-mark", { hidden: true, title: `The ${side} frame is pinned into the memory of other shots` }, icon("pin"));
  return { box: h(`div.tl-frame.tl-${side}`, {}, img, pin), img, pin };
}

function makeCard(id) {
  const start = frame("start");
  const end = frame("end");
  const parts = {
    start, end,
    empty: h("div.tl-empty", {}, "not drawn"),
    badge: h("span.tl-badge"),
    lock: h("span.tl-lock", { hidden: true, title: "Locked: this picture is kept and never drawn over" }, icon("lock")),
    clip: h("span.tl-clip", { hidden: true, role: "img" }, icon("film")),
    progress: h("div.tl-progress", { hidden: true }, h("div")),
    number: h("span"),
    slate: h("span.tl-slate"),
    move: h("span.tl-move"),
    length: h("span.tl-length"),
    title: h("span"),
    cut: h("span.tl-cut", { hidden: true, role: "img" }),
    trim: h("div.tl-trim", { title: "Drag to change the length" }),
  };
  const pair = h("div.tl-pair", {}, start.box, end.box, parts.empty, parts.lock, parts.badge, parts.clip, parts.progress);
  parts.label = h("span.tl-label", { title: "Scene and slate: double-click to change them" }, parts.number, parts.slate);
  const line = h("div.tl-line", {}, parts.label, parts.move, parts.length);
  const el = h("div.tl-card", { role: "option", id: `shot-${id}`, "data-id": id, "aria-selected": "false" },
    pair, line, h("div.tl-title", { title: "Double-click to rename" }, parts.title), parts.trim, parts.cut);
  return { el, parts, shot: null, number: 0 };
}

/** What the sign of the clip says: on its way, failed, stale, or there; null without one. */
function clipSign(shot) {
  const job = shot.clip_job;
  if (job?.state === "failed") return { kind: "failed", word: `the clip failed: ${job.error}` };
  const waits = job?.state === "paused" ? "the clip is paused" : "the clip waits";
  if (job) return { kind: "drawing", word: job.state === "running" ? `rendering ${Math.round(job.progress * 100)} %` : waits };
  if (!shot.clip_url) return null;
  const { freshness, reasons } = shot.clip_staleness;
  return freshness === "stale" ? { kind: "stale", word: `the clip is stale: ${reasons.join("; ")}` } : { kind: "drawn", word: "rendered" };
}

const titleOf = (shot) => shot.title || shot.description || "No description yet";

/** What the badge says: work in progress first, then whether the picture still says what the words say. */
function badge(shot) {
  const { freshness, reasons } = shot.staleness;
  const why = reasons.join("; ");
  if (shot.status === "drawing") {
    const { progress, message } = shot.job ?? {};
    return { kind: "drawing", word: progress ? `drawing ${say.progress(shot.job)}` : "starting", why: message ?? "" };
  }
  if (shot.status === "queued" || shot.status === "failed") {
    const held = shot.job?.state === "paused";
    return { kind: shot.status, word: held ? "paused" : STATUS[shot.status], why: shot.job?.error ?? "" };
  }
  if (shot.take_id && freshness === "stale") return { kind: "stale", word: "stale", why };
  if (shot.take_id && freshness === "may drift") return { kind: "drift", word: "may drift", why };
  if (shot.take_id && freshness === "kept") return { kind: "kept", word: "kept", why: `though ${why}` };
  return { kind: shot.status, word: STATUS[shot.status], why };
}

function paint(card, shot, number) {
  const { parts, el } = card;
  const { kind, word, why } = badge(shot);
  picture(parts.start.img, shot.start_url, shot.start_alt);
  picture(parts.end.img, shot.end_url, shot.end_alt);
  for (const side of ["start", "end"]) parts[side].pin.hidden = shot.frames_marked[side] !== true;
  parts.empty.hidden = Boolean(shot.start_url);
  parts.lock.hidden = !shot.locked;
  text(parts.badge, word);
  attribute(parts.badge, "data-kind", kind);
  attribute(parts.badge, "title", why ? `${word}: ${why}` : word);
  const clip = clipSign(shot);
  parts.clip.hidden = !clip;
  attribute(parts.clip, "data-kind", clip?.kind ?? null);
  for (const name of ["title", "aria-label"]) attribute(parts.clip, name, clip?.word ?? null);
  parts.progress.hidden = shot.status !== "drawing";
  stage.bar(parts.progress, shot.job?.progress ?? 0);
  text(parts.number, String(number));
  text(parts.slate, ` · ${shot.label}`);
  text(parts.move, say.move(shot.attributes.movement));
  attribute(parts.move, "title", shot.attributes.movement);
  paintLength(card, shot.attributes.length);
  text(parts.title, titleOf(shot));
  const odd = shot.cut?.reasons.join("; ") ?? "";
  parts.cut.hidden = !odd;
  for (const name of ["title", "aria-label"]) attribute(parts.cut, name, odd ? `The cut to shot ${number + 1} stands out: ${odd}` : null);
  attribute(el, "data-kind", kind);
  attribute(el, "aria-label", `Shot ${number}, ${shot.label}: ${titleOf(shot).replace(/\.$/, "")}. `
    + `${say.seconds(shot.seconds)}, ${shot.attributes.movement}, ${shot.locked ? "locked, " : ""}${word}${why ? `, ${why}` : ""}${clip ? `, ${clip.word}` : ""}${odd ? `. The cut after it stands out: ${odd}` : ""}`);
  card.shot = shot;
  card.number = number;
}

/** The length of a card in frames, as it is or as it is being dragged (then with what changes). */
function paintLength(card, frames, before = null) {
  const rate = state.head.rate;
  const change = before === null ? 0 : frames - before;
  text(card.parts.length, before === null ? say.seconds(frames / rate)
    : `${(frames / rate).toFixed(2)} s · ${frames} f (${change < 0 ? "−" : "+"}${Math.abs(change)})`);
  card.el.classList.toggle("trimming", before !== null);
  const width = widthOf(frames);
  if (card.width !== width) { card.el.style.width = card.el.style.flexBasis = `${width}px`; card.width = width; }
}

// ---------------------------------------------------------------- the strip: cards in order, a mark before each scene

const sceneMarks = []; // reused from the front

function sceneMark(index, scene) {
  sceneMarks[index] ??= h("div.tl-scene", { role: "presentation" }, h("span"));
  text(sceneMarks[index].firstChild, `Scene ${scene}`);
  return sceneMarks[index];
}

/** Where every card lies, from widths alone: the page need not be laid out to know it. */
let layout = [];

function arrange() {
  const shots = stage.shots();
  const several = shots.some((shot) => shot.scene !== shots[0].scene);
  const nodes = [];
  let [x, at, marks] = [PAD, 0, 0];
  layout = shots.map((shot, index) => {
    if (several && shot.scene !== shots[index - 1]?.scene) {
      nodes.push(sceneMark(marks++, shot.scene));
      x += SCENE + gap();
    }
    const card = cards.get(shot.id);
    nodes.push(card.el);
    const place = { id: shot.id, x, width: card.width, from: at, length: shot.attributes.length };
    x += card.width + gap();
    at += shot.attributes.length;
    return place;
  });
  for (const mark of sceneMarks.splice(marks)) mark.remove();
  let next = strip.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling; else strip.insertBefore(node, next);
  }
  paintRuler(x - gap() + PAD);
}

function render() {
  for (const [id, card] of cards) {
    if (!state.shots.has(id)) { card.el.remove(); cards.delete(id); painted.delete(id); }
  }
  state.order.forEach((id, index) => {
    const shot = state.shots.get(id);
    if (!cards.has(id)) cards.set(id, makeCard(id));
    const card = cards.get(id);
    if (card.shot !== shot || card.number !== index + 1) paint(card, shot, index + 1);
  });
  arrange();
  element.querySelector(".tl-none").hidden = state.order.length > 0;
  scroller.hidden = !state.order.length;
  renderBar();
  paintSelection();
}
