// Versions of the shot list, for the story panel: compare their counts, name them, use any of them.
stage.versionsBox = (send) => {
  const { h, text, say, state } = stage;
  const summary = h("summary", { id: "versions" });
  const list = h("div.ve-list", { role: "list", "aria-label": "Versions of the shot list" });
  const box = h("details.ve-box", { hidden: true }, summary,
    h("p.s-hint", {}, "Directing again makes a new version beside the others. Using another one is an edit: undo brings this one back."), list);
  const rows = new Map();

  function makeRow(id) {
    const label = stage.field({
      label: "Name of this version", hideLabel: true, control: stage.input({ class: "s-input ve-label", maxlength: 120 }),
      save: (value, version, done) => send("entitle", { version, label: value }, () => {
        const good = (state.told.versions ?? []).some((item) => item.id === version && stage.same(item.label, value));
        done(good);
        return good;
      }),
    });
    const counts = h("small");
    const cast = h("small");
    const use = h("button.s-quiet", { type: "button", onclick: () => send("takeout", { version: id }) }, "Use this version");
    const here = h("span.ve-here", {}, stage.icon("check"), "in use");
    const number = h("strong");
    const el = h("div.ve-row", { role: "listitem" }, h("div.ve-head", {}, number, label.el, use, here), counts, cast);
    return { el, label, counts, cast, use, here, number };
  }

  function render() {
    const versions = state.told.versions ?? [];
    box.hidden = versions.length < 1;
    text(summary, `Versions (${versions.length})`);
    for (const id of rows.keys()) if (!versions.some((version) => version.id === id)) rows.delete(id);
    stage.arrange(list, versions.map((version) => {
      if (!rows.has(version.id)) rows.set(version.id, makeRow(version.id));
      const row = rows.get(version.id);
      text(row.number, String(version.number));
      row.label.show(version.label, version.id);
      text(row.counts, `${say.count(version.shots, "shot")}, ${version.drawn} drawn · ${say.time(version.seconds)} · ${say.day(version.created)}`);
      text(row.cast, version.cast.join(", ") || "nobody in the cast");
      row.use.hidden = version.current;
      row.here.hidden = !version.current;
      stage.attribute(row.el, "data-here", version.current);
      stage.attribute(row.use, "aria-label", `Use version ${version.number}: ${version.label}`);
      return row.el;
    }));
  }

  const ask = () => state.head && send("versions");
  let known = "";
  /** The list is asked for when another version is in use, after directing, using, undo; and while it is seen, whenever
   *  what it counts may be otherwise. */
  function follow() {
    const drawn = box.open ? stage.shots().filter((shot) => shot.take_id).length : "";
    const now = [state.head?.id, state.head?.version, drawn].join();
    if (now === known) return;
    known = now;
    ask();
  }
  box.addEventListener("toggle", () => (box.open ? follow() : 0));
  stage.on("versions project", render);
  stage.on("project head shots", follow);
  return box;
};
