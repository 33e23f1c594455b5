// js_on_load of the clips panel, which takes the place of drawing and evidence while the viewer shows a clip:
// the text R that the renderer gets, rendering with a price first, and every clip that was ever rendered.
const { h, text, attribute, fill, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("clips");
const shownNow = () => document.getElementById("studio").dataset.view === "clip";

// ---------------------------------------------------------------- rendering

const render = h("button.s-button.s-primary", { type: "button", id: "render-this", onclick: () => send("make", { shots: state.selection }) });
const price = h("span.s-hint", { id: "clip-quote" });
/** A key never renders unseen: what it costs is shown first. */
stage.command.render = () => {
  if (!shownNow()) stage.command.viewClip();
  else if (render.disabled && render.title) stage.notify(`${render.title}.`, "info", null, "render");
  else render.click();
};
const stale = h("span.cl-stale", { role: "note" });
const keep = h("button.s-quiet", { type: "button", id: "keep-clip", onclick: () => send("keep", { shot: state.cursor }) }, "Keep as it is");

function renderControls(shot, priced) {
  const many = state.selection.length;
  const job = shot?.clip_job;
  const busy = ["queued", "running", "paused"].includes(job?.state);
  const drawn = state.selection.map((id) => state.shots.get(id)).every((one) => one?.take_id);
  text(render, busy && many < 2 ? (job.state === "running" ? `Rendering ${Math.round(job.progress * 100)} %` : "Waiting")
    : many > 1 ? `Render ${many} shots` : shot?.clip_url ? "Render again" : "Render this shot");
  render.disabled = !many || !drawn || !priced || (busy && many < 2);
  attribute(render, "title", !drawn ? "Draw first: a clip moves between the two frames of a pair"
    : !priced ? "What it costs is being asked: it can be rendered once that is said" : null);
  const { freshness, reasons } = shot?.clip_staleness ?? { freshness: "fresh", reasons: [] };
  const failed = job?.state === "failed" ? job.error : "";
  stale.hidden = freshness !== "stale" && !failed;
  attribute(stale, "data-kind", failed ? "failed" : null);
  text(stale, failed || `This clip is stale: ${reasons.join("; ")}.`);
  keep.hidden = freshness !== "stale" || reasons.some((reason) => /^the (length|frame rate) changed/.test(reason));
}

const ask = stage.asker("quote", (data) => send("price", data));
/** Whether what rendering costs now is on the page. */
function askPrice() {
  const chosen = state.selection.map((id) => state.shots.get(id)).filter((one) => one?.take_id);
  const basis = !chosen.length || !shownNow() ? null
    : JSON.stringify([state.head.renderer, state.head.seconds_a_frame, chosen.map((one) => [one.id, one.attributes.length])]);
  const key = ask(basis, { shots: chosen.map((one) => one.id) });
  const quote = key && state.told.quote?.key === key ? state.told.quote : null;
  text(price, quote ? stage.priceOf(quote) : "");
  return Boolean(quote);
}

// ---------------------------------------------------------------- the text R

const words = stage.area({ id: "refined", rows: 4, maxlength: 4000 });
const field = stage.field({
  label: "Text R: what moves between the two frames", control: words, wide: true,
  save: (value, shot, done) => send("write", { shot, text: value }, () => {
    const there = state.shots.get(shot); // emptied, it is left to the refiner, who may have written one of his own
    const good = !there ? null : value.trim() ? stage.same(there.refined, value) : !there.refined_by_hand;
    done(good);
    return good;
  }),
});
const source = h("span.s-hint");
const refine = h("button.s-quiet", { type: "button", id: "refine", onclick: () => send("refine", { shot: state.cursor }) }, "Write it from the pair");
const back = h("button.s-quiet", { type: "button", id: "refine-back", onclick: () => send("write", { shot: state.cursor, text: "" }) }, "Leave it to the refiner");

function renderText(shot) {
  field.show(shot?.refined ?? "", shot?.id ?? null);
  words.disabled = !shot?.take_id;
  attribute(words, "placeholder", shot?.take_id ? "It is written from the pair when the clip is rendered; or write it yourself." : "Draw this shot first.");
  text(source, !shot?.take_id ? "" : shot.refined_by_hand ? "Your words: the renderer gets them as they stand."
    : shot.refined ? "Read from the pair by the refiner. Change it, and the renderer gets your words." : "");
  refine.hidden = Boolean(!shot?.take_id || shot.refined_by_hand || shot.refined);
  refine.disabled = ["queued", "running"].includes(shot?.clip_job?.state);
  back.hidden = !shot?.refined_by_hand;
}

// ---------------------------------------------------------------- clips that were rendered

const count = h("span.s-count");
const strip = h("div.cl-strip", { role: "list", tabindex: 0, "aria-label": "Clips of this shot" });
const empty = h("p.s-empty");
let listed = "";

function video(clip, attributes = {}) {
  const el = h("video", { playsinline: true, preload: "metadata", loop: true, "aria-label": `Clip ${clip.number}`, ...attributes });
  el.muted = true;
  attribute(el, "src", stage.media(clip.url));
  return el;
}

function card(clip, picked) {
  const look = video(clip);
  const play = (on) => () => (on ? look.play().catch(() => {}) : look.pause());
  const { freshness, reasons } = clip.staleness;
  return h("div.cl-card", { role: "listitem", "data-picked": clip.picked, onpointerenter: play(true), onpointerleave: play(false) }, look,
    h("div.tk-line", {}, h("strong", {}, `Clip ${clip.number}`), h("span.tk-how", { title: `${clip.renderer}, rendered in ${say.seconds(clip.made_in)}` }, `take ${clip.take_number} · ${clip.renderer}`)),
    freshness !== "fresh" && h("p.cl-why", { "data-kind": freshness, title: reasons.join("; ") }, `${freshness === "kept" ? "kept, though" : "stale:"} ${reasons.join("; ")}`),
    h("div.tk-line", {},
      clip.picked ? h("span.tk-picked", {}, stage.icon("check"), "In the film")
        : h("button.s-quiet.cl-pick", { type: "button", "data-act": "use", "data-of": clip.id, onclick: () => choose(clip) }, "Use this clip"),
      !clip.picked && picked && h("button.s-quiet", { type: "button", onclick: () => compare(picked, clip) }, "Compare")));
}

/** A clip comes with the text that it was rendered from: words of one's own that were not rendered go with an edit. */
function choose(clip) {
  const shot = stage.shot(clip.shot_id);
  const own = shot?.refined_by_hand && shot.refined !== clip.text;
  send("choose", { shot: clip.shot_id, clip: clip.id }).then((heard) => {
    if (heard && own) stage.notify("Your text R gave way to that of this clip: Undo brings it back.", "info", null, "clip");
  });
}

/** Two clips side by side, in step, with what each was told. */
function compare(one, other) {
  const screens = [one, other].map((clip) => video(clip, { autoplay: true }));
  const toggle = h("button.s-button", { type: "button", onclick: () => {
    const pause = !screens[0].paused;
    for (const screen of screens) { screen.currentTime = screens[0].currentTime; if (pause) screen.pause(); else screen.play(); }
    text(toggle, pause ? "Play both" : "Pause both");
  } }, "Pause both");
  const again = h("button.s-button", { type: "button", onclick: () => {
    for (const screen of screens) { screen.currentTime = 0; screen.play(); }
    text(toggle, "Pause both");
  } }, "From the start");
  const sheet = h("dialog.s-sheet.cl-compare", { "aria-label": "Compare two clips" },
    h("div.s-sheet-head", {}, h("h2", {}, `Clip ${one.number} beside clip ${other.number}`), stage.tool("close", "Close", () => sheet.close())),
    h("div.cl-two", {}, [one, other].map((clip, i) => h("figure", {}, screens[i],
      h("figcaption", {}, h("strong", {}, `Clip ${clip.number}${clip.picked ? ", in the film" : ""}`), h("p", {}, clip.text))))),
    h("div.fi-row", {}, toggle, again));
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}

// Asked for when the panel is seen, and again when a clip came, or what makes one stale changed.
const askList = stage.asker("clips", (data) => send("look", data));
function askClips(shot) {
  if (!shot || !shownNow()) { askList(null); return; }
  askList(JSON.stringify([shot.id, shot.clips, shot.clip_id, shot.clip_staleness, shot.refined, shot.take_id]), { shot: shot.id });
}

function renderClips(shot) {
  const list = shot && state.told.clips?.shot === shot.id ? state.told.clips.list : [];
  text(count, list.length ? String(list.length) : "");
  empty.hidden = list.length > 0;
  strip.hidden = !list.length;
  text(empty, "No clips yet. Each time you render, one is added here; none is ever lost.");
  const key = JSON.stringify(list);
  if (key === listed) return;
  listed = key;
  stage.renew(strip, () => fill(strip, list.map((clip) => card(clip, list.find((one) => one.picked)))), strip);
}

function paint() {
  const shot = stage.shot();
  renderControls(shot, askPrice());
  renderText(shot);
  askClips(shot);
  renderClips(shot);
}

fill(body, h("div.dr-row", {}, render, price, h("span.s-grow"), stale, keep),
  h("div.cl-body", {}, h("div.cl-text", {}, field.el, h("div.fi-row", {}, source, h("span.s-grow"), refine, back)),
    h("div.cl-clips", {}, h("div.s-head", {}, h("h2.s-title", {}, "Clips"), count), empty, strip)));
stage.on("select shots head jobs clips quote view", paint);
