// What draws: every family of profiles with the doctor's word on this machine, and its variants one level down.
(() => {
  const stage = window.stage;

  stage.profileMenu = (send) => {
    const { h, text, attribute, fill, icon, state } = stage;
    const shown = h("span");
    const size = h("span.hd-size");
    const button = h("button.s-quiet.hd-profile", { type: "button", id: "profile" },
      h("i.hd-brush", {}, icon("brush")), h("span", {}, shown, size), icon("down"));
    const list = h("div.pf-list");
    const all = h("input", { type: "checkbox", id: "all-profiles", onchange: () => send("choose", { all_profiles: all.checked }) });
    const panel = h("div.s-pop.pf-pop", { role: "dialog", "aria-label": "Profile" },
      h("h3.s-title", {}, "What draws"),
      h("p.s-hint", {}, "Pictures stay as they are: the next ones are drawn by your choice."),
      list,
      h("label.pf-all", {}, all, "Memory may hold frames that other profiles drew"));
    stage.popover(button, panel, () => state.head && send("profiles"));

    const familyOf = (name) => name.split("+")[0];
    const choose = (name) => () => { if (name !== state.head?.profile) send("choose", { profile: name }); };

    /** All variants of a family in one quiet select; those that do not run here say so. */
    function variants(view, here) {
      if (!view.variants.length || !(here || view.runs)) return null;
      const select = h("select.s-input.pf-variant", {
        "aria-label": `Variant of ${view.title}`, onchange: () => choose(select.value)(),
      }, !here && h("option", { value: "" }, "Variants…"),
      view.variants.map((item) => h("option", { value: item.name, title: item.reason || null },
        [item.words, item.takes, item.runs ? "" : "not here"].filter(Boolean).join(" · "))));
      select.value = here ? state.head.profile : "";
      return select;
    }

    function family(view) {
      const here = familyOf(state.head.profile) === view.family;
      const fits = !here && view.runs && view.name !== view.family ? view.variants.find((item) => item.name === view.name)?.words : "";
      return h("div.pf-family", { "data-here": here, "data-runs": view.runs },
        h("button.pf-choose", { type: "button", "aria-pressed": String(here), title: view.note, onclick: choose(here ? state.head.profile : view.name) },
          h("span.pf-dot", { "aria-hidden": "true" }),
          h("strong", {}, view.title, fits && h("em", {}, ` ${fits}`)),
          h("small.pf-size", {}, view.size),
          h("small.pf-reason", {}, `${view.runs ? "" : "Not here. "}${view.reason}`),
          view.key_variable && h("small.pf-key", {}, `${view.key_variable} is ${view.key_found ? "set" : "not set"}.`),
          h("small.pf-note", {}, view.note)),
        variants(view, here));
    }

    function renderList() {
      const views = state.told.profiles ?? [];
      const focused = list.contains(document.activeElement);
      fill(list, state.head ? views.map(family) : []);
      if (focused) list.querySelector("[aria-pressed=true]")?.focus();
    }

    function render() {
      const name = state.head ? `${state.head.profile_title} · ${state.head.width}×${state.head.height}` : "";
      text(shown, state.head?.profile_title);
      text(size, state.head ? ` · ${state.head.width}×${state.head.height}` : "");
      attribute(button, "title", state.head ? `${name}. ${state.head.profile_note}` : null);
      attribute(button, "aria-label", `Profile: ${name}`);
      all.checked = Boolean(state.head?.all_profiles);
      if (!panel.hidden) renderList();
    }
    stage.on("project head", render);
    stage.on("profiles", renderList);
    return h("span.s-anchor", {}, button, panel);
  };
})();
