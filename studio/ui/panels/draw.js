// js_on_load of the draw controls.
const { h, text, fill, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("draw", trigger);

const one = h("button.s-button.s-primary", { type: "button", id: "draw-this", title: "Draw the selected shots (R)", onclick: drawSelected }, "Draw");
const all = h("button.s-button", { type: "button", id: "draw-all", onclick: () => state.head && send("missing") }, "Draw all");
const takes = stage.segments("takes", "Takes", [["1", "1"], ["2", "2"], ["3", "3"], ["4", "4"]], "1");
const keep = stage.segments("keep", "Keep", [["", "none"], ["start", "start"], ["end", "end"]], "");
const number = (id, placeholder, attributes) => stage.input({ id, type: "number", placeholder, ...attributes });
const seed = number("draw-seed", "random", { min: 0, step: 1 });
const steps = number("draw-steps", "profile's", { min: 1, step: 1 });
const guidance = number("draw-guidance", "profile's", { min: 0, step: 0.1 });
const labelled = (label, control) => h("label.s-field", {}, h("span.s-label", {}, label), control);
const fold = h("details.dr-fold", {}, h("summary", {}, "Advanced"),
  h("div.dr-advanced", {}, labelled("Seed", seed), labelled("Steps", steps), labelled("Guidance", guidance)));
const quote = h("span.dr-quote");

const value = (control) => (control.value.trim() === "" ? null : Number(control.value));

function drawSelected() {
  if (!state.selection.length) { stage.notify("Select a shot in the timeline first."); return; }
  send("selected", {
    shots: state.selection, takes: Number(takes.value), keep: keep.value || null,
    seed: value(seed), steps: value(steps), guidance: value(guidance),
  });
}
stage.command.draw = drawSelected;

function render() {
  const chosen = state.selection.length;
  const shot = stage.shot();
  const drawn = Boolean(shot?.take_id);
  const verb = drawn ? "Draw again" : "Draw this shot";
  text(one, chosen > 1 ? `Draw ${chosen} shots` : verb);
  one.disabled = !chosen;
  const left = state.head?.stale_shots.length ?? 0;
  const waiting = stage.activeJobs().filter((job) => job.kind === "draw").length;
  const each = stage.details()?.estimate;
  const time = left && each ? say.about(left * each) : "";
  text(all, left ? `${left === state.order.length ? "Draw all" : "Draw the rest"} (${left})` : waiting ? `${waiting} in the queue` : state.order.length ? "All drawn" : "Draw all");
  stage.attribute(all, "title", `Every shot that is missing or stale, in film order${time && `, ${time}`}`);
  all.disabled = !left;
  text(quote, time);
  for (const radio of keep.el.querySelectorAll("input")) radio.disabled = radio.value !== "" && !drawn;
  if (!drawn) keep.value = "";
}

fill(body, h("div.dr-row", {}, one, all, quote, h("span.s-grow"), takes.el, keep.el, fold));
stage.on("select shots head jobs details", render);
