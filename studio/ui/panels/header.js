// js_on_load of the header: title, what is saved; and the menus of films, history, settings, profiles and jobs (menus/).
const { h, text, attribute, fill, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("header");

// ---------------------------------------------------------------- title and what is saved

const title = stage.field({
  label: "Title", hideLabel: true,
  control: stage.input({ id: "project-title", class: "s-input hd-title", maxlength: 200, placeholder: "Untitled film" }),
  save: (value, project, done) => send("rename", { project, title: value }, () => {
    const good = state.head.id !== project ? null : stage.same(state.head.title, value);
    done(good);
    return good;
  }),
});
const saved = h("span.hd-saved", { id: "saved", role: "status" });

function renderSaved() {
  const kind = stage.savedState();
  attribute(saved, "data-kind", kind);
  text(saved, kind === "saving" ? "Saving…" : kind === "waiting" ? "Not saved yet: the studio does not answer"
    : state.saved ? `Saved ${say.clock(state.saved)}` : "");
}

const trashed = h("span.hd-trashed", { role: "status", hidden: true }, "In the trash",
  h("button.s-quiet", { type: "button", id: "bring-back", onclick: () => send("recover", { since: -1 }) }, "Bring it back"));

function renderHead() {
  trashed.hidden = !state.head?.trashed; // another tab may have put it there
  saved.hidden = !trashed.hidden;
  title.show(state.head?.title ?? "", state.head?.id ?? null);
  document.title = state.head ? `${state.head.title} – STAGE Studio` : "STAGE Studio";
}

fill(body,
  h("div.hd-brand", { title: "STAGE Studio" }, h("span", {}, "STAGE")),
  stage.filmsMenu(send, upload),
  h("h1.s-hidden", {}, "STAGE Studio"),
  title.el, trashed, saved, stage.historyMenu(send), h("span.s-grow"),
  stage.settingsMenu(send),
  stage.profileMenu(send),
  stage.jobsMenu(send),
  tool("sun", "Dark or light", () => stage.switchTheme(), { id: "theme-switch" }));

stage.on("project head", renderHead);
stage.on("saved", renderSaved);
