// Last part: news in, and the first request for everything.
paintZoom();
stage.on("project", () => stage.playhead && playhead());
stage.on("shots head", () => { render(); playhead(); tellGone(); });
stage.on("project", () => { going = null; });
stage.on("select", () => { paintSelection(); renderBar(); });
stage.on("details shots", fetchDetails);
stage.on("project head trash", renderTrash);
stage.on("playhead", playhead);

let [asked, times] = [null, 0];
function ready(project) {
  asked = project;
  trigger("ready", { project, since: -1, ack: 0, keyed: stage.keyed });
}
stage.whenEarly(() => {
  if (++times > 80) stage.forgetKey(); // twenty seconds
  setTimeout(() => ready(asked), 250);
});
stage.openProject = ready;
stage.reveal = reveal;
stage.whenLost(() => ready(state.head.id));
ready(new URL(location.href).searchParams.get("project") ?? localStorage.getItem("stage-project"));
