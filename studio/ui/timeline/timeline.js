// Last part: news in, and the first request for everything.
paintZoom();
stage.on("project", () => stage.playhead && playhead());
stage.on("shots head", () => { render(); playhead(); tellGone(); });
stage.on("project", () => { going = null; });
stage.on("select", () => { paintSelection(); renderBar(); });
stage.on("details shots", fetchDetails);
stage.on("project head trash", renderTrash);
stage.on("playhead", playhead);

const UNOPENED = 2000; // ms without a film, after which it is asked for again
const POLL = 1000; // ms between two questions what is new; four times as often while a director thinks
const AWAY = 5; // questions without an answer, after which it is said that the studio is away
let [asked, timer, polled, polling, missed] = [null, 0, 0, false, 0];

/** Asks for a film. One timer at most waits to ask again, so that however many answers come, nobody asks twice as often. */
async function ready(project) {
  asked = project;
  clearTimeout(timer);
  const heard = await stage.inTime(stage.tell("timeline.ready", { project, since: -1, ack: 0 }));
  if (!heard) stage.unheard();
  if (stage.state.head) return;
  clearTimeout(timer);
  timer = setTimeout(() => stage.state.head || ready(asked), UNOPENED);
}

/** The page says which revision it has: a reply that was lost on the way is asked for again by itself. */
async function poll() {
  const rests = Date.now() - polled < POLL * 0.95 && !stage.state.director?.working; // a browser slows the timers of hidden tabs
  if (polling || rests || !stage.state.head) return;
  [polling, polled] = [true, Date.now()];
  try {
    const { alive = false, message = null } = stage.state.worker ?? {};
    missed = await stage.inTime(stage.tell("timeline.poll", stage.place({ resting: alive ? "" : message }))) ? 0 : missed + 1;
    if (missed) await stage.lookForAnother();
    if (missed === AWAY) stage.unheard();
  } finally {
    polling = false;
  }
}

stage.openProject = ready;
stage.reveal = reveal;
stage.whenLost(() => ready(state.head.id));
stage.connect(server, () => trigger("former"));
ready(new URL(location.href).searchParams.get("project") ?? stage.memory.get("stage-project"));
setInterval(poll, POLL / 4);
