// The film's settings: title, look in words, frame rate, shape. Each saves itself. And the key that scripts need.
(() => {
  const stage = window.stage;
  const RATES = [["24000/1001", "23.976"], ["24", "24"], ["25", "25"], ["30000/1001", "29.97"], ["30", "30"], ["48", "48"], ["50", "50"], ["60000/1001", "59.94"], ["60", "60"]];

  stage.settingsMenu = (send) => {
    const { h, text, attribute, fill, state } = stage;
    const name = h("span.hd-fps");
    const button = h("button.s-quiet.hd-settings", { type: "button", id: "settings", title: "Film settings: title, look, frame rate, shape" },
      h("span", {}, "Settings"), name, stage.icon("down"));
    const shape = h("p.s-hint");

    /** A field of the project; what the select shows follows what the server read back. */
    const setting = (field, label, control, hint = null) => stage.field({
      label, control, hint,
      save: (value, project, done) => send("setting", { project, field, value }, () => {
        const good = state.head.id !== project ? null : stage.same(state.head[field], value);
        done(good);
        return good;
      }),
    });
    const rates = stage.dropdown([], { id: "setting-fps" });
    const aspects = stage.dropdown([], { id: "setting-aspect" });
    const fields = {
      title: setting("title", "Title", stage.input({ id: "setting-title", maxlength: 200 })),
      look: setting("look", "Look, in words", stage.area({ id: "setting-look", rows: 2, maxlength: 4000, placeholder: "For example: soft light, muted colours" })),
      fps: setting("fps", "Frames a second", rates, "Every shot keeps its length in seconds."),
      aspect: setting("aspect", "Shape", aspects),
    };
    // The key is asked for, never part of what every page holds; it goes out of sight with the menu.
    const key = stage.input({ id: "script-key", readonly: true, "aria-label": "Your key", onfocus: () => key.select() });
    const told = h("p.s-hint", {}, "A script reaches your films with your key: whoever has it owns them. ",
      h("a", { href: `${window.gradio_config.root}/functions`, target: "_blank" }, "What scripts can call"), ".");
    const ask = h("button.s-button", { type: "button", id: "show-key", onclick: () => send("reveal") }, "Show and copy my key");
    const scripts = h("details.se-scripts", {}, h("summary", {}, "Scripts"), told, key, ask);
    async function showKey() {
      if (!state.told.key) return;
      key.value = state.told.key.token;
      state.told.key = null;
      key.hidden = false;
      key.select();
      try {
        await navigator.clipboard.writeText(key.value);
        text(ask, "Copied");
      } catch { // a page that is not served securely may not: it stands there selected
        text(ask, "Copy it from the field above");
      }
    }
    function hideKey() {
      key.value = "";
      key.hidden = true;
      text(ask, "Show and copy my key");
      scripts.open = false;
    }
    stage.on("key", showKey);
    hideKey();

    const panel = h("div.s-pop.se-pop", { role: "dialog", "aria-label": "Film settings" },
      h("h3.s-title", {}, "Film settings"), fields.title.el, fields.look.el,
      h("div.se-row", {}, fields.fps.el, fields.aspect.el), shape, scripts);
    stage.popover(button, panel, hideKey);

    function options(control, list) {
      const key = JSON.stringify(list);
      if (control.dataset.shown === key) return;
      control.dataset.shown = key;
      fill(control, list.map(([value, label]) => h("option", { value }, label)));
    }

    function render() {
      const { head } = state;
      if (!head) return;
      const rate = RATES.find(([value]) => value === head.fps)?.[1] ?? head.rate.toFixed(3);
      text(name, `${rate} fps`);
      attribute(button, "aria-label", `Film settings: ${rate} frames a second, ${head.width}×${head.height}`);
      options(rates, RATES.some(([rate]) => rate === head.fps) ? RATES : [[head.fps, rate], ...RATES]);
      options(aspects, [["", head.aspect ? "as the profile" : `as the profile (${head.width}×${head.height})`], ...head.aspects.map((aspect) => [aspect, aspect])]);
      for (const [field, item] of Object.entries(fields)) item.show(head[field], head.id);
      fields.aspect.el.hidden = !head.aspects.length;
      shape.hidden = head.aspects.length > 0;
      text(shape, `${head.profile_title} draws in one shape only: ${head.width}×${head.height} pixels.`);
    }
    stage.on("project head", render);
    return h("span.s-anchor", {}, button, panel);
  };
})();
