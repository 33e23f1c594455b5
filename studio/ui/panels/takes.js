// js_on_load of the takes: a strip of all takes of the shot, and a sheet with everything about one of them.
const { h, text, attribute, fill, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("takes");
const strip = h("div.tk-strip", { role: "list" });
const empty = h("p.s-empty", {}, "No takes yet.");
const count = h("span.s-count");
const rejectedToggle = h("button.s-quiet", { type: "button", id: "show-rejected", "aria-pressed": "false" });
const cards = new Map(); // take -> {el, show}
let showRejected = false;
let shownShot = null;

rejectedToggle.addEventListener("click", () => { showRejected = !showRejected; render(); });

// ---------------------------------------------------------------- what can be done with a take

const listOf = (shot) => stage.details(shot)?.takes ?? [];
const now = (shot, id) => listOf(shot).find((take) => take.id === id) ?? null;

const use = (take) => send("choose", { shot: take.shot_id, take: take.id });
const repeat = (take) => send("repeat", { shot: take.shot_id, take: take.id });

/** Says something about a take; an edit, so the page waits until it is read back. */
function mention(take, field, value, done = () => {}) {
  send("mention", { shot: take.shot_id, take: take.id, [field]: value }, () => {
    const there = now(take.shot_id, take.id);
    const good = there ? stage.same(there[field], value) : null;
    done(good);
    return good;
  });
}

/** Against the take in the film; the one in the film against the newest other. */
function compare(take) {
  const list = listOf(take.shot_id);
  const other = list.find((item) => item.picked && item.id !== take.id) ?? list.find((item) => item.id !== take.id);
  if (!other) { stage.notify("There is only one take: draw another one to compare."); return; }
  const [a, b] = take.picked ? [take, other] : [other, take];
  stage.compare(take.shot_id, a.id, b.id, use);
}
stage.command.compare = () => {
  const list = stage.details()?.takes ?? [];
  if (list.length > 1) compare(list.find((take) => !take.picked));
  else stage.notify("There is only one take: draw another one to compare.");
};

// ---------------------------------------------------------------- a card of the strip

function image(side) {
  const img = h("img", {});
  return { img, show: (take) => stage.picture(img, take[`${side}_url`], `Take ${take.number}, ${side} frame`) };
}

function makeCard(id, shot) {
  let known = null; // the take as it was last shown: while the list is asked for again, nothing is lost
  const find = () => known;
  const [start, end] = [image("start"), image("end")];
  const look = h("button.tk-pair", { type: "button", onclick: () => openSheet(find()) }, start.img, end.img);
  const name = h("strong");
  const lock = h("span.tk-lock", { title: "Protected: it cannot be purged" }, stage.icon("lock"));
  const how = h("span.tk-how");
  const said = h("p.tk-said");
  const pick = h("button.s-quiet.tk-pick", { type: "button", onclick: () => use(find()) }, "Use");
  const picked = h("span.tk-picked", {}, stage.icon("check"), "In the film");
  const versus = tool("compare", "Compare", () => compare(find()));
  const reject = tool("reject", "Reject", () => mention(find(), "rejected", !find().rejected), { "data-act": "reject", "data-of": id });
  const more = tool("more", "More", () => openSheet(find()));
  const el = h("div.tk-card", { role: "listitem" }, look, h("div.tk-line", {}, name, lock, how),
    said, h("div.tk-line", {}, pick, picked, h("span.s-grow"), versus, reject, more));
  function show(take) {
    const { lineage } = take;
    known = take;
    start.show(take);
    end.show(take);
    attribute(el, "data-picked", take.picked);
    attribute(el, "data-rejected", take.rejected);
    attribute(look, "aria-label", `Look at take ${take.number}`);
    text(name, `Take ${take.number}`);
    lock.hidden = !take.locked;
    const untrained = ["zero-shot", "hosted"].includes(lineage.mode) && "zero-shot"; // by a model that learnt no pairs
    const recipe = lineage.imported ? ["came with the film"] : [`seed ${lineage.seed}`, `${lineage.steps} steps`];
    text(how, [untrained, ...recipe].filter(Boolean).join(" · "));
    attribute(how, "title", lineage.imported ? null : `Drawn in ${say.seconds(take.seconds)}`);
    text(said, [take.again, take.note].filter(Boolean).join(" · "));
    attribute(said, "title", said.textContent || null);
    said.hidden = !said.textContent;
    const pressed = pick === document.activeElement && take.picked; // a button that goes leaves the keys to its neighbour
    pick.hidden = take.picked;
    picked.hidden = !take.picked;
    attribute(pick, "aria-label", `Use take ${take.number}`);
    attribute(pick, "title", "Use this take in the film");
    versus.disabled = listOf(shot).length < 2;
    attribute(versus, "aria-label", `Compare take ${take.number}`);
    reject.hidden = take.picked;
    attribute(reject, "aria-pressed", String(take.rejected));
    const words = take.rejected ? `Take ${take.number} back` : `Reject take ${take.number}`;
    attribute(reject, "aria-label", words);
    attribute(reject, "title", words);
    attribute(more, "aria-label", `More about take ${take.number}`);
    if (pressed) more.focus();
  }
  return { el, show };
}

function render() {
  const shot = state.cursor;
  const list = listOf(shot);
  if (shown(shot)) cards.clear();
  const rejected = list.filter((take) => take.rejected).length;
  text(count, list.length ? String(list.length) : "");
  rejectedToggle.hidden = !rejected;
  attribute(rejectedToggle, "aria-pressed", String(showRejected));
  text(rejectedToggle, `${showRejected ? "Hide" : "Show"} ${rejected} rejected`);
  const visible = list.filter((take) => showRejected || !take.rejected);
  empty.hidden = list.length > 0;
  prefer.hidden = list.length < 2;
  strip.hidden = !visible.length;
  const wanted = visible.map((take) => {
    if (!cards.has(take.id)) cards.set(take.id, makeCard(take.id, shot));
    cards.get(take.id).show(take);
    return cards.get(take.id).el;
  });
  if (wanted.length !== strip.children.length || wanted.some((el, i) => strip.children[i] !== el)) stage.renew(strip, () => fill(strip, wanted));
  renderSheet();
}

function shown(shot) {
  const other = shot !== shownShot;
  shownShot = shot;
  return other;
}

// ---------------------------------------------------------------- the sheet: all about one take

let sheet = null;

function buildSheet() {
  const title = h("h2");
  const [start, end] = [image("start"), image("end")];
  const find = () => sheet.take;
  const button = (id, act) => h("button.s-button", { type: "button", id, onclick: () => act(find()) });
  const actions = {
    use: button("take-use", use), compare: button("take-compare", (take) => { el.close(); compare(take); }),
    reject: button("take-reject", (take) => mention(take, "rejected", !take.rejected)),
    lock: button("take-lock", (take) => mention(take, "locked", !take.locked)),
    repeat: button("take-repeat", (take) => { repeat(take); el.close(); }),
    purge: button("take-purge", (take) => { sheet.asked = true; send("weigh", { shot: take.shot_id, take: take.id }); }),
  };
  const again = h("p.tk-again");
  const purging = h("div.tk-purge", { role: "alert" });
  const note = stage.field({
    label: "Note", control: stage.input({ id: "take-note", maxlength: 1000, placeholder: "What to remember about this take" }),
    save: (value, of, done) => mention({ shot_id: of.shot, id: of.id }, "note", value, done),
  });
  const facts = h("dl.tk-made");
  const copy = h("button.s-quiet", { type: "button", id: "take-copy", onclick: () => copyFacts(find()) }, stage.icon("copy"), h("span", {}, "Copy"));
  const el = h("dialog.s-sheet.tk-sheet", {},
    h("div.s-sheet-head", {}, title, tool("close", "Close", () => el.close())),
    h("div.tk-big", {}, start.img, end.img), again,
    h("div.tk-actions", {}, Object.values(actions)), purging, note.el,
    h("div.tk-facts-head", {}, h("h3.s-title", {}, "How it was drawn"), copy), facts);
  el.addEventListener("close", () => note.flush());
  document.body.append(el);
  return { el, title, start, end, actions, again, purging, note, facts, copy, shot: null, id: null, take: null, asked: false, context: null };
}

function openSheet(take) {
  sheet ??= buildSheet();
  const [shot, id] = [take.shot_id, take.id];
  Object.assign(sheet, { shot, id, take, asked: false, context: { shot, id } });
  renderSheet();
  sheet.el.showModal();
}

function renderSheet() {
  if (!sheet) return;
  const take = stage.details(sheet.shot) ? now(sheet.shot, sheet.id) : sheet.take;
  if (!take) { if (sheet.el.open) sheet.el.close(); return; }
  const { actions } = sheet;
  sheet.take = take;
  text(sheet.title, take.label);
  attribute(sheet.el, "aria-label", take.label);
  sheet.start.show(take);
  sheet.end.show(take);
  text(sheet.again, take.again && `${take.again[0].toUpperCase()}${take.again.slice(1)}.`);
  sheet.again.hidden = !take.again;
  text(actions.use, take.picked ? "In the film" : "Use this take");
  actions.use.disabled = take.picked;
  text(actions.compare, "Compare");
  actions.compare.disabled = listOf(sheet.shot).length < 2;
  text(actions.reject, take.rejected ? "Take it back" : "Reject");
  actions.reject.disabled = take.picked;
  text(actions.lock, take.locked ? "Allow purging" : "Protect from purge");
  attribute(actions.lock, "title", "A protected take cannot be deleted for good; drawing over the shot is another matter");
  text(actions.repeat, "Draw again exactly");
  attribute(actions.repeat, "title", "The same words, seed, frames and memory, from the record of this take");
  text(actions.purge, "Purge…");
  sheet.note.show(take.note, sheet.context);
  fill(sheet.facts, take.facts.map(({ name, value }) => [h("dt", {}, name), h("dd", {}, value)]));
  renderPurge(take);
}

/** Asks before the only thing here that cannot be undone, and says what goes. */
function renderPurge(take) {
  const plan = stage.details(sheet.shot)?.purge;
  const ready = sheet.asked && plan?.take_id === take.id;
  sheet.purging.hidden = !ready;
  if (!ready) { fill(sheet.purging); return; }
  const cancel = h("button.s-quiet", { type: "button", onclick: () => { sheet.asked = false; renderSheet(); } }, plan.refusal ? "Close" : "Keep it");
  if (plan.refusal) { fill(sheet.purging, h("span", {}, plan.refusal), cancel); return; }
  fill(sheet.purging,
    h("span", {}, `This deletes ${plan.label} for good: ${plan.goes.join(", ")} (${stage.say.bytes(plan.frees)}). It cannot be undone.`),
    h("button.s-button.tk-gone", { type: "button", id: "take-purge-now", onclick: () => send("purge", { shot: take.shot_id, take: take.id }) }, "Purge for good"), cancel);
}

async function copyFacts(take) {
  const lines = take.facts.map(({ name, value }) => `${name}: ${value}`);
  const words = [take.label, ...(take.again ? [take.again] : []), ...lines].join("\n");
  try {
    await navigator.clipboard.writeText(words);
    text(sheet.copy.lastChild, "Copied");
    setTimeout(() => text(sheet.copy.lastChild, "Copy"), 2000);
  } catch {
    getSelection().selectAllChildren(sheet.facts);
    text(sheet.copy.lastChild, "Selected: press Ctrl C");
  }
}

// ---------------------------------------------------------------- preferences to learn from

const prefer = tool("download", "Download preferences: the picked takes against the others, to train on", () => send("prefer"), { id: "preferences" });
let delivered = null;
stage.on("preferences", () => {
  const found = state.told.preferences;
  if (!found || found === delivered) return;
  delivered = found;
  h("a", { href: stage.media(found.url), download: "" }).click();
  stage.notify(`${say.count(found.rejected, "pair")} that ${found.rejected === 1 ? "was" : "were"} not picked, with what was, in a zip.`);
});

fill(body, h("div.s-head", {}, h("h2.s-title", {}, "Takes"), count, h("span.s-grow"), rejectedToggle, prefer), empty, strip);
stage.on("details select", render);
