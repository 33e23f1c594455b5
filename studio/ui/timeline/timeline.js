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
const fresh = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
let [asked, times] = [null, 0];
function ready(project) {
  asked = project;
  trigger("ready", { project, since: -1, ack: 0, keyed: stage.keyed, fresh });
}
const unopened = setInterval(() => (state.head ? clearInterval(unopened) : ready(asked)), UNOPENED);
stage.whenEarly(() => {
  if (++times > 80) stage.forgetKey(); // twenty seconds
  setTimeout(() => ready(asked), 250);
});
stage.openProject = ready;
stage.reveal = reveal;
stage.whenLost(() => ready(state.head.id));
ready(new URL(location.href).searchParams.get("project") ?? localStorage.getItem("stage-project"));
