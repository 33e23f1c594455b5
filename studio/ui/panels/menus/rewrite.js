// One shot, a bit different, for the inspector: a note or just again; the proposal as a diff to accept.
stage.rewriteBox = (send) => {
  const { h, text, fill, state } = stage;
  const NAMES = { description: "Description", length: "Length", cast: "Cast", time: "Time", scale: "Size" };
  const note = stage.input({ id: "rewrite-note", placeholder: "closer, from below; she waves — or leave it empty", "aria-label": "What should be different" });
  const go = h("button.s-button", { type: "button", id: "rewrite", onclick: () => ask(0) }, "Propose");
  const halt = h("button.s-quiet", { type: "button", id: "rewrite-stop", hidden: true, onclick: () => { stage.agents.stop(); wait(false); } }, "Stop");
  const diff = h("div.rw-diff", { "aria-live": "polite" });
  const box = h("details.rw-box", { "data-wide": true }, h("summary", { id: "rewrite-open" }, "Rewrite this shot"),
    h("div.rw-row", {}, note, go, halt), diff);
  note.addEventListener("keydown", (event) => { if (event.key === "Enter" && !go.disabled) ask(0); });

  const shown = (name, value) => (name === "length" ? `${Math.round((value / state.head.rate) * 100) / 100} s`
    : Array.isArray(value) ? value.join(", ") || "nobody" : String(value || "nothing"));

  let asked = null; // the shot whose proposal is awaited: an answer that comes after "Leave it" is not shown

  let turn = 0;

  async function ask(seed) {
    if (!state.cursor) return;
    asked = state.cursor;
    const mine = ++turn;
    wait(state.head.agents.director !== "built-in"); // a model may take a while, and every question may cost
    await send("propose", { shot: state.cursor, note: note.value, seed });
    if (mine === turn) wait(false);
  }

  function wait(on) {
    go.disabled = on;
    halt.hidden = !on;
    text(go, on ? "The model writes…" : state.told.proposal ? "Propose again" : "Propose");
    const another = diff.querySelector("#rewrite-another");
    if (another) another.disabled = on;
  }

  function accept(proposal) {
    const chosen = [...diff.querySelectorAll("input:checked")].map((box) => box.value);
    const fields = Object.fromEntries(proposal.fields.filter((field) => chosen.includes(field.name)).map((field) => [field.name, field.after]));
    if (!chosen.length) { stage.notify("Choose at least one of the changes."); return; }
    send("rewritten", { shot: proposal.shot_id, fields }).then((heard) => {
      if (heard || state.told.proposal) return;
      [asked, state.told.proposal] = [proposal.shot_id, proposal]; // it may have been paid for
      render();
    });
    drop();
  }

  function drop() {
    asked = state.told.proposal = null;
    render();
    go.focus();
  }

  function render() {
    const proposal = state.told.proposal;
    const mine = proposal && proposal.shot_id === state.cursor;
    diff.hidden = !mine;
    if (!mine) { fill(diff); diff.shown = null; return; }
    if (diff.shown === proposal) return;
    diff.shown = proposal;
    fill(diff,
      proposal.note.trim() && h("p.s-hint", {}, `Proposed for “${proposal.note.trim()}”`), // another note may be written by now
      proposal.fields.map((field) => h("label.rw-field", {},
        h("input", { type: "checkbox", value: field.name, checked: true }),
        h("span.rw-name", {}, NAMES[field.name] ?? field.name.charAt(0).toUpperCase() + field.name.slice(1)),
        h("del", {}, shown(field.name, field.before)), h("ins", {}, shown(field.name, field.after)))),
      h("ul.rw-why", {}, proposal.reasons.map((reason) => h("li", {}, reason))),
      proposal.unread.length > 0 && h("p.s-note", {}, "Not understood: ", proposal.unread.map((word) => h("span.s-word", {}, word))),
      h("div.rw-row", {},
        h("button.s-button.s-primary", { type: "button", id: "rewrite-accept", onclick: () => accept(proposal) }, "Accept"),
        !proposal.note.trim() && h("button.s-quiet", { type: "button", id: "rewrite-another", onclick: () => ask(proposal.seed + 1) }, "Another"),
        h("button.s-quiet", { type: "button", onclick: drop }, "Leave it")));
    if (!go.disabled) text(go, "Propose again");
  }

  stage.on("proposal", () => { if (state.told.proposal?.shot_id !== asked) state.told.proposal = null; });
  stage.on("proposal select", render);
  stage.on("proposing", () => state.told.proposing === false && wait(false));
  stage.on("project", () => { wait(false); note.value = ""; });
  return box;
};
