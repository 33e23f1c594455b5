// Undo, redo, and the list of edits: any entry can be jumped to, and a jump can be taken back as one.
// Undo and redo mean what was done on this page, or before it opened the film. What comes from another window, or from a
// program, is taken back there, or in the list.
(() => {
  const stage = window.stage;
  const ELSEWHERE = "what is left was done in another window";
  const BEGUN = "stage-begun"; // in sessionStorage: the director whom this window set to work last
  const LISTED = 500; // edits that the page is told, and as many undone ones (studio/service/edits.py)

  /** Who that is, and whom it is from now on; a window without storage forgets it when it is loaded again. */
  function begun(id = null) {
    try { if (id) sessionStorage.setItem(BEGUN, id); return sessionStorage.getItem(BEGUN); } catch { return null; }
  }

  stage.historyMenu = (send) => {
    const { h, text, attribute, fill, icon, tool, say, state } = stage;
    const undo = tool("undo", "Undo", () => stage.command.undo(), { id: "undo" });
    const redo = tool("redo", "Redo", () => stage.command.redo(), { id: "redo" });
    const lastEdit = h("span.hd-step");
    const button = h("button.s-quiet.hd-history", { type: "button", id: "history", "aria-label": "History of edits" }, lastEdit, icon("down"));
    const list = h("ol.hi-list", { "aria-label": "Edits, the newest first" });
    const panel = h("div.s-pop.hi-pop", { role: "dialog", "aria-label": "History" },
      h("h3.s-title", {}, "History"), h("p.s-hint", {}, "Choose an entry: the film goes back, or forward, to just after it."), list);
    const pop = stage.popover(button, panel, ask);

    // ---------------------------------------------------------------- whose edits they are

    const own = new Set(); // edits that this page made, whatever film it made them in
    const opened = new Map(); // film -> its newest edit when the page first opened it: all until then count as its own
    let asked = "";

    const isOwn = ({ id }) => id <= opened.get(state.head.id) || own.has(id);

    /** The edit that undo or redo means, as far as is known; null when there is none. */
    function meant(which) {
      const next = state.head?.[which];
      if (!next || isOwn(next)) return next ?? null;
      const steps = state.told.steps ?? [];
      return (which === "undo" ? steps.findLast((one) => one.done && isOwn(one)) : steps.find((one) => !one.done && isOwn(one))) ?? null;
    }

    /** An answer names the edits that came of what this page had sent. */
    stage.claim = (made) => {
      for (const id of made) own.add(id);
      queueMicrotask(renderSteps); // its edit may have come before, as news
    };

    /** What a director makes is of the page that let him begin, also when that was loaded again. */
    function follow() {
      const { director } = state;
      if (director?.begun) begun(director.id);
      if (director?.made && director.id === begun()) stage.claim(director.made);
    }

    // Each step waits for what was edited, and for the step before it: which command is next is only known then.
    const waiting = [];
    let stepping = false;

    function step(which, command = null) {
      if (stepping) { waiting.push([which, command]); return; }
      stepping = true;
      stage.settled(async () => {
        const next = state.head?.[which];
        const listed = !next || command || isOwn(next) || await send("steps"); // else the list says which one is meant
        const chosen = next && listed && (command ?? meant(which)?.id);
        if (!chosen) {
          stepping = false;
          waiting.length = 0;
          if (next && listed) stage.notify(`Nothing of this page to ${which}: ${ELSEWHERE}. It can be taken back in the history.`, "info", null, "step");
          return;
        }
        send(which === "undo" ? "stepback" : "stepforward", { command: chosen }, () => {
          stepping = false;
          if (waiting.length) step(...waiting.shift());
          return true;
        });
      });
    }

    Object.assign(stage.command, { undo: (command) => step("undo", command), redo: () => step("redo") });

    function ask() {
      if (state.head) send("steps");
    }

    function entry(step, here) {
      const what = step.label.charAt(0).toUpperCase() + step.label.slice(1);
      return h("li", {}, h("button.hi-step", {
        type: "button", "data-undone": !step.done, "aria-current": here ? "step" : null,
        onclick: () => send("jump", { step: step.id }),
      }, h("span", {}, what), h("small", {}, step.done ? (step.created ? say.when(step.created) : "") : "undone")));
    }

    function renderList() {
      const steps = state.told.steps;
      if (!steps) { fill(list, h("li.s-hint", {}, "Reading the history…")); return; }
      const here = steps.filter((step) => step.done).at(-1)?.id ?? null;
      const newest = steps.length ? [...steps].reverse() : [];
      const keep = list.contains(document.activeElement);
      /** Said at the end of the list behind which there may be more. */
      const more = (done, said) => steps.filter((step) => step.done === done).length >= LISTED && h("li.s-hint", {}, said);
      fill(list, more(false, `The next ${LISTED} undone edits are listed: redo leads to later ones.`),
        newest.map((step) => entry(step, step.id === here)),
        more(true, `The last ${LISTED} edits are listed: undo leads to older ones.`),
        entry({ id: null, label: "the beginning", done: true, created: null }, here === null));
      const mark = list.querySelector("[aria-current]");
      if (keep) mark?.focus();
      mark?.scrollIntoView({ block: "nearest" });
    }

    function paintSteps() {
      for (const [control, which, word] of [[undo, "undo", "Undo"], [redo, "redo", "Redo"]]) {
        const step = meant(which);
        const label = step ? `${word} ${step.label}` : state.head?.[which] ? `${word}: ${ELSEWHERE}` : `Nothing to ${which}`;
        control.disabled = !state.head?.[which];
        attribute(control, "title", label);
        attribute(control, "aria-label", label);
      }
      text(lastEdit, state.head?.undo?.label ?? "no edits yet");
      attribute(button, "title", "All edits: go back to any of them");
    }

    /** After news. Where they end in an edit of another window, the list says which one is meant. */
    function renderSteps() {
      const { undo: last = null, redo: next = null } = state.head ?? {};
      paintSteps();
      const foreign = [last, next].some((one) => one && !isOwn(one));
      const basis = foreign ? `${state.head.id} ${last?.id} ${next?.id}` : "";
      if (!panel.hidden || (basis && basis !== asked)) ask();
      asked = basis;
    }

    /** What a jump did, with the way back; and what was left alone because it was edited since. */
    function renderJump() {
      const jumped = state.told.jumped;
      if (!jumped || !(jumped.undone || jumped.redone)) return;
      state.told.jumped = null;
      const kept = jumped.kept.length ? ` Left as it is, because it was edited or purged since: ${jumped.kept.join("; ")}.` : "";
      const done = jumped.undone ? `${say.count(jumped.undone, "edit")} undone` : `${say.count(jumped.redone, "edit")} done again`;
      const back = { label: "Go back", act: () => send("jump", { step: jumped.came_from }) };
      stage.notify(`${done}.${kept}`, "info", back, "step");
    }

    stage.on("project", () => {
      asked = "";
      if (state.head && !opened.has(state.head.id)) opened.set(state.head.id, state.edited);
    });
    stage.on("director", follow);
    stage.on("project head", () => queueMicrotask(renderSteps));
    stage.on("steps", () => { renderList(); paintSteps(); });
    stage.on("jumped", renderJump);
    stage.on("project", () => pop.close());
    return h("span.hd-undo", {}, undo, redo, h("span.s-anchor", {}, button, panel));
  };
})();
