// Undo, redo, and the list of edits: any entry can be jumped to, and a jump can be taken back as one.
// Undo and redo mean what was done on this page, or before it opened the film. What comes from another window, or from a
// program, is taken back there, or in the list.
(() => {
  const stage = window.stage;
  const ELSEWHERE = "what is left was done in another window";
  const DIRECTED = /^direct \d/; // an edit that a director makes when he is done (studio/service/direction.py)
  const BEGUN = "stage-begun"; // in sessionStorage: the director whom this window set to work last
  // What makes no edit, or none of its own: news that come with the answer are not its doing.
  const ASIDE = new Set(["stepback stepforward jump steps look price pick compare weigh versions profiles listing exports",
    "subtitles reveal propose prefer purge make selected missing downstream again repeat refine cancel hold goon soonest",
    "line everyjob halt judge unjudge attempt stop"].join(" ").split(" "));
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

    const films = new Map();
    let asked = "";

    /**
     * What the page knows of the edits of its film: `opened`, the newest that was there when it was opened, once the
     * `whole` list was read; `own`, those of this page since; `owed`, own ones that were not seen yet, {after, upto, directed}.
     */
    function log() {
      const { id, undo, redo } = state.head;
      if (!films.has(id)) films.set(id, { opened: Math.max(undo?.id ?? 0, redo?.id ?? 0), whole: !redo, own: new Set(), owed: [] });
      return films.get(id);
    }

    const isOwn = ({ id }) => id <= log().opened || log().own.has(id);
    const newest = () => state.head.undo?.id ?? 0;

    /** The edit that undo or redo means, as far as is known; null when there is none. */
    function meant(which) {
      const next = state.head?.[which];
      if (!next || isOwn(next)) return next ?? null;
      const steps = state.told.steps ?? [];
      return (which === "undo" ? steps.findLast((one) => one.done && isOwn(one)) : steps.find((one) => !one.done && isOwn(one))) ?? null;
    }

    /** Finds edits that are owed among some: of those made meanwhile it is the last. */
    function settle(steps) {
      const { own } = log();
      log().owed = log().owed.filter(({ after, upto, directed }) => {
        const found = steps.findLast(({ id, label }) => id > after && id <= upto && !own.has(id) && DIRECTED.test(label) === directed);
        if (found) own.add(found.id);
        return !found;
      });
    }

    /** Something that this page had sent was answered: what is new since then is its edit. */
    stage.claim = ({ event, film, command }) => {
      if (film !== state.head?.id || ASIDE.has(event)) return;
      const directed = event === "direct";
      if (directed) begun(state.director?.id);
      const upto = directed && state.director?.working ? Infinity : newest();
      if (upto > command) log().owed.push({ after: command, upto, directed });
      queueMicrotask(renderSteps); // its edit may have come before, as news
    };

    /** What a director makes comes by itself: it is of the page that let him begin, also when that was loaded again. */
    function follow() {
      if (!state.head) return;
      const [{ opened, owed }, { director }] = [log(), state];
      const mine = owed.filter(({ directed }) => directed);
      if (!director?.working) for (const one of mine) one.upto = Math.min(one.upto, newest());
      else if (!mine.length && director.id && director.id === begun()) owed.push({ after: opened, upto: Infinity, directed: true });
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

    /** After news, and what was answered with them: only then is it known whose edits they are, or that the list says it. */
    function renderSteps() {
      const { undo: last = null, redo: next = null } = state.head ?? {};
      if (last) settle([last]);
      paintSteps();
      const unsure = state.head && (!log().whole || log().owed.some(({ upto }) => upto < Infinity) || [last, next].some((one) => one && !isOwn(one)));
      const basis = unsure ? `${state.head.id} ${last?.id} ${next?.id}` : "";
      if (!panel.hidden || (basis && basis !== asked)) ask();
      asked = basis;
    }

    /** The list came: it holds whatever this page is owed, and at first what had been undone when it opened the film. */
    function readSteps() {
      const { steps } = state.told;
      if (!steps || !state.head) return;
      if (!log().whole) Object.assign(log(), { whole: true, opened: Math.max(log().opened, ...steps.map(({ id }) => id)) });
      settle(steps);
      log().owed = log().owed.filter(({ upto }) => upto === Infinity);
      paintSteps();
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

    stage.on("project", () => { asked = ""; if (state.head) log(); });
    stage.on("director", follow);
    stage.on("project head", () => queueMicrotask(renderSteps));
    stage.on("steps", () => { renderList(); readSteps(); });
    stage.on("jumped", renderJump);
    stage.on("project", () => pop.close());
    return h("span.hd-undo", {}, undo, redo, h("span.s-anchor", {}, button, panel));
  };
})();
