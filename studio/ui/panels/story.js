// js_on_load of the story panel: the theme, the director's settings, and his stages as they come.
const { h, text, fill, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("story");
const EXAMPLES = [
  "An old fisherman finds a lost child on a stormy harbour at night",
  "A girl with a red coat waits in a snowy forest until her father comes",
  "Two travellers meet in the desert at dawn and walk on together",
];

const MOST = 60; // shots that a director is asked for at once
const theme = stage.field({
  label: "Theme or screenplay",
  control: stage.area({ id: "theme", rows: 5, maxlength: 200000, placeholder: "One sentence is enough. Or paste a Fountain screenplay." }),
  save: (value, project, done) => send("write", { project, theme: value }, () => {
    const good = state.head.id !== project ? null : stage.same(state.head.theme, value);
    done(good);
    return good;
  }),
});
const shots = stage.input({ id: "shot-count", type: "number", min: 1, max: MOST, value: 5 });
const seed = stage.input({ id: "director-seed", type: "number", min: 0, max: 2147483647, value: 0 });
const seconds = stage.input({ id: "film-seconds", type: "number", min: 0.5, step: "any", placeholder: "any", title: "How long the whole film is to be; empty: as long as its shots need" });
const button = h("button.s-button.s-primary", { type: "button", id: "direct", onclick: direct }, "Direct");
const who = h("select.s-input", { id: "director", onchange: () => stage.agents.choose("director", who.value) });
const models = stage.tool("sliders", "Choose models for the director, the refiner and the judge", () => stage.agents.open());
const halt = h("button.s-button", { type: "button", id: "stop-directing", onclick: stop }, "Stop");
const trouble = h("p.s-note", { id: "director-trouble" });
const doing = h("p.s-hint.st-busy", { id: "director-doing", role: "status" });
const again = h("p.s-hint", { id: "direct-hint" });
const stages = h("ol.st-stages", { "aria-live": "polite", "aria-label": "What the director does" });
const thoughts = h("details.st-thoughts", {}, h("summary", {}, "What the director thought"), stages);
const ideas = h("div.st-ideas", {}, h("span.s-label", {}, "For example"), EXAMPLES.map((idea) =>
  h("button.st-idea", { type: "button", onclick: () => {
    theme.control.value = idea;
    theme.control.dispatchEvent(new Event("change"));
    theme.control.focus();
  } }, idea)));
const NUMBERS = [
  [shots, `The number of shots is a whole number from 1 to ${MOST}.`],
  [seed, "The director's seed is a whole number from 0 to 2147483647."],
  [seconds, "The film's length is a number of seconds, at least 0.5."],
];
let working = false;
let wasWorking = false;

async function stop() {
  halt.disabled = true;
  if (!(await stage.agents.stop())) halt.disabled = false;
}

function direct() {
  if (working || !state.head) return;
  const odd = NUMBERS.find(([control]) => !control.checkValidity());
  if (odd) { stage.notify(odd[1], "error"); odd[0].focus(); return; }
  theme.flush();
  if (theme.refused()) { theme.control.focus(); return; } // it says why
  working = true;
  const begun = state.director = { working: true, stages: [] };
  render();
  send("direct", { theme: theme.control.value, shots: Number(shots.value) || 5, seed: Number(seed.value) || 0, seconds: Number(seconds.value) || null }).then(() => {
    if (state.director === begun) { state.director = null; stage.announce("director"); } // nobody says that he began
  });
}

/** The director that the film chose, and what is missing before he can work. */
function renderWho() {
  const agents = state.head?.agents;
  if (!agents || !stage.agents) return;
  fill(who, Object.entries(stage.agents.names()).map(([value, words]) => h("option", { value }, words)));
  who.value = agents.director;
  text(trouble, agents.trouble.director ?? "");
  trouble.hidden = !trouble.textContent;
}

const shownStages = [];
/** What is there stays there: a new stage rises into the list, and only that one. */
function renderStages(told) {
  const keys = told.map((item) => JSON.stringify(item));
  const kept = keys.findIndex((key, index) => key !== shownStages[index]);
  const from = kept < 0 ? keys.length : kept;
  for (const item of [...stages.children].slice(from)) item.remove();
  shownStages.splice(from, shownStages.length, ...keys.slice(from));
  stages.append(...told.slice(from).map((item) => h("li", {}, h("strong", {}, item.name), item.lines.map((line) => h("div", {}, line)))));
}

let film = null;
/** Another film: nothing that was meant for the one before stays, and an empty one begins with its theme. */
function begin() {
  if (!state.head) return;
  const other = film !== null && film !== state.head.id;
  if (state.head.id !== film) { shots.value = 5; seed.value = 0; seconds.value = ""; }
  film = state.head.id;
  if (state.order.length) shots.value = Math.min(MOST, state.order.length); // a film grows longer than one asks for at once
  if (!other) return;
  document.getElementById("left").scrollTop = 0;
  if (!state.order.length) theme.control.focus();
}

function render() {
  const told = state.director;
  working = Boolean(told?.working);
  button.hidden = working && state.head?.agents.director !== "built-in";
  halt.hidden = !button.hidden;
  if (!working) halt.disabled = false;
  button.disabled = working || !state.head;
  text(button, working ? "Directing…" : state.order.length ? "Direct again" : "Direct");
  text(again, "Directing again makes a new version; this one stays beside it.");
  again.hidden = !state.order.length;
  ideas.hidden = Boolean(state.order.length || theme.control.value.trim());
  thoughts.hidden = !told;
  if (working !== wasWorking) thoughts.open = working;  // open while he thinks; then the shots are what matters
  wasWorking = working;
  renderStages(told?.stages ?? []);
  text(doing, working ? `${told.doing ?? "thinking"}…`.replace(/^./, (letter) => letter.toUpperCase()) : "");
  doing.hidden = !working;
}

theme.control.addEventListener("input", render);
fill(body, h("h2.s-title", {}, "Story"), theme.el, ideas,
  h("div.st-row", {},
    h("label.s-field", {}, h("span.s-label", {}, "Shots"), shots),
    h("label.s-field", {}, h("span.s-label", {}, "Seed"), seed),
    button, halt),
  h("div.st-who", {}, h("label.s-field", {}, h("span.s-label", {}, "Director"), who), models,
    h("label.s-field", {}, h("span.s-label", {}, "Seconds"), seconds)), trouble, doing,
  again, thoughts, stage.versionsBox(send));

stage.on("project head", () => theme.show(state.head?.theme ?? "", state.head?.id ?? null));
stage.on("project", begin);
stage.on("project head shots director", render);
stage.on("project head agents", renderWho);
