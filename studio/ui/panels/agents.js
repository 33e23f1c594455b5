// js_on_load of the agents: who directs, refines and judges, where they are asked, and whether they answer.
const { h, text, attribute, fill, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("agents");
const ROLES = [
  ["director", "Director", "writes the shot list from your theme", "Built-in"],
  ["refiner", "Refiner", "looks at the two frames and says what moves", "Built-in"],
  ["judge", "Judge", "scores the drawn film and notes errors at its cuts", "Nobody"],
];
const SCORES = { OVQ: "Picture quality", VTC: "True to the cards", ISC: "Same people and places", STS: "Cuts" };
const chosen = () => state.head?.agents ?? null;

/** Sends one field of the choice; `done` hears whether the server read back what was sent. */
const choose = (field, value, done = () => {}, project = state.head.id) => send("choose", { project, field, value }, () => {
  const good = state.head.id !== project ? null : stage.same(chosen()[field], value.replace(/\/+$/, ""));
  done(good);
  return good;
});

// ---------------------------------------------------------------- the three parts

const rows = ROLES.map(([role, title, does, builtIn]) => {
  const options = [["built-in", builtIn], ["server", "Server"], ["local", "Local model"]];
  const segments = stage.segments(`agent-${role}`, title, options, "built-in");
  segments.el.addEventListener("change", () => choose(role, segments.value));
  const attempt = h("button.s-quiet", { type: "button", id: `try-${role}`, "aria-label": `Try the ${role}`, onclick: () => tryOut(role) }, "Try it");
  const note = h("p.s-note", { "aria-live": "polite" });
  const el = h("div.ag-role", { "data-role": role }, segments.el, attempt, h("p.s-hint", {}, does), note);
  function show() {
    const source = chosen()?.[role] ?? "built-in";
    const trial = state.told.trial?.role === role ? state.told.trial : null;
    const trouble = chosen()?.trouble[role] ?? "";
    segments.value = source;
    attempt.hidden = source === "built-in";
    attempt.disabled = Boolean(trouble || trial?.working);
    text(attempt, trial?.working ? "Asking…" : "Try it");
    text(note, source === "built-in" ? "" : trouble || trial?.text || "");
    note.hidden = !note.textContent;
    attribute(note, "data-good", !trouble && trial?.good === true);
  }
  return { el, show };
});

/** Asks the model one question, which may take minutes. */
async function tryOut(role) {
  state.told.trial = { role, working: true };
  stage.announce("trial");
  await send("attempt", { role });
  if (!state.told.trial?.working) return;
  state.told.trial = null;
  stage.announce("trial");
}

// ---------------------------------------------------------------- where they are asked

function textField(name, label, placeholder, hint) {
  const field = stage.field({
    label, hint, control: stage.input({ id: `agent-${name}`, spellcheck: "false", placeholder }),
    save: (value, project, done) => choose(name, value, done, project),
  });
  const show = () => {
    field.show(chosen()?.[name] ?? "", state.head?.id ?? null);
    const given = chosen()?.environment[name];
    attribute(field.control, "placeholder", given ? `${given} (from the environment)` : placeholder);
  };
  return { ...field, show };
}
const url = textField("url", "Server address", "http://localhost:11434/v1", null);
const model = textField("model", "Model", "qwen3-vl", null);
const local = textField("local", "Local model", "Qwen/Qwen2.5-VL-7B-Instruct", "A folder, or a name on the Hugging Face hub. It is loaded in a process of its own.");
const key = h("p.s-hint", { id: "agent-key" });

function renderKey() {
  const agents = chosen();
  if (!agents) return;
  const address = agents.url || agents.environment.url;
  key.hidden = !address;
  fill(key, "Key: ", h("code", {}, agents.key_variable), agents.key_found ? " is set." : " is not set.",
    " Keys come from the environment or a Space's secrets only, and go to no other server.");
  attribute(key, "data-found", agents.key_found);
}

// ---------------------------------------------------------------- the judge at work

const judge = h("button.s-button", { type: "button", id: "judge-film", onclick: () => send("judge") });
const halt = h("button.s-quiet", { type: "button", id: "stop-judging", onclick: () => send("unjudge") }, "Stop");
const progress = h("p.s-hint", { "aria-live": "polite", id: "judging" });
const since = h("p.s-note", { "aria-live": "polite", id: "judged-since" });
const scores = h("dl.ag-scores");

function renderJudging() {
  const agents = chosen();
  const told = state.head?.judging ?? {};
  const drawn = state.order.length > 0 && stage.shots().every((shot) => shot.start_url);
  judge.hidden = !agents || agents.judge === "built-in";
  judge.disabled = Boolean(told.working || !drawn || agents?.trouble.judge);
  text(judge, told.working ? "Judging…" : "Judge this film");
  halt.hidden = judge.hidden || !told.working;
  const found = Object.entries(told.scores ?? {});
  const notes = told.notes ? `${say.count(told.notes, "note")} on cuts: see them in the viewer under Cut.` : "No errors noted at the cuts.";
  text(progress, judge.hidden ? "" : !drawn && !found.length ? "Draw every shot first."
    : told.working ? (told.asked ? `${told.answered} of ${say.count(told.asked, "question")} answered. You may go on working or close the page.` : `Asking ${told.judge}…`)
    : found.length ? `${told.judge} judged first and last frames. ${notes}` : "");
  text(since, told.trouble ? `It did not come to its end: ${told.trouble}` : told.changed && found.length
    ? `${say.count(told.changed, "shot")} of ${state.order.length} changed since then.` : "");
  since.hidden = judge.hidden || !since.textContent;
  progress.hidden = !progress.textContent;
  scores.hidden = judge.hidden || !found.length;
  fill(scores, found.map(([name, value]) => [h("dt", {}, SCORES[name], " ", h("abbr", {}, name)), h("dd", {}, value.toFixed(2))]));
}

// ---------------------------------------------------------------- the sheet

const sheet = h("dialog.s-sheet.ag-sheet", { id: "agents-sheet", "aria-label": "Agents" },
  h("div.s-sheet-head", {}, h("h2", {}, "Agents"), tool("close", "Close", () => sheet.close())),
  h("p.s-hint", {}, "The built-in director and refiner need no model, and nothing leaves this machine. A language model of your choice can take their parts; it is asked only where you choose it here, and nothing takes its place when it fails."),
  h("section.ag-roles", { "aria-label": "Who plays which part" }, rows.map((row) => row.el)),
  h("section.ag-where", { "aria-label": "Where models are asked" },
    h("h3.s-title", {}, "Server"),
    h("p.s-hint", {}, "Any OpenAI-compatible one: Ollama, vLLM, llama.cpp, OpenAI, Gemini, the Hugging Face router."),
    h("div.ag-pair", {}, url.el, model.el), key,
    h("h3.s-title", {}, "On this machine"), local.el),
  h("section.ag-judging", { "aria-label": "The judge" }, judge, halt, progress, since, scores));

function open() {
  render();
  if (!sheet.open) sheet.showModal();
}

function render() {
  for (const part of [...rows, url, model, local]) part.show();
  renderKey();
  renderJudging();
}

/** How the chosen director is called in one or two words: for the story panel. */
function names() {
  const agents = chosen();
  return {
    "built-in": "Built-in",
    server: agents?.model || agents?.environment.model || "Server",
    local: (agents?.local || agents?.environment.local || "Local model").split("/").at(-1),
  };
}

stage.agents = { open, choose, names, stop: () => send("stop") };
fill(body, tool("star", "Agents: director, refiner, judge", open, { id: "agents-open" }), sheet);
stage.on("project head trial", render);
stage.on("shots", renderJudging);
stage.on("project", () => { delete state.told.trial; });
stage.announce("agents");
