// Last part: news in, and the first request for everything.
paintZoom();
stage.on("project", () => stage.playhead && playhead());
stage.on("shots head", () => { render(); playhead(); });
stage.on("select", () => { paintSelection(); renderBar(); });
stage.on("details shots", fetchDetails);
stage.on("project head trash", renderTrash);
stage.on("playhead", playhead);

function ready(project) {
  trigger("ready", { project, since: -1, ack: 0 });
}
stage.openProject = ready;
stage.reveal = reveal;
stage.whenLost(() => ready(state.head.id));
ready(new URL(location.href).searchParams.get("project") ?? localStorage.getItem("stage-project"));
