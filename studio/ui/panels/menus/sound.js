// The scratch sound under the animatic: choose a file, say where it begins and how loud, keep it in step.
stage.soundBox = (send, upload) => {
  const { h, text, fill, icon, state } = stage;
  const MOST = 200e6; // bytes
  const chooser = h("input", { type: "file", accept: ".mp3,.wav,.m4a,audio/mpeg,audio/wav,audio/mp4", hidden: true, id: "sound-file" });
  const choose = h("button.s-quiet", { type: "button", id: "sound-choose", onclick: () => chooser.click() }, icon("plus"), h("span"));
  const audio = h("audio", { preload: "auto", id: "sound-track" });
  const name = h("span.so-name");
  const offset = stage.field({
    label: "Begins at (s)", control: stage.input({ id: "sound-offset", inputmode: "decimal" }),
    save: (value, project, done) => {
      const seconds = Number(String(value).replace(",", "."));
      if (!Number.isFinite(seconds)) { done(false); stage.notify("Where the sound begins is a number of seconds, like 1.5 or -2.", "error"); return; }
      const frames = Math.round(seconds * state.head.rate);
      send("sound", { project, offset: frames }, () => { const good = state.head.sound?.offset === frames; done(good); return good; });
    },
  });
  const volume = h("input", { type: "range", min: 0, max: 200, step: 5, id: "sound-volume", "aria-label": "Volume of the sound" });
  const percent = h("output.so-percent", { for: volume.id });
  let gain = null; // makes it louder than it is, as the export does: an element alone plays at 100 % at most

  /** What is heard is what the MP4 gets. Only a louder sound goes through the mixer, which may start once somebody pressed something. */
  function loud(wanted) {
    text(percent, `${wanted} %`);
    stage.attribute(volume, "aria-valuetext", `${wanted} per cent`);
    if (wanted > 100 && !gain) {
      try {
        const mixer = new AudioContext();
        gain = mixer.createGain();
        mixer.createMediaElementSource(audio).connect(gain).connect(mixer.destination);
      } catch (error) {
        console.warn("The sound is heard at 100 % at most.", error);
      }
    }
    if (gain) gain.gain.value = wanted / 100;
    audio.volume = gain ? 1 : Math.min(1, wanted / 100);
    if (gain && !audio.paused) gain.context.resume();
  }
  audio.addEventListener("play", () => gain?.context.resume());
  volume.addEventListener("input", () => loud(Number(volume.value)));
  volume.addEventListener("change", () => {
    const wanted = Number(volume.value);
    send("sound", { volume: wanted }, () => state.head.sound?.volume === wanted);
  });
  const inFilm = h("input", { type: "checkbox", id: "sound-in-film" });
  inFilm.addEventListener("change", () => {
    const wanted = inFilm.checked;
    send("sound", { in_film: wanted }, () => state.head.sound?.in_film === wanted);
  });
  const remove = stage.tool("trash", "Take the sound away", () => send("silence"), { id: "sound-remove" });
  const tools = h("span.so-tools", {}, name, offset.el, h("label.so-volume", {}, "Volume", volume, percent),
    h("label.so-check", {}, inFilm, "in the MP4"), remove);
  const box = h("div.so-box", { hidden: true, role: "group", "aria-label": "Scratch sound" }, choose, chooser, tools, audio);

  chooser.addEventListener("change", async () => {
    const file = chooser.files[0];
    chooser.value = "";
    if (!file) return;
    if (file.size > MOST) { stage.notify("A sound file has at most 200 MB: choose a smaller one.", "error"); return; }
    const place = stage.place();
    text(choose.lastChild, "Reading the sound…");
    choose.disabled = true;
    try {
      const { path } = await upload(file);
      send("lay", { ...place, path, name: file.name });
    } catch {
      stage.notify("The sound did not arrive: check the connection and choose it again.", "error");
    }
    choose.disabled = false;
    render();
  });

  function render() {
    const sound = state.head?.sound ?? null;
    tools.hidden = !sound;
    text(choose.lastChild, sound ? "Another sound" : "Add a sound (MP3, WAV, M4A)");
    const url = sound ? stage.media(sound.url) : null;
    if (!url) { audio.pause(); audio.removeAttribute("src"); audio.load(); return; } // without src it would play on
    if (audio.getAttribute("src") !== url) audio.src = url;
    text(name, sound.name);
    stage.attribute(name, "title", `${sound.name}, ${sound.seconds.toFixed(1)} s`);
    offset.show(String(Math.round((sound.offset / state.head.rate) * 100) / 100), state.head.id);
    if (document.activeElement !== volume) volume.value = sound.volume;
    loud(sound.volume);
    inFilm.checked = sound.in_film;
    follow();
  }

  function follow() {
    const sound = state.head?.sound;
    if (sound && audio.getAttribute("src")) stage.player.follow(audio, (stage.playhead.frame - sound.offset) / state.head.rate);
  }

  stage.on("project head", render);
  stage.on("playhead", follow);
  return box;
};
