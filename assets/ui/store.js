// What the page knows: one project as the server last told it, what is selected, and what is still being saved.
// Panels read it and listen to topics; only `apply` writes it, from the letters that `post` is given.
(() => {
  const stage = window.stage;
  const listeners = new Map();
  const state = {
    head: null, shots: new Map(), order: [], jobs: new Map(), worker: null, trash: [], revision: -1,
    projects: [], edited: 0, selection: [], cursor: null, details: new Map(), director: null, saved: null, vocabulary: {},
    told: {}, // answers to questions of single panels, by name; each is announced under its name
  };
  let lost = () => {}; // asks the server for everything; set by the timeline, which holds the connection
  let lastPlace = 0;  // where the cursor was: after a delete it stays about there

  /** Calls fn now and whenever one of the topics (words separated by spaces) is announced. */
  function on(topics, fn) {
    for (const topic of topics.split(" ")) {
      if (!listeners.has(topic)) listeners.set(topic, new Set());
      listeners.get(topic).add(fn);
    }
    fn();
  }

  function announce(...topics) {
    const called = new Set();
    for (const topic of topics) for (const fn of listeners.get(topic) ?? []) called.add(fn);
    for (const fn of called) fn();
  }

  const shot = (id = state.cursor) => state.shots.get(id) ?? null;
  const shots = () => state.order.map((id) => state.shots.get(id));
  const details = (id = state.cursor) => state.details.get(id) ?? null;
  /** Whether a picture no longer says what is written, and no job is to draw it: also when it is locked. */
  const outdated = (shot) => Boolean(shot?.take_id) && ["stale", "may drift"].includes(shot.staleness.freshness)
    && !["queued", "drawing"].includes(shot.status);
  const activeJobs = () => [...state.jobs.values()].filter((job) => ["queued", "running", "paused"].includes(job.state));

  function forget() {
    state.shots.clear();
    state.jobs.clear();
    state.details.clear();
    state.trash = [];
    state.director = null;
    state.told = {};
  }

  /** A whole project (first load, another project, or a server that lost track of what we have). */
  function open(view) {
    const other = view.head.id !== state.head?.id;
    forget();
    state.head = view.head;
    state.revision = view.revision;
    state.edited = view.edited;
    state.order = view.shots.map((item) => item.id);
    for (const item of view.shots) state.shots.set(item.id, item);
    for (const job of view.jobs) state.jobs.set(job.id, job);
    state.trash = view.trash;
    state.worker = view.worker;
    state.saved = view.head.saved;
    if (other) { state.selection = []; state.cursor = null; lastPlace = 0; }
    keepSelection();
    const url = new URL(location.href);
    url.searchParams.set("project", view.head.id);
    history.replaceState(null, "", url);
    stage.memory.set("stage-project", view.head.id);
    announce("project", "head", "shots", "jobs", "select", "details", "director", "saved");
  }

  /** A patch of changes since `since` (studio/ui/slim.py). An older one is nothing new; a gap asks for all. */
  function change(patch, since) {
    if (patch.revision <= state.revision && !patch.full && !patch.jobs && !patch.worker) return;
    if (patch.revision < state.revision) return;
    if (since > state.revision) { lost(); return; }
    if (patch.parts?.some((part) => !state.shots.has(part.id))) { lost(); return; }
    const topics = new Set();
    state.revision = patch.revision;
    if (patch.full) { state.shots.clear(); state.jobs.clear(); topics.add("jobs"); }
    if (patch.head) { state.head = { ...state.head, ...patch.head }; state.saved = state.head.saved; topics.add("head").add("saved"); }
    for (const item of [...(patch.shots ?? []), ...(patch.parts ?? []).map(whole)]) {
      const before = state.shots.get(item.id);
      state.shots.set(item.id, item);
      if (before && (before.take_id !== item.take_id || before.takes !== item.takes || before.takes_mark !== item.takes_mark)) state.details.delete(item.id);
      topics.add("shots");
    }
    if (patch.order) {
      state.order = [...patch.order];
      const there = new Set(state.order);
      for (const id of state.shots.keys()) if (!there.has(id)) state.shots.delete(id);
      topics.add("shots");
    }
    for (const job of patch.jobs ?? []) { state.jobs.set(job.id, job); topics.add("jobs"); }
    if (patch.worker) { state.worker = patch.worker; topics.add("jobs"); }
    derive();
    if (topics.has("shots") && keepSelection()) topics.add("select");
    announce(...topics);
  }

  /** A shot from the one we have and the fields that differ. */
  function whole(part) {
    const before = state.shots.get(part.id);
    return { ...before, ...part, attributes: { ...before.attributes, ...part.attributes } };
  }

  /** What follows from the order and the words is not sent: numbers, texts of pictures, what is to be drawn. */
  function derive() {
    state.order.forEach((id, index) => {
      const shot = state.shots.get(id);
      const what = shot.description || "not described yet";
      const number = index + 1;
      const [start_alt, end_alt] = [`Start of shot ${number}: ${what}`, `End of shot ${number}: ${what}`];
      if (shot.number !== number || shot.start_alt !== start_alt) state.shots.set(id, { ...shot, number, start_alt, end_alt });
    });
    state.head.stale_shots = state.order.filter((id) => state.shots.get(id).wanted);
  }

  /** After shots came or went: the cursor stays on a shot that exists. True when it had to move. */
  function keepSelection() {
    const there = new Set(state.order);
    const kept = state.selection.filter((id) => there.has(id));
    if (kept.length === state.selection.length && there.has(state.cursor)) return false;
    const cursor = there.has(state.cursor) ? state.cursor : kept.at(-1) ?? nearest();
    state.cursor = cursor;
    state.selection = kept.length ? kept : cursor ? [cursor] : [];
    return true;
  }

  const nearest = () => state.order[Math.min(lastPlace, state.order.length - 1)] ?? null;


  function select(ids, cursor) {
    state.selection = ids.filter((id) => state.shots.has(id));
    state.cursor = state.shots.has(cursor) ? cursor : state.selection.at(-1) ?? null;
    lastPlace = Math.max(0, state.order.findIndex((id) => state.selection.includes(id)));
    announce("select", "details");
  }

  /** Another order, shown before the server has it. */
  function reorder(order) {
    state.order = [...order];
    derive();
    announce("shots");
  }

  /** Everything that an event needs to say about where it happened. */
  const place = (data = {}) => ({ project: state.head?.id ?? null, since: state.revision, directing: state.director?.id ?? null, ...data });

  const letters = [];

  /** A letter from Python (studio/ui/letter.py). What came together is read in the order in which it was sent. */
  function post(text) {
    if (!text) return;
    if (letters.push(JSON.parse(text)) > 1) return;
    queueMicrotask(() => {
      for (const news of letters.splice(0).sort((a, b) => a.n - b.n)) {
        try { stage.apply(news); } catch (error) { reportError(error); } // the others are read all the same
      }
    });
  }

  /** The one door for news. */
  function apply(patch) {
    if (!patch) return;
    if (patch.projects) { state.projects = patch.projects; announce("projects"); }
    if (patch.vocabulary) state.vocabulary = patch.vocabulary;
    if (patch.open) { open(patch.open); stage.resend(); }
    if (patch.worker) { state.worker = patch.worker; announce("jobs"); }
    const here = !patch.project || patch.project === state.head?.id; // what was asked of the film before may come late
    if (patch.changes && here) change(patch.changes, patch.since);
    if (patch.trash && here) { state.trash = patch.trash; announce("trash"); }
    if (patch.details) { state.details.set(patch.details.shot, patch.details); announce("details"); }
    if (patch.director !== undefined && here) { state.director = patch.director; announce("director"); }
    if (patch.select && state.shots.has(patch.select)) select([patch.select], patch.select);
    for (const [name, answer] of Object.entries(patch.told ?? {})) { state.told[name] = answer; announce(name); }
    if (patch.made) stage.claim?.(patch.made);
    if (patch.ack) stage.acknowledge(patch.ack);
    if (patch.notice) notify(patch.notice.text, patch.notice.kind, null, patch.notice.about);
  }

  /** A short sentence at the foot of the page, read out by screen readers; errors stay longer.
   *  It takes the place of what was said before `about` the same thing. Returns it, so that it can be taken away. */
  function notify(message, kind = "info", action = null, about = null) {
    const host = document.querySelector("#s-notices") ?? document.body.appendChild(
      stage.h("div", { id: "s-notices", role: "status", "aria-live": "polite" }));
    // a modal sheet covers the rest of the page; what somebody opened lies above a notice
    const above = document.querySelector("dialog[open]") ?? document.querySelector("#studio") ?? document.body;
    if (host.parentNode !== above) above.append(host);
    if (about) for (const older of host.querySelectorAll(`[data-about="${about}"]`)) older.remove();
    const note = stage.h("div.s-notice", { "data-kind": kind, "data-about": about }, stage.h("span", {}, message));
    if (action) {
      note.append(stage.h("button.s-quiet", { type: "button", onclick: () => { action.act(); note.remove(); } }, action.label));
    }
    note.append(stage.tool("close", "Dismiss", () => note.remove()));
    host.append(note);
    setTimeout(() => note.remove(), kind === "error" ? 15000 : 6000);
    return note;
  }

  Object.assign(stage, {
    state, on, announce, post, apply, shot, shots, details, outdated, activeJobs, select, reorder, place, notify,
    whenLost: (fn) => { lost = fn; },
  });
})();
