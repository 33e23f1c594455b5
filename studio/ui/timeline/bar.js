// The bar above the strip: commands that keys and buttons share, the trash, the zoom.
const insert = (after) => send("insert", { after });
const before = (id) => state.order[state.order.indexOf(id) - 1] ?? null;

/** In two: at the playhead when it stands in this shot, else in the middle. */
function split() {
  const id = state.cursor;
  const place = layout.find((item) => item.id === id);
  if (!place) return;
  const { on, shot, frame: at } = stage.playhead;
  send("split", { shot: id, at: on && shot === id ? Math.round(at - place.from) : null });
}

let going = null; // shots on their way to the trash: {ids, words}
function remove() {
  const ids = state.order.filter((id) => state.selection.includes(id));
  if (!ids.length) return;
  const numbers = ids.map((id) => state.shots.get(id).number);
  going = { ids, words: ids.length > 1 ? `Shots ${numbers.join(", ")} are in the trash.` : `Shot ${numbers[0]} is in the trash.` };
  send("remove", { shots: ids });
}

let told = []; // what said that shots are gone: {ids, note}

/** Said while it is so; the way back is the undo of that very command, whatever is edited since. */
function tellGone() {
  for (const { ids, note } of told) if (ids.some((id) => state.shots.has(id))) note.remove();
  told = told.filter(({ note }) => note.isConnected);
  if (!going || going.ids.some((id) => state.shots.has(id))) return;
  const [{ ids, words }, command] = [going, state.head.undo?.id];
  going = null;
  const back = { label: ids.length > 1 ? "Bring them back" : "Bring it back", act: () => stage.command.undo(command) };
  told.push({ ids, note: stage.notify(words, "info", back) });
}

const commands = {
  next: () => step(1), previous: () => step(-1), extendNext: () => step(1, true), extendPrevious: () => step(-1, true),
  first: () => step(-state.order.length), last: () => step(state.order.length),
  extendFirst: () => step(-state.order.length, true), extendLast: () => step(state.order.length, true),
  wanderNext: () => wander(1), wanderPrevious: () => wander(-1), toggle: () => toggle(),
  moveLeft: () => move(-1), moveRight: () => move(1),
  selectAll: () => state.order.length && pick([...state.order], state.cursor ?? state.order[0]),
  insertAfter: () => state.head && insert(state.cursor),
  insertBefore: () => state.head && insert(before(state.cursor)),
  duplicate: () => state.cursor && send("duplicate", { shot: state.cursor }),
  split,
  remove,
  rename: () => rename(),
  shorter: () => nudge(-1), longer: () => nudge(1),
  muchShorter: () => nudge(-Math.round(state.head.rate / 2)), muchLonger: () => nudge(Math.round(state.head.rate / 2)),
  zoomIn: () => zoom(1), zoomOut: () => zoom(-1),
};
Object.assign(stage.command, commands);

const button = (name, label, title, act, more = {}) =>
  h("button.s-quiet", { type: "button", onclick: act, title, ...more }, icon(name), h("span", {}, label));
const count = h("span.tl-count");
const selected = h("span.tl-selected", { role: "status" });
const trashButton = h("button.s-quiet", { type: "button", id: "trash" }, icon("restore"), h("span"));
const trashList = h("div.s-pop.tl-trash", { role: "dialog", "aria-label": "Deleted shots" });
bar.append(
  h("h2.s-title", {}, "Timeline"), count, selected, h("span.s-grow"),
  button("plus", "Shot", "New shot after the selected one (N), before it (Shift N)", commands.insertAfter, { id: "insert-shot" }),
  button("copy", "Duplicate", "Duplicate (D)", commands.duplicate, { "data-needs-shot": "" }),
  button("cut", "Split", "Split in two at the playhead, else in the middle (S)", commands.split, { "data-needs-shot": "", id: "split-shot" }),
  button("trash", "Delete", "To the trash (Delete)", commands.remove, { "data-needs-shot": "" }),
  h("span.s-anchor", {}, trashButton, trashList),
  h("span.tl-zoom", { role: "group", "aria-label": "Zoom" }, zoomOut, zoomIn),
  button("keys", "Keys", "All keys (?)", () => stage.command.help()),
);
const trashPop = stage.popover(trashButton, trashList);

function renderBar() {
  text(count, state.head ? `${say.count(state.order.length, "shot")} · ${say.time(state.head.seconds)}` : "");
  text(selected, state.selection.length > 1 ? `${state.selection.length} selected` : "");
}

function renderTrash() {
  trashButton.classList.toggle("tl-unused", !state.trash.length); // its place is kept: the other buttons stay put
  text(trashButton.lastChild, `Trash ${state.trash.length}`);
  const had = trashList.contains(document.activeElement);
  stage.fill(trashList, h("h3.s-title", {}, "Deleted shots"), state.trash.map((shot) =>
    h("div.tl-gone", {},
      shot.start_url ? h("img", { src: stage.media(shot.start_url), alt: "" }) : h("span.tl-none-drawn", {}),
      h("span", { title: titleOf(shot) }, h("strong", {}, shot.label), ` ${titleOf(shot)}`),
      h("button.s-quiet", { type: "button", "aria-label": `Restore ${titleOf(shot)}`, onclick: () => send("restore", { shot: shot.id }) }, "Restore"))));
  if (!state.trash.length) trashPop.close();
  if (had) (trashList.querySelector("button") ?? strip).focus(); // the button that was pressed is gone
}
