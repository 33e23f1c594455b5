// Undo, redo, and the list of edits: any entry can be jumped to, and a jump can be taken back as one.
(() => {
  const stage = window.stage;

  stage.historyMenu = (send) => {
    const { h, text, attribute, fill, icon, tool, say, state } = stage;
    const undo = tool("undo", "Undo", () => stage.command.undo(), { id: "undo" });
    const redo = tool("redo", "Redo", () => stage.command.redo(), { id: "redo" });
    const last = h("span.hd-step");
    const button = h("button.s-quiet.hd-history", { type: "button", id: "history", "aria-label": "History of edits" }, last, icon("down"));
    const list = h("ol.hi-list", { "aria-label": "Edits, the newest first" });
    const panel = h("div.s-pop.hi-pop", { role: "dialog", "aria-label": "History" },
      h("h3.s-title", {}, "History"), h("p.s-hint", {}, "Choose an entry: the film goes back, or forward, to just after it."), list);
    const pop = stage.popover(button, panel, ask);

    // Each step waits for what was edited, and for the step before it: which command is next is only known then.
    const waiting = [];
    let stepping = false;

    function step(which, command = null) {
      if (stepping) { waiting.push([which, command]); return; }
      stepping = true;
      stage.settled(() => {
        const item = state.head?.[which];
        if (!item) { stepping = false; waiting.length = 0; return; }
        send(which === "undo" ? "stepback" : "stepforward", { command: command ?? item.id }, () => {
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
      fill(list, newest.map((step) => entry(step, step.id === here)),
        entry({ id: null, label: "the beginning", done: true, created: null }, here === null));
      const mark = list.querySelector("[aria-current]");
      if (keep) mark?.focus();
      mark?.scrollIntoView({ block: "nearest" });
    }

    function renderSteps() {
      for (const [control, item, word] of [[undo, state.head?.undo, "Undo"], [redo, state.head?.redo, "Redo"]]) {
        const label = item ? `${word} ${item.label}` : `Nothing to ${word.toLowerCase()}`;
        control.disabled = !item;
        attribute(control, "title", label);
        attribute(control, "aria-label", label);
      }
      text(last, state.head?.undo?.label ?? "no edits yet");
      attribute(button, "title", "All edits: go back to any of them");
      if (!panel.hidden) ask();
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

    stage.on("project head", renderSteps);
    stage.on("steps", renderList);
    stage.on("jumped", renderJump);
    stage.on("project", () => pop.close());
    return h("span.hd-undo", {}, undo, redo, h("span.s-anchor", {}, button, panel));
  };
})();
