// Small helpers of every panel: building DOM without markup strings, and saying numbers to people.
// User text only ever enters the page through text nodes and attributes set here, never as HTML.
(() => {
  const SVG = "http://www.w3.org/2000/svg";

  /** h("button.quiet", {type: "button", onclick: f}, "Undo") -> an element. Children: nodes, strings, arrays, null. */
  function h(spec, attributes = {}, ...children) {
    const [tag, ...classes] = spec.split(".");
    const element = document.createElement(tag);
    if (classes.length) element.className = classes.join(" ");
    for (const [name, value] of Object.entries(attributes)) set(element, name, value);
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  /** One attribute, listener (onclick) or property (value, checked); null and false remove it. */
  function set(element, name, value) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }

  /** Touches the DOM only where something differs: a poll that changes nothing repaints nothing. */
  function text(element, value) {
    const wanted = value ?? "";
    if (element.textContent !== wanted) element.textContent = wanted;
  }

  function attribute(element, name, value) {
    const wanted = value === true ? "" : value;
    if (wanted === null || wanted === undefined || wanted === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(wanted)) element.setAttribute(name, String(wanted));
  }

  /** Replaces the children of an element. */
  function fill(element, ...children) {
    element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  }

  /** Only our own media route may become a src or href. */
  const media = (url) => (typeof url === "string" && url.startsWith("/media/") ? url : null);

  function picture(img, url, alt) {
    attribute(img, "src", media(url));
    attribute(img, "alt", alt ?? "");
  }

  const ICONS = {
    undo: "M6 4 2.5 7.5 6 11M3 7.5h6.5a4 4 0 0 1 0 8H7",
    redo: "M10 4l3.5 3.5L10 11M13 7.5H6.5a4 4 0 0 0 0 8H9",
    down: "M4 6l4 4 4-4",
    up: "M4 10l4-4 4 4",
    next: "M4 3.5h8M8 13V6.5M5 9.5l3-3 3 3",
    close: "M4 4l8 8M12 4l-8 8",
    play: "M5 3.5v9l7.5-4.5z",
    pause: "M5 3.5v9M11 3.5v9",
    first: "M4 3.5v9M12.5 3.5 6 8l6.5 4.5z",
    last: "M12 3.5v9M3.5 3.5 10 8l-6.5 4.5z",
    pin: "M5.5 2.5h5l-.7 4.2 2.2 2.3H4l2.2-2.3zM8 9v5",
    ban: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM4.2 4.2l7.6 7.6",
    plus: "M8 3v10M3 8h10",
    minus: "M3 8h10",
    cut: "M8 2v12M3.5 5.5 1.5 8l2 2.5M12.5 5.5l2 2.5-2 2.5M2 8h3.5M10.5 8H14",
    copy: "M5.5 5.5h7v7h-7zM10.5 5.5v-2h-7v7h2",
    box: "M2.5 3.5h11v3h-11zM3.5 6.5v6.5h9V6.5M6.5 9h3",
    pen: "M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z",
    trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9",
    sliders: "M2.5 5h6M12 5h1.5M2.5 11H5M8.5 11h5M10.2 3.2v3.6M6.8 9.2v3.6",
    sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
    film: "M2.5 3.5h11v9h-11zM5.5 3.5v9M10.5 3.5v9M2.5 6.5h3M2.5 9.5h3M10.5 6.5h3M10.5 9.5h3",
    arrow: "M2.5 8h10.5M9.5 4.5 13 8l-3.5 3.5",
    keys: "M2 4.5h12v7H2zM4.5 7h.01M7 7h.01M9.5 7h.01M12 7h.01M5 9.5h6",
    download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
    restore: "M3 3.5v3.5h3.5M3.3 7a5 5 0 1 1 .5 3.5",
    picture: "M2.5 3.5h11v9h-11zM2.5 11l3.5-3.5 2.5 2.5 2-1.5 3 2.5M10.5 6h.01",
    more: "M3.5 8h.01M8 8h.01M12.5 8h.01M3.5 7.5v1M8 7.5v1M12.5 7.5v1",
    lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
    compare: "M2.5 3.5h11v9h-11zM8 2v12M5 6.5 3.8 8 5 9.5M11 6.5 12.2 8 11 9.5",
    reject: "M3.5 3.5h9v9h-9zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
    info: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 7.3v3.7M8 5v.01",
    check: "M3 8.5 6.5 12 13 4.5",
    brush: "M13.5 2.5 7.5 8.5M6.5 8.2l1.6 1.6c.3 2-1.3 3.7-5.6 3.7 1.6-1 .8-2 1.3-3.6.4-1.1 1.6-1.7 2.7-1.7z",
    out: "M8 10V2.5M5 5.3 8 2.5l3 2.8M4.5 7.5H3v6h10v-6h-1.5",
    star: "M8 2l1.5 4.5L14 8l-4.5 1.5L8 14l-1.5-4.5L2 8l4.5-1.5z",
  };

  /** A 16-unit line icon; decoration only, so hidden from screen readers. */
  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", class: "s-icon", "aria-hidden": "true" })) {
      svg.setAttribute(key, value);
    }
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  /** A button with an icon, a name for screen readers and a tooltip. */
  const tool = (name, label, onclick, extra = {}) =>
    h("button.s-tool", { type: "button", "aria-label": label, title: label, onclick, ...extra }, icon(name));

  const MOVES = {
    static: "•", "pan left": "↶", "pan right": "↷", "tilt up": "⤴", "tilt down": "⤵",
    "truck left": "←", "truck right": "→", "pedestal up": "↑", "pedestal down": "↓",
    "dolly in": "⇢⇠", "dolly out": "⇠⇢", "zoom in": "⊕", "zoom out": "⊖",
    "crane up": "⇑", "crane down": "⇓", "arc left": "↺", "arc right": "↻",
  };

  const say = {
    move: (movement) => MOVES[movement] ?? "",
    seconds: (value) => `${Number(value).toFixed(1)} s`,
    share: (value) => `${Math.round(value * 100)} %`,
    clock: (iso) => new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    day: (iso) => new Date(iso).toLocaleDateString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    /** The time of today, of another day with the day. */
    when: (iso) => (new Date(iso).toDateString() === new Date().toDateString() ? say.clock(iso) : say.day(iso)),
    /** Seconds -> "0:07" or "1:02:07". */
    time(seconds) {
      const whole = Math.max(0, Math.floor(seconds));
      const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
      const two = (number) => String(number).padStart(2, "0");
      return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
    },
    /** Frames at a rate -> "00:00:07:12", hours, minutes, seconds, frames. */
    timecode(frames, rate) {
      const base = Math.round(rate);
      const whole = Math.max(0, Math.floor(frames));
      const parts = [whole / (3600 * base), (whole / (60 * base)) % 60, (whole / base) % 60, whole % base];
      return parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
    },
    /** How far a job is; while it counts no steps yet, what it does: loading the painter takes longer than many a picture. */
    progress: (job) => (job?.progress ? `${Math.round(job.progress * 100)} %` : job?.message || "starting"),
    about(seconds) {
      if (seconds === null || seconds === undefined) return "";
      if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s`;
      return `about ${Math.round(seconds / 60)} min`;
    },
    bytes: (size) => (size < 1e6 ? `${Math.ceil(size / 1000)} kB` : size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(1)} GB`),
    count: (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`,
  };

  /** A bar as full as the work is done, 0..1; at 0 it only shows that there is work. */
  function bar(element, progress) {
    attribute(element, "data-unknown", !progress);
    element.firstChild.style.width = progress ? `${Math.round(progress * 100)}%` : "";
  }

  /** Makes the children of a list the wanted ones; what is already in its place is not touched and keeps its focus. */
  function arrange(list, wanted) {
    const there = new Set(wanted);
    for (const child of [...list.children]) if (!there.has(child)) child.remove();
    wanted.forEach((el, index) => { if (list.children[index] !== el) list.insertBefore(el, list.children[index] ?? null); });
  }

  // What only makes work more comfortable: storage that is full, forbidden or damaged must not stop anything.
  const memory = {
    get(name) {
      let kept = null;
      try { kept = localStorage.getItem(name); return JSON.parse(kept); } catch { return kept; } // once kept as it was, or damaged
    },
    set(name, value) {
      try { localStorage.setItem(name, JSON.stringify(value)); } catch (error) { console.warn(`${name} cannot be kept.`, error); }
    },
  };

  const pressable = (host) => [...host.querySelectorAll("button, summary")].filter((el) => !el.disabled && el.checkVisibility());

  /**
   * Builds what is in a box anew. Whoever pressed a button there goes on from where it was: from the same one (data-act
   * and data-of say which it is), else from the next that does the same, else from what took its place, else from
   * `elsewhere`. Left to itself the browser would give the keys to the page, where Space plays and Enter renames.
   */
  function renew(host, build, elsewhere = null) {
    const had = document.activeElement;
    if (had === host || !host.contains(had)) { build(); return; }
    const { act, of } = had.dataset;
    const before = pressable(host);
    const twins = (list) => list.filter((el) => act && el.dataset.act === act);
    const [at, among] = [before.indexOf(had), twins(before).indexOf(had)];
    build();
    if (host.checkVisibility() && host.contains(document.activeElement)) return;
    const now = pressable(host);
    const place = (list, index) => list[Math.min(Math.max(0, index), list.length - 1)];
    const next = twins(now).find((el) => el.dataset.of === of) ?? place(twins(now), among) ?? elsewhere ?? place(now, at);
    (next?.checkVisibility() ? next : document.querySelector(".tl-strip")).focus({ preventScroll: true });
  }

  /** Closes an open popover by Escape, by a click outside, or by itself. Returns {open, close, toggle}. */
  function popover(button, panel, onOpen = () => {}) {
    const outside = (event) => {
      if (!panel.contains(event.target) && !button.contains(event.target)) close();
    };
    const escape = (event) => {
      if (event.target.closest?.(".hd-naming")) return; // there, Escape leaves the name as it was
      if (event.key === "Escape") { event.stopPropagation(); close(); button.focus(); }
    };
    function open() {
      if (!panel.hidden) return;
      panel.hidden = false;
      attribute(button, "aria-expanded", "true");
      document.addEventListener("pointerdown", outside, true);
      document.addEventListener("keydown", escape, true);
      onOpen();
    }
    function close() {
      for (const media of panel.querySelectorAll("video, audio")) media.pause(); // nobody could stop it there
      panel.hidden = true;
      attribute(button, "aria-expanded", "false");
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("keydown", escape, true);
    }
    attribute(button, "aria-expanded", "false");
    button.addEventListener("click", () => (panel.hidden ? open() : close()));
    panel.hidden = true;
    return { open, close, toggle: () => (panel.hidden ? open() : close()) };
  }

  window.stage = { h, set, text, attribute, fill, media, picture, icon, tool, say, bar, arrange, renew, memory, popover };
})();
