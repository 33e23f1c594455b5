// js_on_load of the story panel: the theme, the director's settings, and his stages as they come.
const { h, text, attribute, fill, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("story", trigger);
const EXAMPLES = [
  "An old fisherman finds a lost child on a stormy harbour at night",
  "A girl with a red coat waits in a snowy forest until her father comes",
  "Two travellers meet in the desert at dawn and walk on together",
];

const theme = stage.field({
  label: "Theme or screenplay",
  control: stage.area({ id: "theme", rows: 5, placeholder: "One sentence is enough. Or paste a Fountain screenplay." }),
  save: (value, project, done) => send("write", { project, theme: value }, () => {
    const good = state.head.id === project && stage.same(state.head.theme, value);
    done(good);
    return good;
  }),
});
const shots = stage.input({ id: "shot-count", type: "number", min: 1, max: 60, value: 5 });
const seed = stage.input({ id: "director-seed", type: "number", min: 0, value: 0 });
const button = h("button.s-button.s-primary", { type: "button", id: "direct", onclick: direct }, "Direct");
const again = h("p.s-hint", { id: "direct-hint" });
const stages = h("ol.st-stages", { "aria-live": "polite", "aria-label": "What the director does" });
const thoughts = h("details.st-thoughts", {}, h("summary", {}, "What the director thought"), stages);
const ideas = h("div.st-ideas", {}, h("span.s-label", {}, "For example"), EXAMPLES.map((idea) =>
  h("button.st-idea", { type: "button", onclick: () => {
    theme.control.value = idea;
    theme.control.dispatchEvent(new Event("change"));
    theme.control.focus();
  } }, idea)));
let working = false;
let wasWorking = false;

function direct() {
  if (working || !state.head) return;
  theme.flush();
  working = true;
  state.director = { working: true, stages: [] };
  render();
  send("direct", { theme: theme.control.value, shots: Number(shots.value) || 5, seed: Number(seed.value) || 0 });
}

function render() {
  const told = state.director;
  working = Boolean(told?.working);
  button.disabled = working || !state.head;
  text(button, working ? "Directing…" : state.order.length ? "Direct again" : "Direct");
  text(again, state.order.length ? `Directing again puts the ${say.count(state.order.length, "shot")} you have into the trash; Undo brings them back.` : "");
  again.hidden = !state.order.length;
  ideas.hidden = Boolean(state.order.length || theme.control.value.trim());
  thoughts.hidden = !told;
  if (working !== wasWorking) thoughts.open = working;  // open while he thinks; then the shots are what matters
  wasWorking = working;
  fill(stages, (told?.stages ?? []).map((item) =>
    h("li", {}, h("strong", {}, item.name), item.lines.map((line) => h("div", {}, line)))),
  told?.working && h("li.st-busy", {}, "thinking…"));
}

theme.control.addEventListener("input", render);
fill(body, h("h2.s-title", {}, "Story"), theme.el, ideas,
  h("div.st-row", {},
    h("label.s-field", {}, h("span.s-label", {}, "Shots"), shots),
    h("label.s-field", {}, h("span.s-label", {}, "Seed"), seed),
    button),
  again, thoughts);

stage.on("project head", () => theme.show(state.head?.theme ?? "", state.head?.id ?? null));
stage.on("project", () => { if (state.order.length) shots.value = state.order.length; });
stage.on("project head shots director", render);
