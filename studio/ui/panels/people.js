// js_on_load of cast, places and look: cards with words and reference pictures; words that the profile cannot draw
// are marked.
const { h, text, attribute, fill, tool, icon, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("people");

/** A field of the project itself: logline or look. */
function projectField(name, label, placeholder) {
  const field = stage.field({
    label, control: stage.area({ rows: 2, id: `project-${name}`, placeholder, maxlength: 4000 }),
    save: (value, project, done) => send("project", { project, field: name, value }, () => {
      const good = state.head.id !== project ? null : stage.same(state.head[name], value);
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
    for (const [id, card] of known) if (!there.has(id)) known.delete(id);
    for (const item of items) {
      if (!known.has(item.id)) known.set(item.id, make(item.id));
      known.get(item.id).show(item);
    }
    stage.arrange(host, items.map((item) => known.get(item.id).el)); // who is brought back stands where they stood
  });
  return host;
}

function nameAndLook(list, event, key, id, words) {
  const find = () => state.head?.[list].find((item) => item.id === id);
  const save = (field) => (value, of, done) => send(event, { [key]: id, [field]: value }, () => {
    const good = find() ? stage.same(find()[field], value) : null;
    done(good);
    return good;
  });
  const name = stage.field({ label: words.name, hideLabel: true, control: stage.input({ class: "s-input pe-name", maxlength: 80 }), save: save("name") });
  const look = stage.field({ label: words.look, hideLabel: true, control: stage.area({ rows: 2, maxlength: 400, placeholder: words.hint }), save: save("look") });
  return { name, look };
}

const KINDS = { palette: "Colours", side: "Side", variant: "What is there" };

/** What the profile can draw of such a place: what is chosen takes the place of its like in the look, or is added to it. */
function choices(look) {
  const host = h("div.pe-choices");
  let basis = "";
  function choose({ said }, word) {
    const now = look.control.value;
    look.control.value = said && now.includes(said) ? now.replace(said, () => word) : [now.trim().replace(/[.,;]$/, ""), word].filter(Boolean).join(", ");
    look.control.dispatchEvent(new Event("input", { bubbles: true }));
    look.flush();
  }
  function show(list) {
    if (basis === JSON.stringify(list)) return;
    basis = JSON.stringify(list);
    const focused = [...host.children].indexOf(document.activeElement);
    fill(host, list.map((one) => {
      const name = KINDS[one.kind] ?? one.kind;
      const none = h("option", { value: "", disabled: true, hidden: true }, name);
      const select = h("select.s-input", { "aria-label": `${name} of the place`, title: name, onchange: () => choose(one, one.words[select.value]) },
        none, one.words.map((word, at) => h("option", { value: at }, word)));
      select.value = one.at ?? "";
      return select;
    }));
    host.children[focused]?.focus();
  }
  return { el: host, show };
}

/** The pictures of a card: a click or a drop adds one, each can be taken off again. `name()` is whose they are. */
function pictures(subject, card, host, name) {
  const add = (data) => send("show", { subject, card, data });
  const row = h("div.pe-pictures");
  const more = stage.upload.chooser("", add, [icon("picture"), h("span")], "button.s-quiet.pe-add");
  stage.upload.accept(host, add);
  const known = new Map();
  function thumb(picture) {
    const img = h("img", {});
    stage.picture(img, picture.url, picture.alt);
    const look = h("button.pe-look", { type: "button", onclick: () => enlarge(picture) }, img);
    const gone = tool("close", `Remove this picture of ${name()}`, () => send("hide", { picture: picture.id }), { class: "s-tool pe-gone" });
    return { el: h("div.pe-picture", {}, look, gone), look };
  }
  function show(list) {
    for (const [id, one] of known) if (!list.some((picture) => picture.id === id)) { one.el.remove(); known.delete(id); }
    for (const picture of list) {
      if (!known.has(picture.id)) { known.set(picture.id, thumb(picture)); more.before(known.get(picture.id).el); }
      const words = `${picture.alt}, in the memory of ${stage.say.count(picture.shots, "shot")}`;
      attribute(known.get(picture.id).look, "aria-label", `${words}: look at it`);
      attribute(known.get(picture.id).look, "title", words);
    }
    attribute(more, "aria-label", `Add a picture of ${name()}`);
    attribute(more, "title", `Add a picture of ${name()}: it is remembered wherever ${subject === "look" ? "anything is drawn" : "it belongs"} (PNG, JPEG or WebP; or drop one here)`);
    text(more.querySelector("span"), list.length ? "" : "Picture");
  }
  row.append(more);
  return { el: row, show };
}

function enlarge(picture) {
  const img = h("img.pe-large", {});
  stage.picture(img, picture.url, picture.alt);
  const sheet = h("dialog.s-sheet", { "aria-label": picture.alt },
    h("div.s-sheet-head", {}, h("h2", {}, picture.alt), tool("close", "Close", () => sheet.close())), img,
    h("p.pe-told", {}, `${picture.key} · ${picture.width} × ${picture.height} pixels · in the memory of ${stage.say.count(picture.shots, "shot")}`));
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}

const cast = cards("cast", (id) => {
  const { name, look } = nameAndLook("cast", "member", "member", id,
    { name: "Name", look: "Look", hint: "How they look: a man with grey hair in a yellow coat" });
  const leave = tool("trash", "Take off the cast list", () => send("leave", { member: id }));
  const el = h("div.pe-card", { "data-cast": id }, h("div.pe-head", {}, name.el, leave), look.el);
  const shown = pictures("cast", id, el, () => name.control.value);
  el.append(shown.el);
  return {
    el,
    show(item) {
      shown.show(item.pictures);
      name.show(item.name, id);
      look.show(item.look, id);
      stage.unknown(look.note, item.hints, state.head.profile);
    },
  };
});

const places = cards("places", (id) => {
  const { name, look } = nameAndLook("places", "place", "place", id, { name: "Place", look: "Look of the place", hint: "How the place looks" });
  const kind = h("span.pe-kind");
  const clear = tool("trash", "Take off the list of places", () => send("clear", { place: id }));
  const words = choices(look);
  const el = h("div.pe-card", { "data-place": id }, h("div.pe-head", {}, name.el, kind, clear), look.el, words.el);
  const shown = pictures("place", id, el, () => name.control.value);
  el.append(shown.el);
  return {
    el,
    show(item) {
      name.show(item.name, id);
      look.show(item.look, id);
      text(kind, item.interior);
      words.show(item.choices);
      shown.show(item.pictures);
      stage.unknown(look.note, item.hints, state.head.profile);
    },
  };
});

/** A row to add a card by its name. */
function newCard(event, id, placeholder, label) {
  const name = stage.input({ id: `new-${id}`, placeholder, "aria-label": label, maxlength: 80 });
  function enter() {
    const value = name.value.trim();
    if (!value) { name.focus(); return; }
    name.value = "";
    send(event, { name: value }).then((heard) => { if (!heard && !name.value) name.value = value; });
  }
  name.addEventListener("keydown", (pressed) => pressed.key === "Enter" && enter());
  return h("div.pe-new", {}, name, h("button.s-quiet", { type: "button", id: `add-${id}`, onclick: enter }, icon("plus"), "Add"));
}

const logline = projectField("logline", "Logline", "The film in one sentence");
const look = projectField("look", "Look of the whole film", "For example: soft light, muted colours");
const nobody = h("p.s-empty", {}, "Nobody yet. The director fills this in, or add a name.");
const lookCard = h("div.pe-card.pe-film", {}, look.el);
const lookPictures = pictures("look", "", lookCard, () => "the look");
lookCard.append(lookPictures.el);
stage.on("project head", () => {
  lookPictures.show(state.head?.look_pictures ?? []);
  stage.unknown(look.note, state.head?.hints ?? [], state.head?.profile);
});
const warnings = h("ul.pe-warnings");
const UNKNOWN = /^cannot draw “(.+)”$/; // as studio/service/direction.py writes it, a line a word
function inOneLine(lines) {
  const words = lines.map((line) => UNKNOWN.exec(line)?.[1]).filter(Boolean);
  const others = lines.filter((line) => !UNKNOWN.test(line));
  return words.length ? [`${state.head.profile_title} cannot draw: ${words.join(", ")}`, ...others] : others;
}
stage.on("project head", () => {
  nobody.hidden = Boolean(state.head?.cast.length);
  warnings.hidden = !state.head?.warnings.length;
  fill(warnings, inOneLine(state.head?.warnings ?? []).map((line) => h("li", {}, line)));
});

fill(body, logline.el, warnings,
  h("h3.s-title", {}, "Cast"), nobody, cast,
  newCard("enter", "cast", "Name", "Name of a new cast member"),
  h("h3.s-title", {}, "Places"), places, newCard("settle", "place", "Place", "Name of a new place"),
  h("h3.s-title", {}, "Look"), lookCard);
