// js_on_load of the inspector: description, all cinematic attributes, words around the picture. Saves as you write.
const { h, text, fill, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("inspector", trigger);
const choices = props.choices;
const fields = new Map(); // name of the field -> {field, read}

/** Adds a self-saving field. `read(shot)` is what it shows; `parse(value)` what is sent, null when it makes no sense. */
function add(name, label, control, read, parse = (value) => value, options = {}) {
  const field = stage.field({
    label, control, ...options,
    save: (value, shot, done) => {
      const sent = parse(value, shot);
      if (sent === null) { done(false); stage.notify("A length is a number of seconds, like 2.5.", "error"); return; }
      send("write", { shot, field: name, value: sent }, () => {
        const now = state.shots.get(shot);
        const good = Boolean(now) && stage.same(read(now), Array.isArray(sent) ? sent.join(", ") : shownAs(name, sent));
        done(good);
        return good;
      });
    },
  });
  fields.set(name, { field, read });
  return field.el;
}

const shownAs = (name, sent) => (name === "length" ? seconds(sent) : sent);
const seconds = (frames) => String(Math.round((frames / state.head.rate) * 100) / 100);
const attributeOf = (name) => (shot) => shot.attributes[name];
const choice = (name, label) => add(name, label, stage.dropdown(choices[name], { id: `shot-${name}` }), attributeOf(name));
const words = (name, label, placeholder = "") =>
  add(name, label, stage.input({ id: `shot-${name}`, placeholder, list: name === "place" ? "place-names" : null }), attributeOf(name));
const prose = (name, label, rows, placeholder = "") =>
  add(name, label, stage.area({ id: `shot-${name}`, rows, placeholder }), attributeOf(name), undefined, { wide: true });

function frames(value) {
  const number = Number(String(value).replace(",", "."));
  return Number.isFinite(number) && number > 0 ? Math.max(1, Math.round(number * state.head.rate)) : null;
}

const heading = h("h2.s-title", {}, "Shot");
const where = h("span.in-where");
const locked = h("input", { type: "checkbox", id: "shot-locked" });
locked.addEventListener("change", () => {
  const shot = state.cursor;
  const wanted = locked.checked;
  send("write", { shot, field: "locked", value: wanted }, () => state.shots.get(shot)?.locked === wanted);
});
const placeNames = h("datalist", { id: "place-names" });

const description = add("description", "Description", stage.area({
  id: "shot-description", rows: 4, placeholder: "What happens in this shot, in one or two sentences",
}), (shot) => shot.description, undefined, { wide: true });

// ---------------------------------------------------------------- who is in the shot

const castRow = h("div.in-cast", { role: "group", "aria-label": "Cast of this shot" });
const castField = h("div.s-field", { "data-wide": true }, h("span.s-label", {}, "Cast in this shot"), castRow);

function toggleCast(name) {
  const shot = stage.shot();
  const there = shot.attributes.cast.includes(name);
  const cast = there ? shot.attributes.cast.filter((other) => other !== name) : [...shot.attributes.cast, name];
  send("write", { shot: shot.id, field: "cast", value: cast },
    () => state.shots.get(shot.id)?.attributes.cast.join() === cast.join());
}

let castShown = "";
function renderCast(shot) {
  const names = [...new Set([...state.head.cast.map((member) => member.name), ...shot.attributes.cast])];
  const key = JSON.stringify([shot.id, names, shot.attributes.cast]);
  castField.hidden = !names.length;
  if (key === castShown) return;
  castShown = key;
  fill(castRow, names.map((name) => h("button.s-chip", {
    type: "button", "aria-pressed": String(shot.attributes.cast.includes(name)), onclick: () => toggleCast(name),
  }, name)));
}

const form = h("div.in-form", {},
  description,
  choice("scale", "Size"), choice("angle", "Angle"), choice("movement", "Movement"),
  add("length", "Length (s)", stage.input({ id: "shot-length", inputmode: "decimal" }), (shot) => seconds(shot.attributes.length), frames),
  choice("framing", "Framing"), choice("support", "Support"), choice("purpose", "Purpose"), choice("time", "Time"),
  words("place", "Place"), words("weather", "Weather", "rain, fog, snow…"), placeNames,
  castField,
  prose("dialogue", "Dialogue", 2), prose("sound", "Sound", 2), prose("notes", "Notes", 2),
  h("label.in-lock", {}, locked, h("span", {}, "Lock: keep this picture, never draw over it")));
const empty = h("p.s-empty", {}, "Select a shot in the timeline, and its words and camera are here.");

/** Marks values that the profile cannot tell apart: an edit must never silently do nothing. */
function renderChoices() {
  const known = state.vocabulary;
  for (const name of ["scale", "angle", "movement"]) {
    const control = fields.get(name).field.control;
    for (const option of control.options) {
      const drawable = !known[name] || known[name].includes(option.value);
      text(option, drawable ? option.value : `${option.value} (not in ${state.head.profile})`);
    }
  }
}

function render() {
  const shot = stage.shot();
  empty.hidden = Boolean(shot);
  form.hidden = !shot;
  text(heading, shot ? `Shot ${shot.number}` : "Shot");
  text(where, shot ? `${shot.label} · ${shot.attributes.purpose}` : "");
  if (!shot) {
    for (const { field } of fields.values()) field.flush();
    return;
  }
  for (const { field, read } of fields.values()) field.show(read(shot), shot.id);
  stage.unknown(fields.get("description").field.note, shot.unknown_words, state.head.profile);
  locked.checked = shot.locked;
  renderCast(shot);
  fill(placeNames, state.head.places.map((place) => h("option", { value: place.name })));
}

stage.command.edit = () => fields.get("description").field.control.focus();
fill(body, h("div.in-head", {}, heading, where), empty, form);
stage.on("project", () => state.head && renderChoices());
stage.on("select shots head", render);
