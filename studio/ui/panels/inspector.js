// js_on_load of the inspector: every word and number of the selected shots. Saves as you write. Several shots are
// edited at once: a field in which they differ says so, and what is written there goes to all of them as one command.
const { h, text, attribute, fill, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("inspector");
const { choices } = data;
const fields = new Map(); // name of the field -> {field, read}

const chosen = () => state.order.filter((id) => state.selection.includes(id)).map((id) => state.shots.get(id));
/** The one value that all shots have, or undefined. */
const common = (shots, read) => (shots.every((shot) => stage.same(read(shot), read(shots[0]))) ? read(shots[0]) : undefined);

/** Adds a self-saving field. `read(shot)` is what it shows; `parse(value)` what is sent, null when it makes no sense. */
function add(name, label, control, read, { parse = (value) => value, sorry = "", ...options } = {}) {
  const field = stage.field({
    label, control, ...options,
    save: (value, ids, done) => {
      const sent = parse(value);
      if (sent === null) { done(false); stage.notify(sorry, "error"); return; }
      const shots = ids.split(" ");
      stage.edit(Object.fromEntries(shots.map((id) => [id, { [name]: sent }])), () => {
        const there = shots.every((id) => state.shots.has(id));
        const good = there ? shots.every((id) => stage.same(raw(name)(state.shots.get(id)), sent)) : null;
        done(good);
        return good;
      });
    },
  });
  fields.set(name, { field, read });
  return field.el;
}

const OWN = ["description", "title", "scene", "slate"];
const raw = (name) => (OWN.includes(name) ? (shot) => shot[name] : (shot) => shot.attributes[name]);
const seconds = (frames) => String(Math.round((frames / state.head.rate) * 100) / 100);
const choice = (name, label) => add(name, label, stage.dropdown(choices[name], { id: `shot-${name}` }), raw(name));
const words = (name, label, more = {}, how = {}) => add(name, label, stage.input({ id: `shot-${name}`, ...more }), raw(name), how);
const prose = (name, label, rows, placeholder = "") =>
  add(name, label, stage.area({ id: `shot-${name}`, rows, placeholder, maxlength: 4000 }), raw(name), { wide: true, clear: true });

function frames(value) {
  const number = Number(String(value).replace(",", "."));
  return Number.isFinite(number) && number > 0 ? Math.max(1, Math.round(number * state.head.rate)) : null;
}
const whole = (value) => (/^\d{1,4}$/.test(value.trim()) && Number(value) > 0 ? Number(value) : null);

const heading = h("h2.s-title", {}, "Shot");
const where = h("span.in-where");
const locked = h("input", { type: "checkbox", id: "shot-locked" });
locked.addEventListener("change", () => {
  const ids = chosen().map((shot) => shot.id);
  const wanted = locked.checked;
  stage.edit(Object.fromEntries(ids.map((id) => [id, { locked: wanted }])), () => ids.every((id) => state.shots.get(id)?.locked === wanted));
});
const placeNames = h("datalist", { id: "place-names" });
const description = prose("description", "Description", 4, "What happens in this shot, in one or two sentences");
const contradictions = h("div.s-note", { id: "shot-contradictions", role: "status", hidden: true, "data-wide": true });

// ---------------------------------------------------------------- who is in the shots

const castRow = h("div.in-cast", { role: "group", "aria-label": "Cast of this shot" });
const castField = h("div.s-field", { "data-wide": true }, h("span.s-label", {}, "Cast in this shot"), castRow);

/** In all of them, in none, or in some: then the first click puts the person into all. */
const presence = (shots, name) => {
  const count = shots.filter((shot) => shot.attributes.cast.includes(name)).length;
  return count === 0 ? "false" : count === shots.length ? "true" : "mixed";
};

function toggleCast(name) {
  const shots = chosen();
  const leaves = presence(shots, name) === "true";
  const cast = Object.fromEntries(shots.map(({ id, attributes }) => {
    const others = attributes.cast.filter((other) => other !== name);
    const stays = attributes.cast.includes(name) ? attributes.cast : [...attributes.cast, name];
    return [id, { cast: leaves ? others : stays }];
  }));
  stage.edit(cast, () => shots.every(({ id }) => state.shots.get(id)?.attributes.cast.join() === cast[id].cast.join()));
}

let castShown = "";
function renderCast(shots) {
  const names = [...new Set([...state.head.cast.map((member) => member.name), ...shots.flatMap((shot) => shot.attributes.cast)])];
  const there = names.map((name) => presence(shots, name));
  const key = JSON.stringify([shots.map((shot) => shot.id), names, there]);
  castField.hidden = !names.length;
  if (key === castShown) return;
  castShown = key;
  const focused = names.findIndex((name, index) => castRow.children[index] === document.activeElement);
  fill(castRow, names.map((name, index) => h("button.s-chip", {
    type: "button", "aria-pressed": there[index], title: there[index] === "mixed" ? "In some of the selected shots" : null,
    onclick: () => toggleCast(name),
  }, name)));
  castRow.children[focused]?.focus();
}

// ---------------------------------------------------------------- the form

const numbers = h("div.in-numbers", { "data-wide": true },
  add("scene", "Scene", stage.input({ id: "shot-scene", inputmode: "numeric", maxlength: 4 }), raw("scene"),
    { parse: whole, sorry: "A scene is a number from 1." }),
  words("slate", "Slate", { maxlength: 12 }),
  add("length", "Length (s)", stage.input({ id: "shot-length", inputmode: "decimal" }), (shot) => seconds(shot.attributes.length),
    { parse: frames, sorry: "A length is a number of seconds, like 2.5." }));
const form = h("div.in-form", {},
  description, contradictions, stage.rewriteBox(send),
  choice("scale", "Size"), choice("angle", "Angle"), choice("movement", "Movement"), choice("time", "Time"),
  words("place", "Place", { list: "place-names", maxlength: 120 }, { clear: true }),
  words("weather", "Weather", { placeholder: "rain, fog, snow…", maxlength: 60 }, { clear: true }), placeNames,
  castField,
  numbers,
  add("title", "Title", stage.input({ id: "shot-title", maxlength: 200, placeholder: "A short name for the card" }),
    raw("title"), { wide: true, clear: true }),
  h("div.in-undrawn", { "data-wide": true, id: "undrawn" }, h("h3.s-title", {}, "Shot list"),
    h("span.s-hint", { title: "They change no frame and make none stale. Where a model writes the text R of a clip, it reads framing, "
      + "support, dialogue and sound." }, "not drawn: notes for people")),
  choice("framing", "Framing"), choice("support", "Support"), choice("purpose", "Purpose"),
  prose("dialogue", "Dialogue", 2), prose("sound", "Sound", 2), prose("notes", "Notes", 2),
  h("label.in-lock", {}, locked, h("span", {}, "Lock: keep this picture, never draw over it")));
const empty = h("p.s-empty", {}, "Select a shot in the timeline, and its words and camera are here.");

const CAMERA = ["scale", "angle", "movement", "time"];

/** What the profile draws for a choice: the same, another one that it does not tell apart from it, or null for nothing. */
function drawnAs(name, value) {
  const known = state.vocabulary[name];
  return known ? known[value] ?? null : value;
}

/** Marks values that the profile does not know or draws as another one: an edit must never silently do nothing. */
let marked = null; // the vocabulary that they are marked by
function renderChoices() {
  if (!state.head || marked === state.vocabulary) return;
  marked = state.vocabulary;
  for (const name of CAMERA) {
    for (const option of fields.get(name).field.control.options) {
      const { value } = option;
      const drawn = drawnAs(name, value);
      const remark = drawn === value ? "" : drawn ? ` (drawn as ${drawn})` : ` (not in ${state.head.profile})`;
      if (value) text(option, value + remark);
    }
  }
}

/** Under each field: words of the selected shots that the profile cannot draw, each once, and choices drawn as another. */
function renderHints(shots) {
  for (const name of ["description", "place", "weather", ...CAMERA]) {
    const hints = shots.flatMap((shot) => shot.hints.filter((hint) => hint.field === name));
    const { note } = fields.get(name).field;
    stage.unknown(note, [...new Map(hints.map((hint) => [hint.word, hint])).values()], state.head.profile);
    const value = CAMERA.includes(name) ? common(shots, raw(name)) : undefined;
    const drawn = value && !hints.length ? drawnAs(name, value) : value;
    if (drawn === value) continue;
    note.hidden = false;
    text(note, `${state.head.profile} draws it as ${drawn}`);
  }
}

/** What the words say against the fields of the shot, each with the edit that makes the fields say it, too. */
let contradictionsShown = "";
function renderContradictions(shots) {
  const [shot] = shots;
  const found = shots.length === 1 ? shot.contradictions : [];
  const key = JSON.stringify([shot.id, found]);
  contradictions.hidden = !found.length;
  if (key === contradictionsShown) return; // or a button would be another one between press and release
  contradictionsShown = key;
  fill(contradictions, found.map(({ text: sentence, action, fields: wanted }) => h("div", {}, h("span", {}, `${sentence} `),
    action && h("button.s-quiet", { type: "button", onclick: () => stage.edit({ [shot.id]: wanted }, () => {
      const now = state.shots.get(shot.id);
      return Object.entries(wanted).every(([name, value]) => String(now?.attributes[name]) === String(value));
    }) }, action))));
}

function render() {
  const shots = chosen();
  const [shot] = shots;
  empty.hidden = Boolean(shot);
  form.hidden = !shot;
  text(heading, shots.length > 1 ? `${shots.length} shots` : shot ? `Shot ${shot.number}` : "Shot");
  text(where, shots.length > 1 ? `${shots.map((each) => each.number).slice(0, 6).join(", ")}${shots.length > 6 ? "…" : ""}`
    : shot ? `${shot.label} · ${shot.attributes.purpose}` : "");
  if (!shot) {
    for (const { field } of fields.values()) field.flush();
    return;
  }
  const ids = shots.map((each) => each.id).join(" ");
  for (const { field, read } of fields.values()) {
    const value = common(shots, read);
    field.show(value, ids, value === undefined);
  }
  renderHints(shots);
  renderContradictions(shots);
  const speech = fields.get("dialogue").field.note;
  const late = shots.filter((each) => each.too_long);
  speech.hidden = !late.length;
  text(speech, shots.length > 1 ? late.map((each) => `Shot ${each.number}: ${each.too_long}`).join(" ") : shot.too_long);
  locked.checked = shots.every((each) => each.locked);
  locked.indeterminate = !locked.checked && shots.some((each) => each.locked);
  renderCast(shots);
  fill(placeNames, state.head.places.map((place) => h("option", { value: place.name })));
}

stage.command.edit = () => fields.get("description").field.control.focus();
fill(body, h("div.in-head", {}, heading, where), empty, form);
stage.on("project head", renderChoices);
stage.on("select shots head", render);
