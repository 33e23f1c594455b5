// js_on_load of the header: project menu, title, what is saved, undo and redo, profile, jobs.
const { h, text, attribute, fill, icon, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("header", trigger);

// ---------------------------------------------------------------- projects

const menuButton = h("button.s-quiet.hd-menu", { type: "button", id: "projects" }, icon("film"), h("span", {}, "Films"), icon("down"));
const menu = h("div.s-pop.hd-projects", { role: "dialog", "aria-label": "Films" });
const menuPop = stage.popover(menuButton, menu, () => send("listing"));

function openProject(id) {
  menuPop.close();
  if (id !== state.head?.id) stage.openProject(id);
}

function discard(card) {
  menuPop.close();
  trigger("discard", { ...stage.place(), project: card.id, since: -1 });
  stage.notify(`“${card.title}” is in the trash.`, "info", {
    label: "Bring it back", act: () => trigger("recover", { project: card.id, since: -1 }),
  });
}

function projectRow(card) {
  const cover = h("img", { alt: "" });
  stage.picture(cover, card.cover_url, "");
  const here = card.id === state.head?.id;
  return h("div.hd-project", { "data-here": here },
    h("button.hd-open", { type: "button", "aria-current": here ? "true" : null, onclick: () => openProject(card.id) },
      h("span.hd-cover", {}, cover),
      h("span.hd-about", {}, h("strong", {}, card.title),
        h("small", {}, `${say.count(card.shots, "shot")}, ${card.drawn} drawn · ${say.time(card.seconds)} · ${say.day(card.updated)}`))),
    tool("trash", `Put “${card.title}” into the trash`, () => discard(card)));
}

function renderProjects() {
  fill(menu, h("div.hd-pop-head", {}, h("h3.s-title", {}, "Films"),
    h("button.s-button", { type: "button", id: "new-project", onclick: () => { menuPop.close(); trigger("begin", { since: -1 }); } },
      icon("plus"), "New film")),
  state.projects.map(projectRow));
}

// ---------------------------------------------------------------- title and what is saved

const title = stage.field({
  label: "Title", hideLabel: true,
  control: stage.input({ id: "project-title", class: "s-input hd-title", maxlength: 200, placeholder: "Untitled film" }),
  save: (value, project, done) => send("rename", { project, title: value }, () => {
    const good = state.head.id === project && stage.same(state.head.title, value);
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

// ---------------------------------------------------------------- undo and redo

const undo = tool("undo", "Undo", () => stage.command.undo(), { id: "undo" });
const redo = tool("redo", "Redo", () => stage.command.redo(), { id: "redo" });
const stepLabel = h("span.hd-step");

function renderHistory() {
  for (const [button, item, word] of [[undo, state.head?.undo, "Undo"], [redo, state.head?.redo, "Redo"]]) {
    const label = item ? `${word} ${item.label}` : `Nothing to ${word.toLowerCase()}`;
    button.disabled = !item;
    attribute(button, "title", label);
    attribute(button, "aria-label", label);
  }
  text(stepLabel, state.head?.undo ? state.head.undo.label : "");
  attribute(stepLabel, "title", state.head?.undo ? `Last edit: ${state.head.undo.label}` : null);
}
stage.command.undo = () => state.head?.undo && send("stepback", { command: state.head.undo.id });
stage.command.redo = () => state.head?.redo && send("stepforward", { command: state.head.redo.id });

// ---------------------------------------------------------------- profile and jobs

const profile = h("span.hd-profile", { id: "profile" });
const jobsButton = h("button.s-quiet.hd-jobs", { type: "button", id: "jobs" }, h("span.hd-dot"), h("span"));
const jobsList = h("div.s-pop.hd-joblist", { role: "dialog", "aria-label": "Jobs" });
stage.popover(jobsButton, jobsList);
const WORDS = { queued: "waiting", running: "running", paused: "paused", done: "done", failed: "failed", cancelled: "cancelled" };
const rows = new Map();

function jobRow(job) {
  const parts = { title: h("strong"), state: h("small"), error: h("p.hd-error"), bar: h("div.s-bar", {}, h("div")), actions: h("span.hd-actions") };
  const el = h("div.hd-job", {}, h("div.hd-job-top", {}, parts.title, parts.state, parts.actions), parts.bar, parts.error);
  return { el, parts, shown: null };
}

function paintJob(row, job) {
  const { parts } = row;
  const active = ["queued", "running", "paused"].includes(job.state);
  text(parts.title, job.title);
  const eta = active && job.eta_seconds ? say.about(job.eta_seconds) : "";
  text(parts.state, [WORDS[job.state], active && job.message, eta].filter(Boolean).join(" · "));
  text(parts.error, job.error);
  parts.error.hidden = !job.error;
  attribute(row.el, "data-state", job.state);
  parts.bar.hidden = !active;
  parts.bar.firstChild.style.width = `${Math.round(job.progress * 100)}%`;
  if (row.shown !== job.state) {
    fill(parts.actions,
      active && h("button.s-quiet", { type: "button", onclick: () => send("cancel", { job: job.id }) }, "Cancel"),
      ["failed", "cancelled"].includes(job.state)
        && h("button.s-quiet", { type: "button", onclick: () => send("again", { job: job.id }) }, "Try again"));
    row.shown = job.state;
  }
}

const RANK = { running: 0, queued: 1, paused: 1, failed: 2, done: 3, cancelled: 3 };
function renderJobs() {
  const active = stage.activeJobs();
  const running = active.find((job) => job.state === "running");
  text(jobsButton.lastChild, !active.length ? "No jobs"
    : running ? `${say.count(active.length, "job")} · ${Math.round(running.progress * 100)} %` : `${say.count(active.length, "job")} waiting`);
  attribute(jobsButton, "data-busy", active.length > 0);
  attribute(jobsButton, "aria-label", `Jobs: ${jobsButton.textContent}`);
  const jobs = [...state.jobs.values()]
    .sort((a, b) => RANK[a.state] - RANK[b.state] || (RANK[a.state] > 1 ? -1 : 1) * a.created.localeCompare(b.created)).slice(0, 30);
  const list = jobs.map((job) => {
    if (!rows.has(job.id)) rows.set(job.id, jobRow(job));
    paintJob(rows.get(job.id), job);
    return rows.get(job.id).el;
  });
  const doing = !state.worker?.alive ? state.worker?.message || "starting" : active.length ? state.worker.message : "ready";
  const worker = state.worker ? `Drawing process: ${doing}` : "";
  fill(jobsList, h("h3.s-title", {}, "Jobs"), h("div.hd-worker", {}, worker),
    list.length ? list : h("p.s-empty", {}, "Nothing is being drawn. Press Draw, or R on a shot."));
}

function renderHead() {
  title.show(state.head?.title ?? "", state.head?.id ?? null);
  document.title = state.head ? `${state.head.title} – STAGE Studio` : "STAGE Studio";
  text(profile, state.head ? `${state.head.profile_title} · ${state.head.width}×${state.head.height}` : "");
  attribute(profile, "title", state.head?.profile_note ?? null);
}

fill(body,
  h("div.hd-brand", { title: "STAGE Studio" }, h("span", {}, "STAGE")),
  h("span.s-anchor", {}, menuButton, menu),
  h("h1.s-hidden", {}, "STAGE Studio"),
  title.el, saved, h("span.hd-undo", {}, undo, redo, stepLabel), h("span.s-grow"),
  profile,
  h("span.s-anchor", {}, jobsButton, jobsList),
  tool("sun", "Dark or light", () => stage.switchTheme(), { id: "theme-switch" }));

stage.on("project head", renderHead);
stage.on("project head", renderHistory);
stage.on("saved", renderSaved);
stage.on("projects project", renderProjects);
stage.on("jobs project", renderJobs);
stage.on("project", () => rows.clear());
