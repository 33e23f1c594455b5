// js_on_load of cast, places and look: cards with words; words that the profile cannot draw are marked.
const { h, fill, tool, icon, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("people", trigger);

/** A field of the project itself: logline or look. */
function projectField(name, label, placeholder) {
  const field = stage.field({
    label, control: stage.area({ rows: 2, id: `project-${name}`, placeholder }),
    save: (value, project, done) => send("project", { project, field: name, value }, () => {
      const good = state.head.id === project && stage.same(state.head[name], value);
      done(good);
      return good;
    }),
  });
  stage.on("project head", () => field.show(state.head?.[name] ?? "", state.head?.id ?? null));
  return field;
}

/** Cards of a list of the head (cast or places), kept by id so that typing is never interrupted. */
function cards(list, make) {
  const host = h("div.pe-cards");
  const known = new Map();
  stage.on("project head", () => {
    const items = state.head?.[list] ?? [];
    const there = new Set(items.map((item) => item.id));
    for (const [id, card] of known) if (!there.has(id)) { card.el.remove(); known.delete(id); }
    for (const item of items) {
      if (!known.has(item.id)) {
        known.set(item.id, make(item.id));
        host.append(known.get(item.id).el);
      }
      known.get(item.id).show(item);
    }
  });
  return host;
}

function nameAndLook(list, event, key, id, words) {
  const find = () => state.head?.[list].find((item) => item.id === id);
  const save = (field) => (value, of, done) => send(event, { [key]: id, [field]: value }, () => {
    const good = stage.same(find()?.[field], value);
    done(good);
    return good;
  });
  const name = stage.field({ label: words.name, hideLabel: true, control: stage.input({ class: "s-input pe-name", maxlength: 80 }), save: save("name") });
  const look = stage.field({ label: words.look, hideLabel: true, control: stage.area({ rows: 2, maxlength: 400, placeholder: words.hint }), save: save("look") });
  return { name, look };
}

const cast = cards("cast", (id) => {
  const { name, look } = nameAndLook("cast", "member", "member", id,
    { name: "Name", look: "Look", hint: "How they look: a man with grey hair in a yellow coat" });
  const leave = tool("trash", "Take off the cast list", () => send("leave", { member: id }));
  return {
    el: h("div.pe-card", { "data-cast": id }, h("div.pe-head", {}, name.el, leave), look.el),
    show(item) {
      name.show(item.name, id);
      look.show(item.look, id);
      stage.unknown(look.note, item.unknown_words, state.head.profile);
    },
  };
});

const places = cards("places", (id) => {
  const { name, look } = nameAndLook("places", "place", "place", id, { name: "Place", look: "Look of the place", hint: "How the place looks" });
  const kind = h("span.pe-kind");
  return {
    el: h("div.pe-card", {}, h("div.pe-head", {}, name.el, kind), look.el),
    show(item) { name.show(item.name, id); look.show(item.look, id); stage.text(kind, item.interior); },
  };
});

const newcomer = stage.input({ id: "new-cast", placeholder: "Name", "aria-label": "Name of a new cast member", maxlength: 80 });
function enter() {
  const name = newcomer.value.trim();
  if (!name) { newcomer.focus(); return; }
  newcomer.value = "";
  send("enter", { name });
}
newcomer.addEventListener("keydown", (event) => event.key === "Enter" && enter());

const logline = projectField("logline", "Logline", "The film in one sentence");
const look = projectField("look", "Look of the whole film", "For example: soft light, muted colours");
const nobody = h("p.s-empty", {}, "Nobody yet. The director fills this in, or add a name.");
const placesTitle = h("h3.s-title", {}, "Places");
const warnings = h("ul.pe-warnings");
stage.on("project head", () => {
  nobody.hidden = Boolean(state.head?.cast.length);
  placesTitle.hidden = !state.head?.places.length;
  warnings.hidden = !state.head?.warnings.length;
  fill(warnings, (state.head?.warnings ?? []).map((line) => h("li", {}, line)));
});

fill(body, logline.el, warnings,
  h("h3.s-title", {}, "Cast"), nobody, cast,
  h("div.pe-new", {}, newcomer, h("button.s-quiet", { type: "button", id: "add-cast", onclick: enter }, icon("plus"), "Add")),
  placesTitle, places, look.el);
