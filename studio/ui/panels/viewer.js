// js_on_load of the viewer: pair | cut | clip | animatic, and the transport of the animatic (assets/ui/player.js).
const { h, text, attribute, fill, icon, tool, say, state } = stage;
const body = element.querySelector(".s-panel-body");
const send = stage.sender("viewer");
const MODES = [["pair", "Pair"], ["cut", "Cut"], ["clip", "Clip"], ["animatic", "Animatic"]];
let mode = "pair";

// ---------------------------------------------------------------- tabs

const tabs = h("div.vw-tabs", { role: "tablist", "aria-label": "What the viewer shows" }, MODES.map(([name, label]) =>
  h("button.vw-tab", { type: "button", role: "tab", id: `view-${name}`, "aria-controls": "stage-view", onclick: () => show(name) }, label)));
const caption = h("span.vw-caption");
tabs.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  const at = MODES.findIndex(([name]) => name === mode);
  show(MODES[(at + by + MODES.length) % MODES.length][0]);
  document.getElementById(`view-${mode}`).focus();
});

function show(name) {
  if (name === "animatic") { stage.playhead.on = true; stage.player.seek(startOf(state.cursor), false); } else stage.player.stop();
  mode = name;
  render();
}
const startOf = (id) => stage.player.cutList().find((cut) => cut.shot.id === id)?.from ?? 0;
Object.assign(stage.command, { viewPair: () => show("pair"), viewCut: () => show("cut"), viewClip: () => show("clip") });

// ---------------------------------------------------------------- a frame, with a caption under it

function frame(side) {
  const img = h("img", { alt: "" });
  const why = h("span");
  const bar = h("div.s-bar.vw-bar", { hidden: true }, h("div"));
  const blank = h("div.vw-blank", {}, h("div", {}, why, bar));
  const tag = h("figcaption");
  const el = h("figure.vw-frame", { "data-side": side }, h("div.vw-screen", {}, img, blank), tag);
  return {
    el,
    show(url, alt, label, shot) {
      stage.picture(img, url, alt);
      img.hidden = !url;
      blank.hidden = Boolean(url);
      text(why, shot ? blankOf(shot) : "The film ends here.");
      bar.hidden = shot?.status !== "drawing";
      stage.bar(bar, shot?.job?.progress ?? 0);
      text(tag, label);
    },
  };
}

const first = frame("start");
const second = frame("end");
const between = h("div.vw-between", { "aria-hidden": "true" }, icon("arrow"), h("span"));
const pair = h("div.vw-pair", {}, first.el, between, second.el);
const clip = h("video.vw-clip", { controls: true, loop: true, playsinline: true, preload: "metadata" });
const clipBlank = h("div.vw-blank.vw-wide");

// ---------------------------------------------------------------- animatic

const below = h("img", { alt: "" });
const above = h("img", { alt: "" });
const card = h("div.vw-blank");
const subtitle = h("div.vw-subtitle");
const rendered = h("video.vw-rendered", { muted: true, playsinline: true, preload: "auto", "aria-hidden": "true", tabindex: -1 });
rendered.muted = true;
const screen = h("div.vw-screen.vw-animatic", {}, below, above, rendered, card, subtitle);
const sound = stage.soundBox(send, upload);

/** The clip where it was rendered from what the shot is now; its seconds are those of the shot. */
function followClip(shot) {
  const url = shot.clip_url && !shot.clip_stale ? stage.media(shot.clip_url) : null;
  rendered.hidden = !url;
  if (!url) { if (!rendered.paused) rendered.pause(); return; }
  if (rendered.getAttribute("src") !== url) rendered.src = url;
  const from = stage.player.locate(stage.playhead.frame).from;
  stage.player.follow(rendered, (stage.playhead.frame - from) / state.head.rate);
}

function renderAnimatic() {
  const shot = stage.shot(stage.playhead.shot);
  if (!shot) return;
  stage.picture(below, shot.start_url, shot.start_alt);
  stage.picture(above, shot.end_url, shot.end_alt);
  above.style.opacity = stage.player.moved().toFixed(3);
  followClip(shot);
  for (const img of [below, above]) img.hidden = !shot.start_url;
  card.hidden = Boolean(shot.start_url);
  text(card, `${shot.label}  ${shot.title || shot.description || "not written yet"}`);
  text(subtitle, shot.attributes.dialogue.trim());
  subtitle.hidden = !shot.attributes.dialogue;
}

const playButton = h("button.s-tool.vw-play", { type: "button", id: "play", onclick: () => stage.command.playPause() }, icon("play"));
const clock = h("span.vw-clock", { id: "timecode" });
const scrub = h("input.vw-scrub", { type: "range", min: 0, value: 0, step: 1, id: "scrub", "aria-label": "Playhead" });
scrub.addEventListener("input", () => { stage.playhead.on = true; stage.player.seek(Number(scrub.value)); });
const transport = h("div.vw-transport", {},
  tool("first", "First shot", () => { stage.command.first(); }), playButton, tool("last", "Last shot", () => stage.command.last()),
  clock, scrub, h("span.vw-total"));
let shownPlaying = null;

function renderTransport() {
  const { playing, frame: at, speed } = stage.playhead;
  const rate = state.head?.rate ?? 24;
  const total = state.head ? stage.player.total() : 0;
  if (shownPlaying !== playing) {
    fill(playButton, icon(playing ? "pause" : "play"));
    attribute(playButton, "aria-label", playing ? "Pause the animatic" : "Play the animatic");
    attribute(playButton, "title", playing ? "Pause (Space)" : "Play the animatic (Space)");
    shownPlaying = playing;
  }
  playButton.disabled = !total;
  attribute(scrub, "max", Math.max(0, total - 1));
  if (document.activeElement !== scrub || playing) scrub.value = Math.floor(at);
  attribute(scrub, "aria-valuetext", say.timecode(at, rate));
  text(clock, say.timecode(at, rate) + (playing && speed !== 1 ? `  ${speed}×` : ""));
  text(transport.lastChild, say.timecode(total, rate));
}

// ---------------------------------------------------------------- a shot whose words changed since it was drawn

const stale = h("div.vw-stale", { role: "note" });
let staleShown = "";
function renderStale(shot) {
  const { freshness, reasons } = shot?.staleness ?? { freshness: "fresh", reasons: [] };
  const wanted = stage.outdated(shot);
  const open = !shot?.locked; // a locked one is only kept or unlocked
  const failed = shot?.status === "failed" && shot.job?.error;
  const watching = mode === "animatic"; // then it is about the film, and nothing comes and goes under the hand
  const after = wanted && open ? state.order.slice(shot.number - 1).filter((id) => !state.shots.get(id).locked).length : 0;
  const each = stage.details()?.estimate;
  const key = JSON.stringify([shot?.id, wanted, open, freshness, reasons, failed, after, each, watching]);
  if (key === staleShown) return;
  staleShown = key;
  const kept = !failed && freshness === "kept";
  stale.hidden = watching || (!wanted && !failed && !kept);
  attribute(stale, "data-kind", failed ? "failed" : freshness);
  const had = stale.contains(document.activeElement); // the button that was pressed goes: what takes its place gets the keys
  if (kept) {
    const said = `Kept as it is, though ${reasons.join("; ")}.`;
    fill(stale, h("span", { title: said }, said),
      h("button.s-quiet", { type: "button", id: "unkeep", onclick: () => send("doubt", { shot: shot.id }) }, "No longer keep"));
    if (had) stale.querySelector("button").focus();
    return;
  }
  const said = failed ? `Drawing failed: ${failed}` : `${freshness === "stale" ? "Stale" : "May drift"}: ${reasons.join("; ")}.`;
  fill(stale, h("span", { title: said }, said),
    open ? h("button.s-quiet", { type: "button", onclick: () => stage.command.draw() }, "Draw again")
      : h("small", {}, "locked"),
    wanted && after > 1 && h("button.s-quiet", { type: "button", id: "draw-downstream", title: "This shot and all after it: each continues from the one before",
      onclick: () => send("downstream", { shot: shot.id }) }, `Redraw downstream (${after} shots${each ? `, ${say.about(after * each)}` : ""})`),
    wanted && h("button.s-quiet", { type: "button", id: "keep-stale", onclick: () => send("accept", { shot: shot.id }) }, "Keep as it is"));
  if (had) (stale.querySelector("button:last-of-type") ?? document.querySelector(".tl-strip")).focus();
}

// ---------------------------------------------------------------- all of it

function blankOf(shot) {
  if (shot.status === "queued") return shot.job?.state === "paused" ? "Paused" : "Waiting to be drawn";
  if (shot.status === "drawing") return `Being drawn: ${say.progress(shot.job)}`;
  return shot.status === "failed" ? "Drawing failed" : "Not drawn yet. Press Draw, or R.";
}

function renderPair(shot) {
  first.show(shot.start_url, shot.start_alt, "Start", shot);
  second.show(shot.end_url, shot.end_alt, "End", shot);
  text(between.lastChild, say.seconds(shot.seconds));
  attribute(between, "data-cut", null);
}

function renderCut(shot) {
  const next = stage.shot(state.order[state.order.indexOf(shot.id) + 1]);
  first.show(shot.end_url, shot.end_alt, `End of ${shot.number} · ${shot.label}`, shot);
  if (next) second.show(next.start_url, next.start_alt, `Start of ${next.number} · ${next.label}`, next);
  else second.show(null, "", "", null);
  text(between.lastChild, "cut");
  attribute(between, "data-cut", true);
  renderFigures(shot, next);
}

const figures = h("p.vw-figures", { id: "cut-figures" });
const RULE = [
  "Likeness is the CLIP cosine of the two pictures: 1 is the same picture.",
  "Change of colour is the mean ΔE in L*a*b*: about 2 is just seen, 10 is another light.",
  "A cut stands out where it lies far from the film's other cuts of its kind (within a place and time, or across): beyond their "
    + "median by more than 3 robust deviations (1.48 × median absolute deviation). It takes four others to say so.",
];
const rule = h("div.s-pop.vw-rule", { role: "dialog", "aria-label": "How cuts are judged" }, RULE.map((line) => h("p", {}, line)));
const ruleButton = tool("info", "How cuts are judged", () => {});
stage.popover(ruleButton, rule);
const likeness = (value) => (value > 0.85 ? "much alike" : value > 0.6 ? "partly alike" : "little alike");
const colours = (shift) => (shift < 2 ? "same colours" : shift < 10 ? "small change of colour" : "large change of colour");
let figuresShown = "";

/** How the cut measures, and whether it stands out in this film. */
function renderFigures(shot, next) {
  const cut = next && shot.end_url && next.start_url ? shot.cut : undefined;
  const working = stage.activeJobs().some((job) => job.kind === "measure");
  const key = JSON.stringify([shot.id, cut, working]);
  figures.hidden = cut === undefined;
  if (key === figuresShown || cut === undefined) return;
  figuresShown = key;
  attribute(figures, "data-odd", Boolean(cut?.reasons.length));
  if (!cut) {
    stage.renew(figures, () => fill(figures, working ? "Comparing frames…" : "This cut was not measured yet.",
      !working && h("button.s-quiet", { type: "button", id: "measure-cuts", onclick: () => send("compare") }, "Measure the cuts")));
    return;
  }
  fill(figures, h("span", {}, h("strong", {}, likeness(cut.similarity)), ` ${cut.similarity.toFixed(2)}`),
    h("span", {}, h("strong", {}, colours(cut.shift)), ` ${cut.shift.toFixed(1)} ΔE`),
    h("span", {}, cut.kind === "within" ? "within a place and time" : "to another place or time"),
    cut.reasons.length > 0 && h("span.vw-odd", {}, `Stands out: ${cut.reasons.join("; ")}.`),
    h("span.s-anchor", {}, ruleButton, rule));
}

function renderClip(shot) {
  const url = stage.media(shot.clip_url);
  clip.hidden = !url;
  clipBlank.hidden = Boolean(url);
  const job = shot.clip_job;
  text(clipBlank, job?.state === "running" ? `Rendering: ${say.progress(job)}` : ["queued", "paused"].includes(job?.state) ? "Waiting to be rendered"
    : shot.take_id ? "No clip yet. Render this shot, or the whole film." : "Draw this shot first; then it can be rendered.");
  if (url && clip.getAttribute("src") !== url) { clip.src = url; clip.setAttribute("aria-label", `Clip of shot ${shot.number}: ${shot.title || shot.description}`); }
}

/** What the judge noted at the cut; only while it looked at these very pictures. */
const verdict = h("div.vw-verdict", { id: "verdict" });
function renderVerdict(said) {
  verdict.hidden = !said;
  if (!said) return;
  fill(verdict, h("div", {}, `${said.judge}: ${said.score.toFixed(2)} · ${said.evidence}`),
    said.errors.length > 0 && h("ul.vw-errors", {}, said.errors.map((error) => h("li", {}, error))));
}

const view = h("div.vw-stage", { id: "stage-view", role: "tabpanel" }, pair, figures, clip, clipBlank, screen);
const none = h("div.vw-blank.vw-wide", {}, "Your film is empty. Write a theme on the left and press Direct.");

function render() {
  const shot = stage.shot();
  if (stage.playhead.on) mode = "animatic";
  else if (mode === "animatic") mode = "pair";
  for (const [name] of MODES) {
    const tab = document.getElementById(`view-${name}`) ?? tabs.querySelector(`#view-${name}`);
    attribute(tab, "aria-selected", String(name === mode));
    attribute(tab, "tabindex", name === mode ? 0 : -1);
    // Space began the film here, and must stop it, too
    if (name === mode && tabs.contains(document.activeElement)) tab.focus({ preventScroll: true });
  }
  if (state.head) view.style.setProperty("--aspect", `${state.head.width} / ${state.head.height}`);
  fill(none, state.head ? "Your film is empty. Write a theme on the left and press Direct." : "Opening…");
  none.hidden = Boolean(shot);
  pair.hidden = !shot || !["pair", "cut"].includes(mode);
  screen.hidden = !shot || mode !== "animatic";
  clip.hidden = clipBlank.hidden = true;
  if (!clip.paused && mode !== "clip") clip.pause();
  if (!rendered.paused && mode !== "animatic") rendered.pause();
  sound.hidden = !shot || mode !== "animatic";
  renderStale(shot);
  renderVerdict(mode === "cut" ? shot?.verdict : null);
  figures.hidden = true;
  const studio = document.getElementById("studio");
  const seen = shot ? mode : "";
  if (studio.dataset.view !== seen) { studio.dataset.view = seen; stage.announce("view"); }
  text(caption, shot ? captionOf(shot) : "");
  if (!shot) return;
  if (mode === "pair") renderPair(shot);
  else if (mode === "cut") renderCut(shot);
  else if (mode === "clip") renderClip(shot);
  else renderAnimatic();
}

const captionOf = (shot) => [shot.attributes.scale, shot.attributes.angle, shot.attributes.movement].join(" · ");

fill(body, h("div.vw-top", {}, tabs, caption), view, none, transport, sound, stale, verdict);
view.append(none);
stage.on("select shots head jobs details", render);
stage.on("playhead", () => { if (stage.playhead.on !== (mode === "animatic")) render(); if (stage.playhead.on) renderAnimatic(); });
stage.on("playhead shots head", renderTransport);
