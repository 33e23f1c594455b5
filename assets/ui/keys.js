// The keyboard: one table of keys, used both to act and to fill the sheet that `?` opens.
// Panels put their functions into stage.command; keys are left alone while the user types or a dialog is open.
(() => {
  const stage = window.stage;
  stage.command = { help };

  const SHEET = [
    ["Move", [
      ["←  →", "previous, next shot", { ArrowLeft: "previous", ArrowRight: "next" }],
      ["Shift ←  →", "extend the selection", { "Shift+ArrowLeft": "extendPrevious", "Shift+ArrowRight": "extendNext" }],
      ["Ctrl ←  →", "go on without changing the selection", { "Ctrl+ArrowLeft": "wanderPrevious", "Ctrl+ArrowRight": "wanderNext" }],
      ["Ctrl Space", "take the shot into the selection, or out of it", { "Ctrl+ ": "toggle" }],
      ["Home  End", "first, last shot (Shift: select up to there)",
        { Home: "first", End: "last", "Shift+Home": "extendFirst", "Shift+End": "extendLast" }],
      ["Ctrl A", "select all shots", { "Ctrl+a": "selectAll" }],
      ["+  −", "zoom the timeline", { "+": "zoomIn", "Shift++": "zoomIn", "=": "zoomIn", "-": "zoomOut", "Shift+_": "zoomOut" }],
    ]],
    ["Edit", [
      ["Enter", "rename the shot", { Enter: "rename", F2: "rename" }],
      ["E", "write the description", { e: "edit" }],
      ["N  Shift N", "new shot after, before", { n: "insertAfter", "Shift+n": "insertBefore" }],
      ["D", "duplicate the shot", { d: "duplicate" }],
      ["S", "split at the playhead, else in the middle", { s: "split" }],
      ["[  ]  or  ,  .", "a frame shorter, longer (Shift: half a second)", {
        "[": "shorter", ",": "shorter", "Shift+{": "muchShorter", "Shift+<": "muchShorter", "Shift+;": "muchShorter",
        "]": "longer", ".": "longer", "Shift+}": "muchLonger", "Shift+>": "muchLonger", "Shift+:": "muchLonger",
      }],
      ["Alt ←  →", "move the selected shots", { "Alt+ArrowLeft": "moveLeft", "Alt+ArrowRight": "moveRight" }],
      ["Delete", "shots to the trash", { Delete: "remove", Backspace: "remove" }],
      ["Ctrl Z", "undo", { "Ctrl+z": "undo" }],
      ["Ctrl Shift Z", "redo", { "Ctrl+Shift+z": "redo", "Ctrl+y": "redo" }],
    ]],
    ["Draw", [
      ["R", "draw the selected shots again", { r: "draw" }],
      ["Shift R", "show the clip; there: render the selected shots", { "Shift+r": "render" }],
      ["P  Shift P", "pin the end, the start frame into memory", { p: "pinEnd", "Shift+p": "pinStart" }],
      ["C", "compare takes of the shot", { c: "compare" }],
    ]],
    ["Watch", [
      ["Space", "play or pause the animatic", { " ": "playPause" }],
      ["J  K  L", "back, pause, forward (again: faster)", { j: "back", k: "pause", l: "forward" }],
      ["←  →", "while watching: one frame back, forward", {}],
      ["1  2  3", "pair, cut, clip", { 1: "viewPair", 2: "viewCut", 3: "viewClip" }],
      ["?", "this sheet", { "?": "help" }],
    ]],
  ];

  const KEYS = Object.assign({}, ...SHEET.flatMap(([, rows]) => rows.map(([, , keys]) => keys)));
  const SHOTS = ["Edit", "Draw"].flatMap((group) => SHEET.find(([title]) => title === group)[1]
    .flatMap(([, , keys]) => Object.values(keys))).filter((name) => !["undo", "redo"].includes(name));
  // What a key that is held down does again and again; everything else it does once, so that it neither renders unseen
  // nor makes a dozen shots.
  const HELD = new Set(["previous", "next", "extendPrevious", "extendNext", "wanderPrevious", "wanderNext", "zoomIn", "zoomOut",
    "shorter", "muchShorter", "longer", "muchLonger", "moveLeft", "moveRight", "undo", "redo"]);
  const WRITING = ["edit", "rename"]; // they open a field of the shot that an N just before asked for
  const WATCHING = { previous: "frameBack", next: "frameForward" }; // arrows while the animatic is on
  const CHOICES = "input[type=checkbox], input[type=radio], input[type=range]";
  const TYPING = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]";
  const OPEN_TAB = "[role=tab][aria-selected=true]"; // there is nothing to press on it: Space plays
  const OWN_KEYS = {
    " ": `button:not(${OPEN_TAB}), a, video, summary, input[type=checkbox], input[type=radio]`,
    Enter: "button, a, video, summary",
  };
  const ARROWS = `[role=slider], [role=tab], [role=radio], video, ${CHOICES}`;

  function nameOf(event) {
    const sign = event.getModifierState("AltGraph"); // "[" of many keyboards is typed with it
    const control = (event.ctrlKey || event.metaKey) && !sign ? "Ctrl+" : "";
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const shift = event.shiftKey && key !== "?" ? "Shift+" : "";
    return `${control}${event.altKey && !sign ? "Alt+" : ""}${shift}${key}`;
  }

  let opening = false; // a field that waits for its shot: what is typed meanwhile is meant for it, and commands nothing

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.defaultPrevented || !(target instanceof Element) || document.querySelector("dialog[open]")) return;
    if (target.closest(TYPING) || target.closest(OWN_KEYS[event.key] ?? "none")) return;
    if (event.key.startsWith("Arrow") && target.closest(ARROWS)) return;
    const name = KEYS[nameOf(event)];
    const command = stage.command[(stage.playhead.on && WATCHING[name]) || name];
    if (!command || (SHOTS.includes(name) && target.closest(".s-pop"))) return; // an open menu covers the shots
    event.preventDefault();
    if (opening || (event.repeat && !HELD.has(name))) return;
    if (!WRITING.includes(name)) { command(); return; }
    opening = true;
    stage.arrived(() => { opening = false; command(); });
  });

  /** The `?` sheet: a modal dialog, so that Escape and the screen reader do what they should. */
  function help() {
    const { h } = stage;
    const rows = (list) => list.map(([keys, meaning]) =>
      h("div.s-key-row", {}, h("kbd", {}, keys), h("span", {}, meaning)));
    const sheet = h("dialog.s-sheet", { "aria-label": "Keyboard" },
      h("div.s-sheet-head", {}, h("h2", {}, "Keyboard"), stage.tool("close", "Close", () => sheet.close())),
      h("div.s-key-groups", {}, SHEET.map(([title, list]) => h("section", {}, h("h3.s-title", {}, title), rows(list)))));
    sheet.addEventListener("close", () => sheet.remove());
    document.body.append(sheet);
    sheet.showModal();
  }

  // Dark first; the choice is the user's and stays in this browser.
  let light = stage.memory.get("stage-theme") === "light";
  stage.paintTheme = () => document.body.classList.toggle("dark", !light);
  stage.switchTheme = () => {
    light = !light;
    stage.memory.set("stage-theme", light ? "light" : "dark");
    stage.paintTheme();
  };
  if (document.body) stage.paintTheme(); // before anything is on the page, so that it never flashes white
})();
