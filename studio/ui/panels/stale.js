// js_on_load of the list of everything that is stale: why, and what can be done about it.
const { h, text, attribute, fill, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("stale");

const button = h("button.s-quiet.sl-button", { type: "button", id: "stale-list" }, h("span.sl-full"), h("span.sl-short"));
const list = h("div.s-pop.sl-pop", { role: "dialog", tabindex: -1, "aria-label": "What is stale, and why" });
const pop = stage.popover(button, list, () => { shown = ""; render(); });
let shown = "";

function row(shot) {
  const act = (label, run) => h("button.s-quiet", { type: "button", "data-act": label, "data-of": shot.id,
    "aria-label": `${label}: shot ${shot.number}`, onclick: run }, label);
  return h("li.sl-row", {},
    h("button.sl-what", { type: "button", title: "Show this shot", onclick: () => { stage.select([shot.id], shot.id); pop.close(); } },
      h("strong", {}, `${shot.number} · ${shot.label}`), h("span.sl-chip", {}, shot.staleness.freshness), h("span", {}, shot.staleness.reasons.join("; "))),
    shot.locked ? h("small", {}, "locked") : act("Draw", () => send("again", { shots: [shot.id] })),
    act("Keep", () => send("accept", { shot: shot.id })));
}

function render() {
  const found = stage.shots().filter(stage.outdated);
  button.hidden = !found.length;
  const drifting = found.filter((shot) => shot.staleness.freshness === "may drift").length;
  const said = [found.length > drifting && `${found.length - drifting} stale`, drifting && `${drifting} may drift`].filter(Boolean).join(", ");
  text(button.firstChild, said);
  text(button.lastChild, `⚠ ${found.length}`);
  for (const name of ["title", "aria-label"]) attribute(button, name, `${said}: what changed since it was drawn`);
  if (!found.length) { stage.renew(body, pop.close); return; }
  if (list.hidden) return;
  const each = stage.details()?.estimate;
  const key = JSON.stringify([each, found.map((shot) => [shot.id, shot.number, shot.label, shot.staleness, shot.locked])]);
  if (key === shown) return;
  shown = key;
  const open = found.filter((shot) => !shot.locked).map((shot) => shot.id);
  stage.renew(list, () => fill(list, h("h3.s-title", {}, "What changed since it was drawn"), h("ul", {}, found.map(row)),
    h("button.s-button.s-primary", { type: "button", id: "draw-stale", disabled: !open.length, onclick: () => { send("again", { shots: open }); pop.close(); } },
      `Draw all of it (${open.length})`), each && open.length ? h("span.s-hint", {}, say.about(open.length * each)) : null), list);
}

fill(body, h("span.s-anchor", {}, button, list));
stage.on("shots details", render);
