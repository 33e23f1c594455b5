// js_on_load of the memory panel: the pack as the model got it (half, quarter, eighth …), pins and bans.
const { h, text, attribute, fill, icon, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("memory", trigger);
const EVENTS = { true: { true: "unpin", false: "unban" }, false: { true: "pin", false: "ban" } };

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

// ---------------------------------------------------------------- the pack

function tile(frame, [rows, columns]) {
  const [y, x, height, width] = frame.box;
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  const img = h("img", {});
  stage.picture(img, frame.url, `Frame ${frame.key}, ${say.share(frame.share)} of the memory`);
  return h("div.me-tile", {
    "data-pinned": frame.pinned, title: `${frame.key} · ${say.share(frame.share)}`,
    style: { left: percent(x, columns), top: percent(y, rows), width: percent(width, columns), height: percent(height, rows) },
  }, img, frame.share > 0.1 && h("span", {}, frame.key));
}

function row(frame) {
  const can = frame.shot_id && state.shots.has(frame.shot_id);
  const now = can ? markOf(frame.shot_id, frame.side) : undefined;
  const button = (name, pinned, label) => tool(name, label, () => mark(frame.shot_id, frame.side, pinned), { "aria-pressed": String(now === pinned) });
  const img = h("img", {});
  stage.picture(img, frame.url, "");
  return h("tr", { "data-old": !frame.current },
    h("td", {}, img), h("th", { scope: "row" }, frame.key), h("td", {}, say.share(frame.share)),
    h("td", {}, frame.similarity === null ? "–" : frame.similarity.toFixed(2)),
    h("td.me-tools", {}, can && [button("pin", true, now === true ? `Unpin ${frame.key}` : `Pin ${frame.key}`),
      button("ban", false, now === false ? `Allow ${frame.key} again` : `Ban ${frame.key}`)]));
}

const pack = h("div.me-pack", { role: "img", "aria-label": "The memory pack as it is tiled" });
const table = h("table.me-table");
const from = h("p.s-hint");
const empty = h("p.s-empty");
const marks = h("div.me-marks");
let shownPack = null;

function renderPack(view, shot) {
  const marked = JSON.stringify((view?.packed ?? []).map((frame) => markOf(frame.shot_id, frame.side) ?? null));
  if (shownPack?.view === view && shownPack?.marked === marked) return;
  shownPack = { view, marked };
  const frames = view?.packed ?? [];
  pack.hidden = table.hidden = !frames.length;
  if (!frames.length) return;
  pack.style.aspectRatio = `${view.grid[1]} / ${view.grid[0]}`;
  fill(pack, frames.map((frame) => tile(frame, view.grid)));
  fill(table, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "Frame"), h("th", { scope: "col" }, "Share"),
    h("th", { scope: "col", title: "How alike the frame and this shot's words are" }, "Alike"), h("td"))), h("tbody", {}, frames.map(row)));
}

function renderMarks() {
  const list = state.head?.marks ?? [];
  marks.hidden = !list.length;
  fill(marks, list.length ? h("span.s-label", {}, "In every memory") : null, list.map((item) => {
    const img = h("img", {});
    stage.picture(img, item.url, "");
    const undo = item.pinned ? "Unpin" : "Allow again";
    return h("button.me-mark", { type: "button", "data-pinned": item.pinned, title: `${undo}: ${item.key}`, "aria-label": `${undo} ${item.key}`,
      onclick: () => mark(item.shot_id, item.side, item.pinned) }, img, icon(item.pinned ? "pin" : "ban"), item.key);
  }));
}

function render() {
  const shot = stage.shot();
  const view = stage.details()?.memory ?? null;
  renderOwn(shot);
  renderPack(view, shot);
  renderMarks();
  const frames = view?.packed.length ?? 0;
  empty.hidden = frames > 0;
  text(empty, !shot ? "" : !shot.take_id ? "What this shot remembers of the others is here once it is drawn."
    : "Drawn without memory: no other shot had a picture yet.");
  from.hidden = !view?.previous_end;
  const taken = stage.details()?.takes.find((take) => take.picked);
  text(from, taken?.lineage.previous_end ? `Continues from the end frame ${taken.lineage.previous_end}.` : "");
}

fill(body, h("div.s-head", {}, h("h2.s-title", {}, "Memory"), h("span.s-grow"), own.start.el, own.end.el),
  empty, h("div.me-body", {}, pack, table), from, marks);
stage.on("details select shots head", render);
