// The queue: progress and time left of every job; pause, order, run next, cancel, try again.
(() => {
  const stage = window.stage;
  const WORDS = { queued: "waiting", running: "running", paused: "paused", done: "done", failed: "failed", cancelled: "cancelled" };
  const ENDED = ["failed", "done", "cancelled"];
  const AGAIN = ["failed", "cancelled"]; // what can be tried again

  stage.jobsMenu = (send) => {
    const { h, text, attribute, fill, tool, say, state } = stage;
    const words = h("span.hd-words");
    const count = h("span.hd-count"); // in place of the words where there is no room
    const button = h("button.s-quiet.hd-jobs", { type: "button", id: "jobs" }, h("span.hd-dot"), words, count);
    const summary = h("div.hd-worker", { "aria-live": "polite" });
    const all = h("span.hd-all");
    const list = h("div.jo-list");
    const MOST = 12; // finished jobs that are shown at first
    const LISTED = 20; // finished jobs that a page is sent when it opens (studio/service/cards.py)
    let whole = false; // whether all finished jobs that the page knows are shown
    const more = h("button.s-quiet", { type: "button", onclick: () => { whole = true; render(); } });
    const rest = h("p.s-hint", {}, `A page that opens is told of the last ${LISTED} finished jobs; what they made stays with the shots.`);
    const panel = h("div.s-pop.hd-joblist", { role: "dialog", "aria-label": "Jobs" },
      h("div.hd-pop-head", {}, h("h3.s-title", {}, "Jobs"), all), summary, list, more, rest);
    stage.popover(button, panel, () => { whole = false; render(); });
    const rows = new Map();
    const act = (event, job) => () => send(event, { job: job.id });
    const everything = (does, label) => h("button.s-quiet", { type: "button", onclick: () => send("everyjob", { act: does }) }, label);

    const waiting = () => stage.activeJobs().filter((job) => job.state !== "running").sort((a, b) => a.sequence - b.sequence);

    /** "Draw shot 3 · 92 % · +4": the figure is of this job, not of all. */
    const doingNow = (job, more) => [job.title, say.progress(job), more && `+${more}`].filter(Boolean).join(" · ");

    /** Moves a waiting job by one; shown when the server has said so. */
    function move(job, by) {
      const order = waiting().map((item) => item.id);
      const at = order.indexOf(job.id);
      order.splice(at, 1);
      order.splice(at + by, 0, job.id);
      send("line", { order });
    }

    function makeRow() {
      const parts = { title: h("strong"), state: h("small"), before: h("p.s-hint"), error: h("p.hd-error"), bar: h("div.s-bar", {}, h("div")), actions: h("span.hd-actions") };
      const el = h("div.hd-job", {}, h("div.hd-job-top", {}, parts.title, parts.state, parts.actions), parts.bar, parts.before, parts.error);
      return { el, parts, shown: null };
    }

    const ask = stage.asker("prices", (data) => send("prices", data));
    const prices = () => state.told.prices?.jobs ?? {};

    /** What trying again costs is asked for the jobs that are shown. */
    function askPrices(ended) {
      const shown = panel.hidden ? [] : ended.filter((job) => AGAIN.includes(job.state));
      ask(shown.length ? JSON.stringify([state.head.id, shown.map((job) => job.id)]) : null);
    }

    /** Trying again says what it costs before it is paid. */
    function again(job, named) {
      const price = prices()[job.id]; // null: paid, and only the service knows how much
      const words = price === undefined ? "Try again" : price === null ? "Try again (paid)" : `Try again, about $${price.toFixed(2)}`;
      return h("button.s-quiet", { type: "button", ...named, "aria-label": `${words}: ${job.title}`, onclick: act("again", job) }, words);
    }

    function actions(job, first, last) {
      const of = (does) => ({ "data-act": does, "data-of": job.id });
      const named = (name, label, event) => tool(name, `${label}: ${job.title}`, act(event, job), of(event));
      const waits = ["queued", "paused"].includes(job.state);
      return [
        waits && tool("up", `Earlier: ${job.title}`, () => move(job, -1), { disabled: first, ...of("up") }),
        waits && tool("down", `Later: ${job.title}`, () => move(job, 1), { disabled: last, ...of("down") }),
        waits && (!first || job.ahead_waiting > 0 || job.state === "paused") && named("next", "Run next", "soonest"),
        ["queued", "running"].includes(job.state) && !job.stopping && named("pause", "Pause", "hold"),
        job.state === "paused" && named("play", "Go on with", "goon"),
        !ENDED.includes(job.state) && named("close", "Cancel", "cancel"),
        AGAIN.includes(job.state) && again(job, of("again")),
      ];
    }

    function paint(row, job, first, last) {
      const { parts } = row;
      const active = !ENDED.includes(job.state);
      text(parts.title, job.title);
      const eta = active && job.state !== "paused" && job.eta_seconds ? say.about(job.eta_seconds) : "";
      const how = job.stopping ? "stopping…" : WORDS[job.state];
      text(parts.state, [how, active && job.message, eta].filter(Boolean).join(" · "));
      text(parts.before, job.ahead ? `${say.count(job.ahead, "job")} of other films before it` : "");
      parts.before.hidden = !job.ahead;
      text(parts.error, job.error);
      parts.error.hidden = !job.error;
      attribute(row.el, "data-state", job.state);
      parts.bar.hidden = job.state !== "running";
      stage.bar(parts.bar, job.progress);
      const shown = [job.title, job.state, job.stopping, first, last, job.ahead_waiting > 0, prices()[job.id]].join();
      if (row.shown === shown) return;
      stage.renew(parts.actions, () => fill(parts.actions, actions(job, first, last)));
      row.shown = shown;
    }

    function render() {
      const active = stage.activeJobs();
      const running = active.filter((job) => job.state === "running");
      const line = waiting();
      const jobs = [...state.jobs.values()];
      /** Whether the same was begun again later: what failed or was cancelled before is then no longer of interest. */
      const followed = (job) => AGAIN.includes(job.state) && jobs.some((later) => later.created > job.created
        && later.kind === job.kind && later.shot_id === job.shot_id);
      const finished = jobs.filter((job) => ENDED.includes(job.state) && !followed(job))
        .sort((a, b) => AGAIN.includes(b.state) - AGAIN.includes(a.state) || b.finished.localeCompare(a.finished));
      const ended = whole ? finished : finished.slice(0, MOST);
      askPrices(ended);
      more.hidden = ended.length === finished.length;
      text(more, `Show ${finished.length - ended.length} more`);
      rest.hidden = !more.hidden || jobs.filter((job) => ENDED.includes(job.state)).length < LISTED;
      const going = active.filter((job) => job.state !== "paused");
      text(words, !active.length ? "No jobs" : running.length ? doingNow(running[0], active.length - 1)
        : `${say.count(active.length, "job")} ${going.length ? "waiting" : "paused"}`);
      text(count, active.length ? String(active.length) : "");
      attribute(button, "data-busy", going.length > 0);
      attribute(button, "aria-label", `Jobs: ${words.textContent}`);
      attribute(button, "title", `Jobs: ${words.textContent}`);
      const order = [...running, ...line, ...ended].map((job) => {
        if (!rows.has(job.id)) rows.set(job.id, makeRow());
        paint(rows.get(job.id), job, line[0]?.id === job.id, line.at(-1)?.id === job.id);
        return rows.get(job.id).el;
      });
      const known = going.every((job) => job.eta_seconds !== null);
      const left = known ? going.reduce((sum, job) => sum + job.eta_seconds, 0) : 0;
      const { alive = false, message = "", elsewhere = false } = state.worker ?? {};
      const theirs = `works for another film${message === "ready" ? "" : `: ${message}`}`; // it says what it does a moment later
      const doing = !alive ? message || "starting" : !active.length ? "ready" : elsewhere ? theirs : message;
      text(summary, [state.worker ? `Drawing process: ${doing}` : "", left ? `all in ${say.about(left)}` : ""].filter(Boolean).join(" · "));
      attribute(summary, "title", "Times are learnt from what was finished on this machine; waiting is not counted.");
      const paused = active.length - going.length;
      const offered = [going.length > 1 && "pause", paused > 1 && "resume", active.length > 1 && "cancel"].filter(Boolean);
      if (all.dataset.offered !== offered.join()) {
        all.dataset.offered = offered.join();
        const labels = { pause: "Pause all", resume: "Go on with all", cancel: "Cancel all" };
        fill(all, offered.map((does) => everything(does, labels[does])));
      }
      stage.arrange(list, order.length ? order : [empty]);
    }

    const empty = h("p.s-empty", {}, "Nothing is being drawn. Press Draw, or R on a shot.");

    /** Puts rows in order, moving only those that are elsewhere, so that a focused button keeps its focus. */
    stage.on("jobs project prices", render);
    stage.on("project", () => rows.clear());
    return h("span.s-anchor", {}, button, panel);
  };
})();
