// Last part: news in, and the first request for everything.
paintZoom();
stage.on("project", () => stage.playhead && playhead());
stage.on("shots head", () => { render(); playhead(); tellGone(); });
stage.on("project", () => { going = null; });
stage.on("select", () => { paintSelection(); renderBar(); });
stage.on("details shots", fetchDetails);
stage.on("project head trash", renderTrash);
stage.on("playhead", playhead);

const UNOPENED = 6000; // ms without a film, after which it is asked for again: an answer can come before its mailbox
const UNKEYED = 250; // ms after which a studio that could not read the key yet is asked again
const FRESH = "stage-fresh"; // the key that this tab has made up for a browser without one: Gradio reloads a page that it takes for lost
const fresh = sessionStorage.getItem(FRESH) ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
sessionStorage.setItem(FRESH, fresh);
let [asked, times, timer] = [null, 0, 0];
/** Asks for a film. One timer at most waits to ask again, so that however many answers come, nobody asks twice as often. */
function ready(project) {
  asked = project;
  trigger("ready", { project, since: -1, ack: 0, keyed: stage.keyed, fresh });
  askAgain(UNOPENED);
}
function askAgain(after) {
  clearTimeout(timer);
  timer = setTimeout(() => state.head || ready(asked), after);
}
stage.whenEarly(() => {
  if (++times > 80) stage.forgetKey(); // twenty seconds
  askAgain(UNKEYED);
});
stage.openProject = ready;
stage.reveal = reveal;
stage.whenLost(() => ready(state.head.id));
ready(new URL(location.href).searchParams.get("project") ?? localStorage.getItem("stage-project"));
