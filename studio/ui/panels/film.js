// js_on_load of the film drawer: what will be rendered, progress, the video, downloads.
const { h, text, attribute, fill, icon, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("film");

const button = h("button.s-button.s-primary", { type: "button", id: "film-button" }, icon("out"), h("span", {}, "Export"));
const panel = h("div.s-pop.fi-pop", { role: "dialog", "aria-label": "Render and export the film" });
const pop = stage.popover(button, panel, () => { askPrice(true); going = null; send("exports"); ready?.remove(); });

const summary = h("p.fi-summary");
const make = h("button.s-button.s-primary", { type: "button", id: "export", onclick: () => send("make") });
const halt = h("button.s-quiet", { type: "button", onclick: () => send("halt") }, "Cancel");
const bar = h("div.s-bar", { role: "progressbar", "aria-label": "Rendering", "aria-valuemin": 0, "aria-valuemax": 100 }, h("div"));
const doing = h("p.s-hint", { "aria-live": "polite" });
const video = h("video.fi-video", { controls: true, playsinline: true, preload: "metadata", id: "film-video", "aria-label": "The exported film" });
const made = h("p.s-hint");
const mp4 = h("a.s-button", { id: "download-mp4" }, icon("download"), "MP4");
const zip = h("a.s-button", { id: "download-zip" }, icon("download"), "Everything (zip)");
const titles = (form) => h("button.s-quiet", { type: "button", id: `subtitles-${form}`, onclick: () => send("subtitles", { form }) }, icon("download"), form.toUpperCase());
const subtitles = h("div.fi-links", {}, h("span.s-hint", {}, "Dialogue as subtitles"), titles("srt"), titles("vtt"));
const result = h("div.fi-result", {}, video, made, h("div.fi-links", {}, mp4, zip));

let going = null; // the export of which it is asked whether it is to go for good
const exportsTold = h("summary");
const exportsList = h("div");
const exported = h("details.fi-exports", { id: "exports" }, exportsTold, exportsList);

/** All exports with their sizes: each takes room until somebody deletes it. */
function renderExports() {
  const all = state.told.exports ?? [];
  exported.hidden = !all.length;
  text(exportsTold, `${say.count(all.length, "export")}, ${say.bytes(all.reduce((sum, one) => sum + one.bytes, 0))}`);
  fill(exportsList, all.map((one) => {
    const name = `the export of ${say.day(one.created)}`;
    if (going === one.id) return h("div.tk-purge", { role: "alert" }, h("span", {}, `This deletes ${name} for good (${say.bytes(one.bytes)}). It cannot be undone.`),
      h("button.s-button.tk-gone", { type: "button", id: "export-purge-now", onclick: () => send("discard", { export: one.id }) }, "Delete for good"),
      h("button.s-quiet", { type: "button", onclick: () => { going = null; renderExports(); } }, "Keep it"));
    return h("div.fi-links", {}, h("a", { href: stage.media(one.url), download: nameOf("mp4") }, say.day(one.created)),
      h("span.s-hint", {}, `${say.time(one.seconds)}, ${say.bytes(one.bytes)}`), h("span.s-grow"),
      stage.tool("trash", `Delete ${name}`, () => { going = one.id; renderExports(); }));
  }));
}

const renderer = stage.dropdown([], { id: "renderer" });
const rendererHint = h("p.s-hint");
const price = h("p.s-hint", { id: "render-quote" });
renderer.addEventListener("change", () => send("renderer", { renderer: renderer.value }));

function renderChoice() {
  if (!state.head) return;
  if (renderer.options.length !== (state.told.renderers ?? []).length) {
    fill(renderer, (state.told.renderers ?? []).map((one) => h("option", { value: one.name, disabled: Boolean(one.hindrance), title: one.hindrance || one.note },
      one.title, one.key_variable && ` · ${one.key_variable} is ${one.key_found ? "set" : "not set"}`)));
  }
  if (document.activeElement !== renderer) renderer.value = state.head.renderer;
  const chosen = (state.told.renderers ?? []).find((one) => one.name === state.head.renderer);
  text(rendererHint, !chosen ? "" : chosen.hindrance || [chosen.note, chosen.lengths !== "any" && `Makes ${chosen.lengths}.`, `Cost: ${chosen.cost}.`, chosen.key_variable && `${chosen.key_variable} is set.`].filter(Boolean).join(" "));
  attribute(rendererHint, "data-kind", chosen?.hindrance ? "stale" : null);
}

/** "2 clips to render, about 14 s, free", before anything may be ordered: asked for while the drawer is open and something may have changed. */
const ask = stage.asker("filmQuote", (data) => send("price", data));
let priceKey = "";
function askPrice(open = !panel.hidden) {
  if (!state.head) return;
  priceKey = ask(open ? JSON.stringify([state.head.id, state.head.renderer, state.head.seconds_a_frame,
    stage.shots().map((shot) => [shot.clip_id, shot.clip_stale, shot.take_id, shot.attributes.length])]) : null);
}
stage.priceOf = (quote) => [say.count(quote.shots, "clip"), quote.wait ? say.about(quote.wait) : "time not known yet",
  quote.dollars ? `about $${quote.dollars.toFixed(2)}` : quote.gpu_minutes ? `about ${Math.ceil(quote.gpu_minutes)} GPU minutes` : "free",
  ...(quote.slowed > 1.05 ? [`played up to ${quote.slowed.toFixed(1)} times slower than made: the renderer makes no clip this long`] : [])].join(", ");

function renderPrice() {
  const quote = priceKey && state.told.filmQuote?.key === priceKey ? state.told.filmQuote : null;
  text(price, !quote ? "" : quote.shots ? `To render: ${stage.priceOf(quote)}.`
    : state.head?.film && !state.head.film.stale ? "" : "Every clip is rendered and fresh; the film only has to be joined.");
  price.hidden = !price.textContent;
  return Boolean(quote);
}

let making = null; // the job that was seen at work
let ready = null; // what says that it is done: nobody needs to hear it once the drawer is open
/** Whoever went on working meanwhile hears of it. */
function tellWhenReady(job) {
  const done = making && state.jobs.get(making)?.state === "done";
  making = job;
  if (done && !panel.hidden) send("exports");
  if (done && panel.hidden) {
    ready = stage.notify("The film is ready.", "info", { label: "Show it", act: () => pop.open() });
  }
}

const nameOf = (ending) => `${(state.head.title || "film").replace(/[^\p{L}\p{N} _-]+/gu, "").trim() || "film"}.${ending}`;

function render() {
  const film = state.head?.film ?? null;
  const jobs = [...state.jobs.values()].filter((job) => job.kind === "export").sort((a, b) => a.created.localeCompare(b.created));
  const job = jobs.at(-1);
  const busy = Boolean(job) && ["queued", "running", "paused"].includes(job.state);
  const missing = stage.shots().filter((shot) => !shot.start_url).length;
  const shots = state.order.length;
  const old = stage.shots().filter((shot) => stage.outdated(shot) && shot.staleness.freshness === "stale");
  const stale = missing ? 0 : old.length;
  const asItIs = stale ? ` ${say.count(stale, "shot")} ${stale === 1 ? "is" : "are"} stale; ${stale === 1 ? "it is rendered with the pictures it has" : "they are rendered with the pictures they have"}.` : "";
  text(summary, !shots ? "There are no shots yet: direct a film, or add shots yourself."
    : missing ? `${say.count(missing, "shot")} of ${shots} ${missing === 1 ? "has" : "have"} no picture yet: draw ${missing === 1 ? "it" : "them"} first.`
      : `${say.count(shots, "shot")}, ${say.time(state.head.seconds)} at ${state.head.fps} frames a second.${asItIs}`);
  renderChoice();
  askPrice();
  const priced = renderPrice();
  text(make, film ? "Render again" : "Render & export");
  make.disabled = busy || !shots || missing > 0 || !priced;
  halt.hidden = bar.hidden = !busy;
  doing.hidden = !busy && job?.state !== "failed";
  text(doing, !job ? "" : job.error || [job.message || (job.state === "queued" ? "waiting" : "working"), job.progress && say.progress(job), say.about(job.eta_seconds)].filter(Boolean).join(" · "));
  attribute(bar, "aria-valuenow", busy ? Math.round(job.progress * 100) : null);
  stage.bar(bar, job?.progress ?? 0);
  result.hidden = !film;
  subtitles.hidden = !stage.shots().some((shot) => shot.attributes.dialogue.trim());
  attribute(button, "data-busy", busy);
  text(button.lastChild, busy ? `Export ${Math.round(job.progress * 100)} %` : "Export");
  tellWhenReady(busy ? job.id : null);
  if (!film) return;
  const url = stage.media(film.url);
  if (video.getAttribute("src") !== url) video.src = url;
  attribute(mp4, "href", url);
  attribute(mp4, "download", nameOf("mp4"));
  attribute(zip, "href", stage.media(film.bundle_url));
  attribute(zip, "download", nameOf("zip"));
  text(made, `Made ${say.day(film.created)}, ${say.time(film.seconds)}${film.stale ? ". The film changed since: render again." : ""}`);
  attribute(made, "data-kind", film.stale ? "stale" : null);
}

fill(panel, h("h2.s-title", {}, "The film"), summary, h("label.s-field", {}, h("span.s-label", {}, "Renderer of clips"), renderer), rendererHint, price, h("div.fi-row", {}, make, halt), bar, doing, result, exported, subtitles);
fill(body, h("span.s-anchor", {}, button, panel));
/** A text from the studio as a file of the user's. */
function saveText() {
  const found = state.told.subtitles;
  if (!found) return;
  state.told.subtitles = null;
  const url = URL.createObjectURL(new Blob([found.text], { type: "text/plain;charset=utf-8" }));
  h("a", { href: url, download: nameOf(found.form) }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
stage.on("subtitles", saveText);
stage.on("project exports", renderExports);
stage.on("project head shots jobs filmQuote renderers", render);
