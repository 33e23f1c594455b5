// js_on_load of the memory panel: the pack as the model got it (half, quarter, eighth …), pins and bans.
const { h, text, attribute, fill, icon, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("memory");
const EVENTS = { true: { true: "unpin", false: "unban" }, false: { true: "pin", false: "ban" } };

/** "1E" for people: the end of shot 1. Other keys are words already. */
const nameOf = (key) => key.replace(/^(\d+)([SE])$/, (_, shot, side) => `${side === "S" ? "start" : "end"} of shot ${shot}`);

/** The mark of a frame: true pinned, false banned, undefined neither. */
const markOf = (shot, side) => state.shots.get(shot)?.frames_marked[side];

function mark(shot, side, pinned) {
  if (!state.shots.has(shot)) return;
  send(EVENTS[markOf(shot, side) === pinned][pinned], { shot, side });
}
stage.command.pinStart = () => pinSelected("start");
stage.command.pinEnd = () => pinSelected("end");
function pinSelected(side) {
  const shot = stage.shot();
  if (!shot?.start_url) { stage.notify("Draw this shot first; then its frames can be pinned."); return; }
  mark(shot.id, side, true);
}

// ---------------------------------------------------------------- this shot's own frames

const own = Object.fromEntries(["start", "end"].map((side) => {
  const pin = h("button.s-quiet", { type: "button", id: `pin-${side}`, onclick: () => pinSelected(side) }, icon("pin"), h("span"));
  const ban = h("button.s-tool", { type: "button", id: `ban-${side}`, onclick: () => mark(state.cursor, side, false) }, icon("ban"));
  return [side, { pin, ban, el: h("span.me-own", {}, pin, ban) }];
}));

function renderOwn(shot) {
  for (const side of ["start", "end"]) {
    const now = shot?.frames_marked[side];
    text(own[side].pin.lastChild, now === true ? `Pinned: ${side}` : `Pin ${side}`);
    attribute(own[side].pin, "aria-pressed", String(now === true));
    attribute(own[side].pin, "title", now === true ? "Take the pin out" : `Every other shot will remember this ${side} frame (${side === "end" ? "P" : "Shift P"})`);
    attribute(own[side].ban, "aria-pressed", String(now === false));
    const banned = now === false ? `Allow the ${side} frame in memory again` : `Ban the ${side} frame from every memory`;
    attribute(own[side].ban, "aria-label", banned);
    attribute(own[side].ban, "title", banned);
    own[side].pin.disabled = own[side].ban.disabled = !shot?.start_url;
  }
}

// ---------------------------------------------------------------- packs: as it was drawn, and as it would be now

function tile(frame, [rows, columns]) {
  const [y, x, height, width] = frame.box;
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  const img = h("img", {});
  stage.picture(img, frame.url, `${nameOf(frame.key)}, ${say.share(frame.share)} of the memory`);
  return h("div.me-tile", {
    "data-pinned": frame.pinned, title: `${nameOf(frame.key)} · ${say.share(frame.share)}`,
    style: { left: percent(x, columns), top: percent(y, rows), width: percent(width, columns), height: percent(height, rows) },
  }, img, frame.share > 0.1 && h("span", {}, frame.key));
}

function packOf(name) {
  const caption = h("figcaption");
  const tiles = h("div.me-pack", { role: "img" });
  const el = h("figure.me-figure", {}, tiles, caption);
  return { el, show(view, words) {
    el.hidden = !view?.packed.length;
    text(caption, words);
    attribute(tiles, "aria-label", `${name}: ${(view?.packed ?? []).map((f) => `${nameOf(f.key)} ${say.share(f.share)}`).join(", ")}`);
    if (el.hidden) return;
    tiles.style.aspectRatio = `${view.grid[1]} / ${view.grid[0]}`;
    fill(tiles, view.packed.map((frame) => tile(frame, view.grid)));
  } };
}

const drawn = packOf("The memory it was drawn with");
const now = packOf("The memory it would be drawn with now");
const unknown = h("div.me-unknown", {}, h("span"), h("button.s-quiet", { type: "button", id: "compare-frames",
  onclick: () => send("compare", { shot: state.cursor }) }, "Show what it would remember now"));
const table = h("table.me-table");
const from = h("p.s-hint");
const empty = h("p.s-empty");
const marks = h("div.me-marks");

const rankOf = (frame) => (frame ? `${frame.rank} · ${say.share(frame.share)}` : "–");

/** A frame of either pack: what it had, and what it would have. */
function row({ before, after }, columns) {
  const frame = after ?? before;
  const can = frame.shot_id && state.shots.has(frame.shot_id);
  const marked = can ? markOf(frame.shot_id, frame.side) : undefined;
  const button = (name, pinned, label) => tool(name, label, () => mark(frame.shot_id, frame.side, pinned),
    { "aria-pressed": String(marked === pinned), "data-act": name, "data-of": `${frame.shot_id} ${frame.side}` });
  const img = h("img", {});
  stage.picture(img, frame.url, "");
  const old = before && !before.current;
  return h("tr", { "data-old": old },
    h("td", {}, img), h("th", { scope: "row", title: [nameOf(frame.key), frame.later ? "From a later shot: a snapshot, as it was then" : old ? "This picture was replaced since" : null].filter(Boolean).join(". ") }, frame.key, frame.later && h("small", {}, " later")),
    columns.map((name) => h("td", {}, rankOf(name === "Now" ? after : before))),
    h("td", {}, frame.similarity === null ? "–" : frame.similarity.toFixed(2)),
    h("td.me-tools", {}, can && [button("pin", true, marked === true ? `Unpin the ${nameOf(frame.key)}` : `Pin the ${nameOf(frame.key)}`),
      button("ban", false, marked === false ? `Allow the ${nameOf(frame.key)} again` : `Ban the ${nameOf(frame.key)}`)]));
}

/** Both packs as one list: today's order first, then what would be gone. */
function union(before, after) {
  const rows = after.map((frame) => ({ after: frame, before: before.find((one) => one.sha256 === frame.sha256) }));
  return [...rows, ...before.filter((one) => !after.some((frame) => frame.sha256 === one.sha256)).map((one) => ({ before: one, after: null }))];
}

let shownPack = "";

function renderPacks(view, shot) {
  const preview = state.told.preview?.shot_id === shot?.id ? state.told.preview : null;
  const working = stage.activeJobs().some((job) => job.kind === "measure");
  const missing = preview?.missing ?? 0;
  unknown.hidden = !missing;
  text(unknown.firstChild, working ? "Comparing frames with this shot's words…"
    : `${say.count(missing, "frame")} ${missing === 1 ? "was" : "were"} not compared with this shot's words yet.`);
  stage.renew(unknown, () => { unknown.lastChild.hidden = working; });
  const before = view?.packed ?? [];
  const after = preview && !missing ? preview.packed : [];
  const marked = [...before, ...after].map((frame) => markOf(frame.shot_id, frame.side) ?? null);
  const key = JSON.stringify([shot?.id, before, after, marked, missing, preview?.same]);
  if (key === shownPack) return;
  shownPack = key;
  const same = Boolean(preview?.same);
  drawn.show(view, same ? "Drawn with, and the same now" : "Drawn with");
  now.show(same ? null : preview, shot?.take_id ? "Would be now" : "Would be drawn with");
  const known = preview && !missing;
  const columns = !before.length ? ["Now"] : same || !known ? ["Drawn"] : ["Drawn", "Now"];
  const list = same || !known ? before.map((frame) => ({ before: frame, after: null })) : union(before, after);
  table.hidden = !list.length;
  packs.hidden = drawn.el.hidden && now.el.hidden && unknown.hidden;
  stage.renew(table, () => fill(table, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "Frame"),
    columns.map((name) => h("th", { scope: "col", title: "Rank and share of the pack" }, name)),
    h("th", { scope: "col", title: "How alike the frame and this shot's words are (CLIP)" }, "Alike"), h("td"))),
  h("tbody", {}, list.map((item) => row(item, columns)))));
  empty.hidden = list.length > 0 || missing > 0;
}
const packs = h("div.me-packs", {}, drawn.el, now.el, unknown);

// Asked for again whenever something that bears on it may have changed.
const ask = stage.asker("preview", (data) => send("look", data));
function askPreview(shot) {
  if (!shot || !state.head) { ask(null); return; }
  const { saved, undo, redo, film, title, ...head } = state.head;
  ask(JSON.stringify([shot.id, shot.description, shot.pictures, head, state.order.map((id) => [id, state.shots.get(id).take_id])]), { shot: shot.id });
}

const scope = stage.segments("memory-scope", "Remembers", [["earlier", "earlier shots"], ["all", "all shots"]], "earlier");
scope.el.addEventListener("change", () => state.head && send("scope", { scope: scope.value }));

// ---------------------------------------------------------------- uploaded pictures: for this shot, or for the film

const uploads = h("div.me-marks.me-uploads");
const added = (everywhere) => (data) => state.cursor && send("show", { shot: state.cursor, everywhere, data });
const forShot = stage.upload.chooser("Pin a picture from your disk into this shot's memory", added(false), [icon("picture"), "This shot"]);
const forFilm = stage.upload.chooser("Pin a picture from your disk into every shot's memory, as the look of the film", added(true), [icon("picture"), "Every shot"]);
stage.upload.accept(uploads, added(false));
let shownUploads = null;

function renderUploads(shot) {
  uploads.hidden = !shot;
  const list = [...(shot?.pictures ?? []), ...(state.head?.look_pictures ?? [])];
  const key = JSON.stringify([shot?.id, list]);
  if (key === shownUploads) return;
  shownUploads = key;
  stage.renew(uploads, () => fill(uploads, h("span.s-label", {}, "Add a picture to"), forShot, forFilm, list.map((picture) => {
    const img = h("img", {});
    stage.picture(img, picture.url, "");
    return h("button.me-mark", { type: "button", "data-act": "hide", "data-of": picture.id, "data-pinned": true, title: `Take ${picture.key} out of memory`, "aria-label": `Take ${picture.key} out of memory`,
      onclick: () => send("hide", { picture: picture.id }) }, img, icon("close"), picture.key);
  })));
}

function renderMarks() {
  const list = state.head?.marks ?? [];
  stage.renew(marks, () => {
    marks.hidden = !list.length;
    fill(marks, list.length ? h("span.s-label", {}, "In every memory") : null, list.map((item) => {
      const img = h("img", {});
      stage.picture(img, item.url, "");
      const undo = item.pinned ? "Unpin" : "Allow again";
      return h("button.me-mark", {
        type: "button", "data-act": "unmark", "data-of": `${item.shot_id} ${item.side}`, "data-pinned": item.pinned,
        title: `${undo}: ${nameOf(item.key)}`, "aria-label": `${undo} ${nameOf(item.key)}`,
        onclick: () => mark(item.shot_id, item.side, item.pinned),
      }, img, icon(item.pinned ? "pin" : "ban"), item.key);
    }));
  });
}

function render() {
  const shot = stage.shot();
  const view = stage.details()?.memory ?? null;
  renderOwn(shot);
  text(empty, !shot ? "" : shot.number === 1 && state.head?.memory_scope !== "all" ? "The first shot has nothing to remember."
    : shot.take_id ? "Drawn without memory: there was no picture that it may remember." : "No other shot has a picture to remember yet.");
  renderPacks(view, shot);
  renderMarks();
  renderUploads(shot);
  scope.value = state.head?.memory_scope ?? "earlier";
  from.hidden = !view?.previous_end;
  const taken = stage.details()?.takes.find((take) => take.picked);
  text(from, taken?.lineage.previous_end ? `Continues from the end frame ${taken.lineage.previous_end}.` : "");
  askPreview(shot);
}

fill(body, h("div.s-head", {}, h("h2.s-title", {}, "Memory"), h("span.s-grow"), own.start.el, own.end.el),
  empty, packs, table, from, marks, uploads, scope.el);
stage.on("details select shots head preview jobs", render);
