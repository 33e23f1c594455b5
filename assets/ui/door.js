// The way to Python and back: tell("header.begin", {…}) is answered with a letter, which is read at once.
// The events go through one server function of the timeline (studio/ui/desk.py), with the key of this browser: who has
// the key owns the films. A browser without one makes one up.
(() => {
  const stage = window.stage;
  const KEY = "stage-key"; // 32 letters and digits
  const FORMER = "stage-owner"; // where a Gradio component kept the key, until November 2026; only Gradio can read it
  const QUIET = 15_000; // ms during which it is not said again that the studio does not answer
  const [PATIENCE, TIMES] = [250, 80]; // how often, and how many times, Gradio is asked for a former key: 20 seconds
  let told = -QUIET;
  let openDoor, nameKey;
  const door = new Promise((resolve) => { openDoor = resolve; });
  const key = new Promise((resolve) => { nameKey = resolve; });

  const made = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function keep(found) {
    localStorage.setItem(KEY, found);
    nameKey(found);
  }

  const known = localStorage.getItem(KEY);
  const former = localStorage.getItem(FORMER);
  if (known) nameKey(known);
  else if (former === null) keep(made());

  /** Asks Gradio for a former key with `ask`, which comes back by `formerKey`. One that cannot be read at all is put aside, never thrown away. */
  function askFormer(ask, times = 0) {
    if (localStorage.getItem(KEY)) return;
    if (times < TIMES) { ask(); setTimeout(() => askFormer(ask, times + 1), PATIENCE); return; }
    localStorage.setItem(`${FORMER}-unread-${Date.now()}`, former);
    keep(made());
  }

  /** The timeline's script brings what Gradio gave it: the server's functions, and a way to ask for a former key. */
  function connect(server, ask) {
    openDoor(server.tell);
    askFormer(ask);
  }

  /** Sends an event, and reads the answer. False when there was none: the studio is away, or the network is. */
  async function tell(event, data) {
    const [ask, mine] = await Promise.all([door, key]);
    const text = await ask({ event, key: mine, data }).catch(() => null);
    if (typeof text !== "string") return false; // Gradio's client turns trouble into undefined
    stage.post(text);
    return true;
  }

  /** For what is neither kept nor asked again: somebody waits for it. */
  function unheard() {
    if (Date.now() - told < QUIET) return;
    told = Date.now();
    stage.notify("The studio does not answer: see whether it is still running, then try again. What you wrote is kept.", "error");
  }

  Object.assign(stage, { connect, tell, unheard, formerKey: (found) => { if (found && !localStorage.getItem(KEY)) keep(found); } });
})();
