// js_on_load of the draw controls: what to draw, how many takes, which frame is given, and the recipe in a fold.
const { h, text, attribute, fill, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("draw");
const REMEMBERED = "stage-draw";

const one = h("button.s-button.s-primary", { type: "button", id: "draw-this", title: "Draw the selected shots (R)", onclick: drawSelected }, h("span", {}, "Draw"), h("span.dr-time"));
const all = h("button.s-button", { type: "button", id: "draw-all", onclick: drawAll },
  h("span", {}, "Draw all"), h("span.dr-time"));
const takes = stage.segments("takes", "Takes", ["1", "2", "3", "4", "6", "8"].map((n) => [n, `${n}×`]), "1");

// ---------------------------------------------------------------- the frame that is given

const GIVEN = [["", "Both frames new"], ["start", "Keep the start"], ["end", "Keep the end"], ["previous", "Continue from the shot before"],
  ["start picture", "Start on a picture…"], ["end picture", "End on a picture…"]];
const given = h("select.s-input.dr-given", { id: "draw-given", "aria-label": "The frame that is given" }, GIVEN.map(([value, label]) => h("option", { value }, label)));
const thumb = h("img", {});
const chosen = h("span.dr-chosen", { hidden: true }, thumb, stage.tool("close", "Another picture, or none", () => { given.value = ""; forget(); }));
const picker = stage.upload.chooser("Choose the picture of the frame", (data) => { picture = data; render(); }, [stage.icon("picture"), h("span", {}, "Choose")]);
let picture = null; // base64 of an uploaded frame
let sent = null; // what was given with the last drawing
let givenTo = null; // the shot that it was chosen for: the next one starts with two new frames again

const uploading = () => given.value.endsWith("picture");
function forget() { picture = null; render(); }
given.addEventListener("change", () => {
  picture = null;
  givenTo = state.cursor;
  if (uploading()) picker.click();
  render();
});

// ---------------------------------------------------------------- the recipe, remembered in this browser

const number = (id, attributes) => stage.input({ id, type: "number", ...attributes });
const seed = number("draw-seed", { min: 0, step: 1, placeholder: "random" });
const steps = number("draw-steps", { min: 1, step: 1 });
const guidance = number("draw-guidance", { min: 1, step: 0.1 });
const following = number("draw-memory-guidance", { min: 1, max: 10, step: 0.1, title: "How closely people and places follow the memory frames; 1 is as trained, more takes longer" });
const recipe = { seed, steps, guidance, following };
const labelled = (label, control) => h("label.s-field", {}, h("span.s-label", {}, label), control);
const reset = h("button.s-quiet", { type: "button", id: "draw-reset", onclick: () => { for (const control of Object.values(recipe)) control.value = ""; remember(); render(); } }, "As the profile says");
const told = h("span.dr-told");
const fold = h("details.dr-fold", { id: "draw-fold" }, h("summary", {}, h("span", {}, "Advanced"), told),
  h("div.dr-advanced", {}, labelled("Seed", seed), labelled("Steps", steps), labelled("Guidance", guidance), labelled("Memory guidance", following), reset));

const value = (control) => (control.value.trim() === "" ? null : Number(control.value));
function remember() {
  stage.memory.set(REMEMBERED, { ...Object.fromEntries(Object.entries(recipe).map(([name, control]) => [name, control.value])),
    takes: takes.value, open: fold.open });
}
function recall() {
  const kept = stage.memory.get(REMEMBERED) ?? {};
  for (const [name, control] of Object.entries(recipe)) control.value = kept[name] ?? "";
  takes.value = kept.takes;
  takes.value ??= "1"; // none of them is chosen yet
  fold.open = Boolean(kept.open);
}
for (const control of [...Object.values(recipe), takes.el]) control.addEventListener("input", () => { remember(); render(); });
fold.addEventListener("toggle", remember);

// ---------------------------------------------------------------- drawing

/** Takes and recipe as they are set, or null when one of them is no number that it could be. */
function settings() {
  const odd = [["seed", seed], ["number of steps", steps]].find(([, control]) => control.validity.stepMismatch || control.validity.badInput);
  if (!odd) return { takes: Number(takes.value), seed: value(seed), steps: value(steps), guidance: value(guidance), memory_guidance: value(following) };
  stage.notify(`The ${odd[0]} is a whole number.`, "error");
  fold.open = true;
  odd[1].focus();
  return null;
}

function drawAll() {
  const set = state.head && settings();
  if (set) send("missing", set);
}

/** The selected shots that may be drawn: the others are locked, and one of them would stop all. */
const openShots = () => state.selection.filter((id) => !state.shots.get(id)?.locked);
const LOCKED = "Every selected shot is locked: unlock it to draw it again.";

function drawSelected() {
  if (!state.selection.length) { stage.notify("Select a shot in the timeline first."); return; }
  const shots = openShots();
  if (!shots.length) { stage.notify(LOCKED); return; }
  if (uploading() && !picture) { stage.notify("Choose the picture that the shot is to have first."); picker.focus(); return; }
  const set = settings();
  if (!set) return;
  sent = { kind: given.value, chosen: picture, shot: state.cursor };
  const mine = sent;
  send("selected", { ...set, shots, given: mine.kind, data: uploading() ? picture : "" }).then((heard) => heard || offerAgain(mine));
  given.value = "";
  forget();
}
stage.command.draw = drawSelected;

/** What was chosen for a drawing that did not come about, unless something else was chosen meanwhile. */
function offerAgain({ kind, chosen, shot }) {
  if (given.value || picture || shot !== state.cursor) return;
  [given.value, picture, givenTo] = [kind, chosen, shot];
  render();
}
stage.on("undrawn", () => {
  if (!state.told.undrawn) return;
  state.told.undrawn = null;
  if (sent) offerAgain(sent);
});

let each = null; // seconds a pair: kept while the details of another shot are on their way
let measured = "";
function learn() {
  const whose = [state.head?.id, state.head?.profile].join();
  if (whose !== measured) each = null;
  measured = whose;
  each = stage.details()?.estimate ?? each;
}

/** Seconds for all takes of so many shots with the steps that are set; null while nothing was drawn here yet. */
function estimate(shots) {
  if (!each || !shots) return null;
  return shots * Number(takes.value) * each * (value(steps) ? value(steps) / state.head.steps : 1);
}

/** A button that says how long it takes. */
function label(button, words, seconds) {
  text(button.firstChild, words);
  const short = seconds < 0.5 ? "under 1 s" : `${Math.round(seconds)} s`;
  text(button.lastChild, !seconds ? "" : ` · ${seconds < 90 ? short : say.about(seconds)}`);
}

function renderGiven(shot, chosenShots) {
  const drawn = Boolean(shot?.take_id);
  const first = state.order.indexOf(shot?.id) <= 0;
  if (given.value && givenTo !== state.cursor) { picture = null; given.value = ""; }
  const possible = { start: drawn, end: drawn, previous: Boolean(shot) && (!first || chosenShots > 1), "start picture": chosenShots === 1, "end picture": chosenShots === 1 };
  for (const option of given.options) option.disabled = option.value in possible && !possible[option.value];
  if (given.selectedOptions[0]?.disabled) { given.value = ""; picture = null; }
  picker.hidden = !uploading() || Boolean(picture);
  chosen.hidden = !picture;
  if (picture) { thumb.src = `data:image/*;base64,${picture}`; thumb.alt = given.value.startsWith("start") ? "The start frame to be" : "The end frame to be"; }
}

function render() {
  const shots = openShots().length;
  const locked = state.selection.length > 0 && !shots;
  const shot = stage.shot();
  learn();
  const time = estimate(shots);
  label(one, shots > 1 ? `Draw ${shots} shots` : shot?.take_id ? "Draw again" : "Draw this shot", time);
  one.disabled = !shots;
  renderGiven(shot, shots);
  const left = state.head?.stale_shots.length ?? 0;
  const waiting = stage.activeJobs().filter((job) => job.kind === "draw");
  const paused = waiting.length > 0 && waiting.every((job) => job.state === "paused");
  const rest = estimate(left);
  const queued = waiting.length ? `${waiting.length} ${paused ? "paused" : "in the queue"}` : "";
  label(all, left ? `${left === state.order.length ? "Draw all" : "Draw the rest:"} ${left}`
    : queued || (state.order.length ? "All drawn" : "Draw all"), rest);
  attribute(all, "title", `Every shot that is missing or stale, in film order${rest ? `, ${say.about(rest)}` : ""}`);
  all.disabled = !left;
  attribute(one, "title", locked ? LOCKED : `Draw the selected shots (R)${time ? `, ${say.about(time)}` : ""}`);
  if (!state.head) return;
  attribute(steps, "placeholder", String(state.head.steps));
  attribute(guidance, "placeholder", String(state.head.guidance));
  attribute(following, "placeholder", String(state.head.memory_guidance));
  const set = [value(seed) !== null && `seed ${seed.value}`, value(steps) && `${steps.value} steps`, value(guidance) && `guidance ${guidance.value}`, value(following) && `memory guidance ${following.value}`].filter(Boolean);
  attribute(fold.firstChild, "title", set.length ? `Not as the profile says: ${set.join(", ")}` : null);
  attribute(fold, "data-set", set.length > 0);
  text(told, fold.open ? "" : set.join(", "));
  reset.disabled = !set.length;
}

recall();
fill(body, h("div.dr-row", {}, one, all, h("span.s-grow"), takes.el, given, picker, chosen, fold));
stage.on("select shots head jobs details", render);
