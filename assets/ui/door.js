// The way to Python and back: tell("header.begin", {…}) is answered with a letter, which is read at once.
// The events go through one server function of the timeline (studio/ui/desk.py), with the key of this browser: who has
// the key owns the films. A browser without one makes one up.
(() => {
  const stage = window.stage;
  const KEY = "stage-key";
  const KEYS = /^[0-9a-z]{32}$/i;
  const FORMER = "stage-owner"; // where a Gradio component kept the key, until November 2026; only Gradio can read it
  const QUIET = 15_000; // ms during which it is not said again that the studio does not answer
  const HUNG = 20_000; // ms after which an answer is not waited for any more
  const [PATIENCE, TIMES] = [250, 80]; // how often, and how many times, Gradio is asked for a former key: 20 seconds
  let told = -QUIET;
  let openDoor, nameKey;
  const door = new Promise((resolve) => { openDoor = resolve; });
  const key = new Promise((resolve) => { nameKey = resolve; });

  const made = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const stored = () => { const found = read(KEY); return KEYS.test(found) ? found : null; };

  /** A browser may forbid storage altogether. */
  function read(name) {
    try { return localStorage.getItem(name); } catch (error) { console.warn(`${name} cannot be read.`, error); return null; }
  }

  /** Storage that is full must not keep anybody from working: the key then lasts as long as the page. */
  function store(name, value) {
    try { localStorage.setItem(name, value); } catch (error) { console.warn(`${name} cannot be kept.`, error); }
  }

  /** This browser's key, unless it has one meanwhile: another tab may have been quicker. */
  function keep(found) {
    const there = stored();
    if (!there) store(KEY, found);
    nameKey(there ?? found);
  }

  /** A key that cannot be read is put aside, never thrown away. */
  function putAside(name) {
    const unread = read(name);
    if (unread !== null) store(`${name}-unread-${Date.now()}`, unread);
  }

  /** Asks Gradio for a former key with `ask`, which comes back by `formerKey`. */
  function askFormer(ask, times = 0) {
    if (stored()) { keep(stored()); return; }
    if (times < TIMES) { ask(); setTimeout(() => askFormer(ask, times + 1), PATIENCE); return; }
    putAside(FORMER);
    keep(made());
  }

  /** The timeline's script brings what Gradio gave it: the server's functions, and a way to ask for a former key. */
  function connect(server, ask) {
    openDoor(server.tell);
    if (stored() || read(FORMER) === null) { if (!stored()) putAside(KEY); keep(made()); }
    else askFormer(ask);
  }

  /** Sends an event, and reads the answer. False when there was none: the studio is away, or the network is. */
  async function tell(event, data) {
    const [ask, mine] = await Promise.all([door, key]);
    const text = await ask({ event, key: mine, data }).catch(() => null);
    if (typeof text !== "string") return false; // Gradio's client turns trouble into undefined
    stage.post(text);
    return true;
  }

  /** What a promise says, or false when it says nothing for too long. */
  const inTime = (promise) => Promise.race([promise, new Promise((go) => setTimeout(() => go(false), HUNG))]);

  /** For what is neither kept nor asked again: somebody waits for it. */
  function unheard() {
    if (Date.now() - told < QUIET) return;
    told = Date.now();
    stage.notify("The studio does not answer: see whether it is still running, then try again.", "error");
  }

  /** A studio that was started anew may have other parts than this page: the page is loaded again. What is being written goes along. */
  async function lookForAnother() {
    const { root, api_prefix, app_id } = window.gradio_config;
    const other = await fetch(`${root}${api_prefix}/app_id`).then((answer) => answer.json()).catch(() => null);
    if (!other || other.app_id === app_id) return;
    stage.writing.forEach((commit) => commit());
    location.reload();
  }

  Object.assign(stage, { connect, tell, inTime, unheard, lookForAnother, HUNG, formerKey: (found) => found && keep(found) });
})();
