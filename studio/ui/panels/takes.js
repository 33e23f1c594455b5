// js_on_load of the takes strip: every pair that was ever drawn for the shot, and how it was drawn.
const { h, text, fill, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("takes", trigger);
const count = h("span.s-count");
const strip = h("div.tk-strip", { role: "list", tabindex: 0, "aria-label": "Takes of this shot" });
const empty = h("p.s-empty", {}, "No takes yet. Each time you draw, a take is added here; none is ever lost.");
let shown = null;

function image(url, alt) {
  const img = h("img", { loading: "lazy", decoding: "async" });
  stage.picture(img, url, alt);
  return img;
}

function made(take) {
  const { lineage } = take;
  const rows = [
    ["Seed", lineage.seed], ["Steps", lineage.steps], ["Guidance", lineage.guidance], ["Profile", lineage.profile],
    ["Weights", lineage.weights.slice(0, 12)], ["Size", `${lineage.width} × ${lineage.height}`],
    ["Machine", `${lineage.device}, ${lineage.dtype}`], ["Continues from", lineage.previous_end ?? "nothing"],
    ["Kept", lineage.kept ?? "nothing"], ["Memory", lineage.memory.map((frame) => frame.key).join(", ") || "none"],
    ["Versions", Object.entries(lineage.versions).map((pair) => pair.join(" ")).join(", ")], ["Words", lineage.prompt],
  ];
  return h("dl.tk-made", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
}

/** How a take was drawn, in a dialog: seed, steps, weights, memory, words. */
function explain(take) {
  const sheet = h("dialog.s-sheet", { "aria-label": `How ${take.label} was drawn` },
    h("div.s-sheet-head", {}, h("h2", {}, take.label), stage.tool("close", "Close", () => sheet.close())),
    h("div.tk-big", {}, image(take.start_url, "Start frame of this take"), image(take.end_url, "End frame of this take")), made(take));
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}

function card(take) {
  const { lineage } = take;
  const how = lineage.imported ? "came with the film" : `seed ${lineage.seed} · ${lineage.steps} steps`;
  return h("div.tk-card", { role: "listitem", "data-picked": take.picked },
    h("button.tk-pair", { type: "button", "aria-label": `Look at take ${take.number}`, onclick: () => explain(take) },
      image(take.start_url, `Take ${take.number}, start frame`), image(take.end_url, `Take ${take.number}, end frame`)),
    h("div.tk-line", {}, h("strong", {}, `Take ${take.number}`), h("span.tk-how", { title: lineage.imported ? how : `${how}, drawn in ${say.seconds(take.seconds)}` }, how)),
    h("div.tk-line", {},
      take.picked ? h("span.tk-picked", {}, stage.icon("check"), "In the film")
        : h("button.s-quiet.tk-pick", { type: "button", onclick: () => send("choose", { shot: take.shot_id, take: take.id }) }, "Use this take"),
      h("button.s-quiet", { type: "button", onclick: () => explain(take) }, "How")));
}

function render() {
  const known = stage.details();
  const list = known?.takes ?? [];
  text(count, list.length ? String(list.length) : "");
  empty.hidden = list.length > 0;
  strip.hidden = !list.length;
  if (shown === known) return;
  shown = known;
  fill(strip, list.map(card));
}

fill(body, h("div.s-head", {}, h("h2.s-title", {}, "Takes"), count), empty, strip);
stage.on("details select", render);
