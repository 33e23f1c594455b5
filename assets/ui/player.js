// The animatic: plays the film's start-end pairs with their lengths, in the page, before anything is rendered.
// Time is counted in frames at the project's rate. The playhead is announced with every painted frame, and the
// timeline's selection follows it from shot to shot.
(() => {
  const stage = window.stage;
  const { state } = stage;
  const playhead = { on: false, playing: false, frame: 0, shot: null, fraction: 0, speed: 1 };
  stage.playhead = playhead;
  let last = 0;
  let following = false; // true while the player itself moves the selection

  /** The shots with the frame each begins at. */
  function cutList() {
    let at = 0;
    return stage.shots().map((shot) => {
      const cut = { shot, from: at, length: shot.attributes.length };
      at += cut.length;
      return cut;
    });
  }

  const total = () => stage.shots().reduce((sum, shot) => sum + shot.attributes.length, 0);

  function locate(frame) {
    const cuts = cutList();
    return cuts.find((cut) => frame < cut.from + cut.length) ?? cuts.at(-1) ?? null;
  }

  function seek(frame, select = true) {
    // While it plays, the last frame is shown for its whole time: clamped to its beginning, it would never be over.
    const end = playhead.playing ? total() - 0.001 : total() - 1;
    playhead.frame = Math.max(0, Math.min(frame, Math.max(0, end)));
    const cut = locate(playhead.frame);
    playhead.shot = cut?.shot.id ?? null;
    playhead.fraction = cut ? (playhead.frame - cut.from) / cut.length : 0;
    if (select && cut && state.cursor !== cut.shot.id) {
      following = true;
      stage.select([cut.shot.id], cut.shot.id);
      stage.reveal(cut.shot.id);
      following = false;
    }
    stage.announce("playhead");
  }

  function tick(now) {
    if (!playhead.playing) return;
    const elapsed = Math.max(0, now - last); // a frame's timestamp may lie before the key press that began the play
    const passed = (elapsed / 1000) * state.head.rate * playhead.speed;
    last = Math.max(last, now);
    const next = playhead.frame + passed;
    if (next >= total() || next < 0) { seek(next < 0 ? 0 : total() - 1); pause(); return; }
    seek(next);
    requestAnimationFrame(tick);
  }

  function play(speed = 1) {
    if (!state.order.length) return;
    if (!playhead.on) {
      playhead.on = true;
      const cut = cutList().find((item) => item.shot.id === state.cursor);
      playhead.frame = cut && state.cursor !== state.order[0] ? cut.from : 0;
    }
    if (speed > 0 && playhead.frame >= total() - 1) playhead.frame = 0;
    playhead.speed = speed;
    if (!playhead.playing) { playhead.playing = true; last = performance.now(); requestAnimationFrame(tick); }
    seek(playhead.frame);
  }

  function pause() {
    playhead.playing = false;
    stage.announce("playhead");
  }

  /** Leaves the animatic: the viewer shows the selected shot's pair again. */
  function stop() {
    playhead.playing = false;
    playhead.on = false;
    stage.announce("playhead");
  }

  /** One frame on or back, from where the picture stands. */
  function byFrame(by) {
    if (playhead.playing) pause();
    seek(Math.floor(playhead.frame + 1e-6) + by);
  }

  /** How far the shot has moved from its start to its end frame, 0..1: as its clip is rendered (the first frame
   *  is the start frame, the last the end frame; half linear, half eased). */
  function moved() {
    const cut = locate(playhead.frame);
    if (!cut || cut.length < 2) return 0;
    const t = Math.min(1, Math.floor(playhead.frame - cut.from + 1e-6) / (cut.length - 1));
    return 0.5 * t + 0.5 * t * t * (3 - 2 * t);
  }

  /** Keeps a sound or clip in step with the film: `at` is where it should be, in its own seconds. At rest it shows
   *  just that frame: the middle of it is sought, since its edge may round to the one before.
   */
  function follow(media, at) {
    const { playing, speed } = playhead;
    const there = at >= 0 && (!Number.isFinite(media.duration) || at < media.duration);
    if (!there || !playing || speed <= 0) {
      if (!media.paused) media.pause();
      const still = Math.floor(at * state.head.rate + 1e-6) + 0.5; // in frames
      if (there && Math.abs(media.currentTime * state.head.rate - still) > 0.25) media.currentTime = still / state.head.rate;
      return;
    }
    if (media.playbackRate !== speed) media.playbackRate = speed;
    if (Math.abs(media.currentTime - at) > 0.15) media.currentTime = at;
    if (media.paused) media.play().catch(() => {}); // a browser may want a click first; the picture goes on
  }

  const faster = (sign) => {
    const { playing, speed } = playhead;
    play(playing && Math.sign(speed) === sign ? sign * Math.min(4, Math.abs(speed) * 2) : sign);
  };

  // A click on a card moves the playhead there, but only while the animatic is on.
  stage.on("select", () => {
    if (following || !playhead.on) return;
    const cut = cutList().find((item) => item.shot.id === state.cursor);
    if (cut) seek(cut.from, false);
  });
  // Whoever begins to write stops the film: the next shot would take the rest of the words.
  document.addEventListener("focusin", (event) => {
    if (playhead.playing && event.target.closest("#inspector, #clips") && event.target.matches("input, textarea, select")) pause();
  });
  let film = "";
  /** Another film, or another version of it, begins at its beginning. */
  function rewind() {
    const { id, version } = state.head ?? {};
    const now = [id, version].join();
    if (now === film) return;
    film = now;
    playhead.frame = 0;
    stop();
  }
  stage.on("project", stop);
  stage.on("project head", rewind);
  /** A shot that went or became shorter takes the playhead along: it never stands where the film is no more. */
  stage.on("shots", () => {
    if (playhead.frame > Math.max(0, total() - 1) && !playhead.playing) seek(playhead.frame, false);
  });

  Object.assign(stage.command, {
    playPause: () => (playhead.playing ? pause() : play()),
    pause, forward: () => faster(1), back: () => faster(-1),
    frameForward: () => byFrame(1), frameBack: () => byFrame(-1),
  });
  stage.player = { play, pause, stop, seek, total, locate, cutList, moved, follow };
})();
