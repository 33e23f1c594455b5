// The menu of films: open, rename, duplicate, archive, trash and restore; a new film, the example, or a film.zip.
stage.filmsMenu = (send, upload) => {
  const MOST = 2e9; // bytes of a film.zip
  const { h, fill, icon, tool, say, state } = stage;
  const button = h("button.s-quiet.hd-menu", { type: "button", id: "projects" }, icon("film"), h("span", {}, "Films"), icon("down"));
  const menu = h("div.s-pop.hd-projects", { role: "dialog", "aria-label": "Films" });
  const pop = stage.popover(button, menu, () => { erasing = null; if (!naming?.unheard) naming = null; send("listing"); });
  let naming = null; // {film, title}: the film whose title is being written; `begun` where somebody wrote, `unheard` where the studio did not answer
  let drawing = false; // whether the list is drawn anew, which takes the focus from the field of a title
  let erasing = null; // the film in the trash of which it is asked whether it is to go for good
  const folds = { archived: false, trashed: false };

  const chooser = h("input", { type: "file", accept: ".zip,application/zip", hidden: true, id: "film-file" });
  chooser.addEventListener("change", async () => {
    const file = chooser.files[0];
    chooser.value = "";
    if (!file) return;
    if (file.size > MOST) { stage.notify("A film.zip has at most 2000 MB: bring a shorter film.", "error"); return; }
    pop.close();
    stage.notify(`Opening ${file.name}…`);
    try {
      const { path } = await upload(file);
      send("unpack", { since: -1, path });
    } catch {
      stage.notify("The film did not arrive: check the connection and choose it again.", "error");
    }
  });

  function open(id) {
    pop.close();
    if (id !== state.head?.id) stage.openProject(id);
  }

  async function discard(card) {
    pop.close();
    if (!await send("discard", { ...(card.id === state.head?.id ? { since: -1 } : {}), film: card.id })) return;
    stage.notify(`“${card.title}” is in the trash.`, "info", { label: "Bring it back", act: () => recover(card) });
  }

  const recover = (card) => { pop.close(); send("recover", { project: card.id, since: -1 }); };

  function weigh(card) {
    erasing = card.id;
    state.told.filmPurge = null;
    send("weigh", { film: card.id });
  }

  /** Asks before what cannot be undone, and says what goes. */
  function purging(card) {
    const plan = state.told.filmPurge?.film_id === card.id ? state.told.filmPurge : null;
    if (erasing !== card.id || !plan) return null;
    const leave = h("button.s-quiet", { type: "button", onclick: () => { erasing = null; render(); } }, plan.refusal ? "Close" : "Keep it");
    if (plan.refusal) return h("div.tk-purge", { role: "alert" }, h("span", {}, plan.refusal), leave);
    const goes = plan.goes.length ? `: ${plan.goes.join(", ")}` : "";
    // Of a film that is on the page nothing can be asked once it is gone.
    const erase = () => { erasing = null; send("erase", { film: card.id, ...(card.id === state.head?.id ? { project: null, since: -1 } : {}) }); };
    return h("div.tk-purge", { role: "alert" },
      h("span", {}, `This deletes “${card.title}” for good${goes} (${say.bytes(plan.frees)}). It cannot be undone.`),
      h("button.s-button.tk-gone", { type: "button", id: "film-purge-now", onclick: erase }, "Delete for good"), leave);
  }

  async function archive(card) {
    if (!await send("archive", { film: card.id })) return;
    stage.notify(`“${card.title}” is in the archive, at the end of the list.`, "info", {
      label: "Take it out", act: () => send("unarchive", { film: card.id }),
    });
  }

  async function name(card, title) {
    naming = null;
    if (!title.trim() || title === card.title) { render(); return; }
    if (await send("naming", { film: card.id, title })) return;
    if (naming) return; // somebody writes another title by now
    naming = { film: card.id, title, unheard: true }; // what was written stays to be sent again
    render();
  }

  function nameField(card) {
    const field = stage.input({ value: naming.title, maxlength: 200, "aria-label": `New title of “${card.title}”`, "data-act": "rename", "data-of": card.id });
    field.addEventListener("input", () => { naming = { film: card.id, title: field.value, begun: true }; });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") name(card, field.value);
      if (event.key === "Escape") { event.stopPropagation(); name(card, card.title); }
    });
    field.addEventListener("blur", () => !drawing && naming?.film === card.id && name(card, field.value));
    return h("div.hd-naming", {}, field);
  }

  function about(card) {
    const cover = h("img", { alt: "" });
    stage.picture(cover, card.cover_url, "");
    const here = card.id === state.head?.id;
    const counts = card.shots ? `${say.count(card.shots, "shot")}, ${card.drawn} drawn · ${say.time(card.seconds)}` : "no shots yet";
    return h("button.hd-open", { type: "button", "aria-current": here ? "true" : null, onclick: () => open(card.id) },
      h("span.hd-cover", {}, cover, !card.cover_url && h("span", {}, icon("film"))),
      h("span.hd-about", {}, h("strong", {}, card.title), h("small", {}, `${counts} · ${say.day(card.updated)}`)));
  }

  function row(card) {
    const of = (act) => ({ "data-act": act, "data-of": card.id });
    const tools = card.trashed ? [
      tool("restore", `Restore “${card.title}”`, () => recover(card), of("restore")),
      h("button.s-quiet", { type: "button", "aria-label": `Delete “${card.title}” for good`, ...of("erase"), onclick: () => weigh(card) }, "Delete for good"),
    ] : [
      tool("pen", `Rename “${card.title}”`, () => { naming = { film: card.id, title: card.title }; render(); }, of("rename")),
      tool("copy", `Duplicate “${card.title}”`, () => { pop.close(); send("duplicate", { film: card.id }); }, of("copy")),
      card.archived ? tool("restore", `Take “${card.title}” out of the archive`, () => send("unarchive", { film: card.id }), of("archive"))
        : tool("box", `Put “${card.title}” into the archive`, () => archive(card), of("archive")),
      tool("trash", `Put “${card.title}” into the trash`, () => discard(card), of("discard")),
    ];
    return h("div.hd-project", { "data-here": card.id === state.head?.id },
      naming?.film === card.id ? nameField(card) : about(card), h("span.hd-tools", {}, tools));
  }

  function fold(kind, label, cards) {
    if (!cards.length) return null;
    // At the click, not at "toggle": that event comes later, and a list that arrives between would shut the fold again.
    const summary = h("summary", { onclick: () => { folds[kind] = !el.open; } }, `${label} (${cards.length})`);
    const el = h("details.hd-fold", { open: folds[kind] }, summary, cards.flatMap((card) => [row(card), purging(card)]));
    return el;
  }

  function render() {
    const of = (kind) => state.projects.filter((card) => (card.trashed ? "trashed" : card.archived ? "archived" : "open") === kind);
    drawing = true;
    stage.renew(menu, () => fill(menu,
      h("div.hd-pop-head", {}, h("h3.s-title", {}, "Films"),
        h("span", {},
          h("button.s-quiet", { type: "button", id: "example-project", onclick: () => { pop.close(); send("example", { project: null, since: -1 }); } }, "Example film"),
          h("button.s-quiet", { type: "button", id: "open-film", title: "A film.zip that the studio exported", onclick: () => chooser.click() }, "Open a film.zip"),
          h("button.s-button", { type: "button", id: "new-project", onclick: () => { pop.close(); send("begin", { project: null, since: -1 }); } },
            icon("plus"), "New film"))),
      of("open").map(row), fold("archived", "Archive", of("archived")), fold("trashed", "Trash", of("trashed"))));
    drawing = false;
    const field = menu.querySelector(".hd-naming input");
    if (naming?.begun) { field?.focus(); field?.setSelectionRange(field.value.length, field.value.length); } // news came in between
    else field?.select();
  }

  stage.on("projects project filmPurge", render);
  return h("span.s-anchor", {}, button, menu, chooser);
};
