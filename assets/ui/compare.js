// Two takes of a shot against each other: a wipe that is dragged over both frames at once, or side by side.
(() => {
  const stage = window.stage;
  const { h, text, attribute, fill } = stage;
  const state = { shot: null, a: null, b: null, choose: null };
  let parts = null;

  const takes = () => stage.details(state.shot)?.takes ?? [];
  const take = (id) => takes().find((item) => item.id === id) ?? null;

  function picture(url, alt) {
    const img = h("img", { draggable: "false" });
    stage.picture(img, url, alt);
    return img;
  }

  const SIDES = [["start", "Start"], ["end", "End"]];
  const frame = (which, side) => picture(take(state[which])[`${side}_url`], `Take ${take(state[which]).number}, ${side} frame`);

  /** B lies under A; how much of A is seen is one number for both frames. */
  function wipe(side, name) {
    const screen = h("div.cm-screen", {}, h("div.cm-under", {}, frame("b", side)), h("div.cm-over", {}, frame("a", side)), h("div.cm-line"));
    const drag = (event) => {
      const box = screen.getBoundingClientRect();
      parts.slider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
      move();
    };
    screen.addEventListener("pointerdown", (event) => { screen.setPointerCapture(event.pointerId); drag(event); });
    screen.addEventListener("pointermove", (event) => event.buttons && drag(event));
    return h("figure.cm-figure", {}, screen, h("figcaption", {}, name));
  }

  const beside = (which) => SIDES.map(([side, name]) => h("figure.cm-figure", {},
    h("div.cm-screen", {}, frame(which, side)), h("figcaption", {}, `Take ${take(state[which]).number} · ${name}`)));

  function move() {
    parts.sheet.style.setProperty("--wipe", `${parts.slider.value}%`);
    attribute(parts.slider, "aria-valuetext", `${parts.slider.value} % of take A`);
  }

  function chooser(which, label) {
    const control = h("select.s-input", { id: `compare-${which}` });
    control.addEventListener("change", () => { state[which] = control.value; render(); });
    return { control, el: h("label.cm-pick", {}, h("span.s-label", {}, label), control) };
  }

  function build() {
    const a = chooser("a", "A");
    const b = chooser("b", "B");
    const how = stage.segments("compare-how", "Show", [["wipe", "Wipe"], ["beside", "Side by side"]], "wipe");
    const slider = h("input.vw-scrub.cm-slider", { type: "range", min: 0, max: 100, value: 50, id: "compare-slider", "aria-label": "How much of take A is seen" });
    const view = h("div.cm-view");
    const uses = { a: h("button.s-button", { type: "button", id: "use-a" }), b: h("button.s-button", { type: "button", id: "use-b" }) };
    for (const which of ["a", "b"]) uses[which].addEventListener("click", () => state.choose(take(state[which])));
    const swap = h("button.s-quiet", { type: "button", id: "compare-swap", onclick: () => { [state.a, state.b] = [state.b, state.a]; render(); } }, "Swap");
    const title = h("h2", {}, "Compare");
    const sheet = h("dialog.s-sheet.cm-sheet", { "aria-label": "Compare two takes" },
      h("div.s-sheet-head", {}, title, stage.tool("close", "Close", () => sheet.close())),
      h("div.cm-bar", {}, a.el, swap, b.el, h("span.s-grow"), how.el),
      view, slider, h("div.cm-uses", {}, uses.a, h("span.s-grow"), uses.b));
    how.el.addEventListener("change", render);
    slider.addEventListener("input", move);
    document.body.append(sheet);
    parts = { sheet, title, a, b, how, slider, view, uses };
    stage.on("details", () => sheet.open && render());
  }

  function render() {
    const list = takes();
    if (!stage.details(state.shot)) return; // they are being asked for again
    const pressed = Object.values(parts.uses).find((button) => button === document.activeElement);
    if (!take(state.a) || !take(state.b)) { parts.sheet.close(); return; }
    for (const which of ["a", "b"]) {
      fill(parts[which].control, list.map((item) => h("option", { value: item.id }, `Take ${item.number}${item.picked ? ", in the film" : ""}`)));
      parts[which].control.value = state[which];
      const one = take(state[which]);
      text(parts.uses[which], one.picked ? `Take ${one.number} is in the film` : `Use take ${one.number}`);
      parts.uses[which].disabled = one.picked;
    }
    const wiping = parts.how.value === "wipe";
    parts.slider.hidden = !wiping;
    attribute(parts.view, "data-how", parts.how.value);
    fill(parts.view, wiping ? SIDES.map(([side, name]) => wipe(side, name)) : [beside("a"), beside("b")]);
    parts.sheet.style.setProperty("--aspect", `${stage.state.head.width} / ${stage.state.head.height}`);
    text(parts.title, `Compare takes of shot ${stage.shot(state.shot)?.number ?? ""}`);
    move();
    if (pressed?.disabled) (wiping ? parts.slider : parts.how.el.querySelector("input:checked")).focus(); // it cannot be pressed again
  }

  /** Opens the dialog over two takes of a shot; `choose(take)` makes one the film's. */
  stage.compare = (shot, a, b, choose) => {
    if (!parts) build();
    Object.assign(state, { shot, a, b, choose });
    render();
    if (!parts.sheet.open) parts.sheet.showModal();
    parts.slider.focus();
  };
})();
