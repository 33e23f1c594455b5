// What was sent and is not yet known to be saved. An edit stays in the outbox, which is in localStorage, until the
// server's answer holds its new value; a lost connection, a closed tab or a restarted studio only delays it.
(() => {
  const stage = window.stage;
  const KEY = "stage-outbox";
  const LATE = 5000; // ms without an answer, after which the page says so
  const AGAIN = 8000; // ms after which an unanswered edit is sent once more
  const OLD = 24 * 3600 * 1000; // ms after which an edit that never arrived is no longer what anybody wants
  const pending = new Map(); // ack -> {verify, at}: edits of this page
  const asked = new Map(); // ack -> {event, at}: what else was sent and is not answered
  const BRINGING = ["insert", "duplicate", "split"]; // events that select another shot
  const PATIENCE = 2000; // ms that is waited for those
  let acks = Date.now() * 1000; // differs between tabs, which share the outbox
  let resent = false;
  let resending = false; // whether edits are, or will soon be, sent again
  let written = Promise.resolve(); // once the edits that were sent are answered, or have hung for long

  // Storage that is full, forbidden or damaged must not keep an edit from being sent: it only would not outlive a reload.
  function load() {
    try { return JSON.parse(localStorage.getItem(KEY) ?? "[]"); } catch { return []; }
  }
  function keep(list) {
    try { localStorage.setItem(KEY, JSON.stringify(list)); } catch (error) { console.warn("The outbox cannot be kept.", error); }
  }

  /**
   * A panel's way to its events in Python: send(event, data, verify) -> whether it was answered, sooner or later.
   * With `verify` it is an edit (and safe to send twice): the page says "saving" until the reply came and verify()
   * finds the new value in what the server read back. Whatever is sent after an edit waits for its answer: of two edits
   * the later is written last, and a shot is drawn as it was described just before. An edit that nobody heard goes first.
   */
  function sender(panel) {
    return (event, data = {}, verify = null) => {
      const ack = ++acks;
      const message = { ...stage.place(data), ack };
      if (verify) {
        pending.set(ack, { verify, at: Date.now(), sent: Date.now(), open: true });
        keep([...withoutOlder(load(), event, message), { panel, event, message, at: Date.now() }]);
        setTimeout(() => stage.announce("saved"), LATE + 100);
        stage.announce("saved");
      } else {
        asked.set(ack, { event, at: Date.now() });
      }
      const answered = written.then(async () => {
        if (verify && !await deliver((older) => older < ack)) return false;
        return stage.tell(`${panel}.${event}`, message);
      });
      if (verify) written = stage.inTime(answered).catch(() => false);
      return answered.then((heard) => {
        if (pending.has(ack)) pending.get(ack).open = false;
        if (!heard && !verify) { asked.delete(ack); stage.unheard(); }
        return heard;
      });
    };
  }

  /** What a newer edit overwrites is not sent again after it: an older value must never come last. */
  function withoutOlder(list, event, message) {
    if (event === "move") {
      const older = list.filter((item) => item.event === event && item.message.project === message.project);
      for (const { message: before } of older) before.shots = before.shots.filter((id) => !message.shots.includes(id));
      return list.filter((item) => !older.includes(item) || item.message.shots.length);
    }
    if (!message.edits) return list;
    for (const item of list) {
      if (!item.message.edits) continue;
      for (const [id, fields] of Object.entries(message.edits)) {
        for (const field of Object.keys(fields)) delete item.message.edits[id]?.[field];
        if (item.message.edits[id] && !Object.keys(item.message.edits[id]).length) delete item.message.edits[id];
      }
    }
    return list.filter((item) => !item.message.edits || Object.keys(item.message.edits).length);
  }

  function acknowledge(ack) {
    asked.delete(ack);
    keep(load().filter((item) => item.message.ack !== ack));
    const edit = pending.get(ack);
    if (!edit) return;
    pending.delete(ack);
    edit.verify();
    stage.announce("saved");
  }

  /**
   * Sends this page's unanswered edits again, those whose number is `wanted`: in their order, and each after the answer
   * to the one before. Whether all were heard: one that was not keeps the later ones back, or it would come after them.
   */
  async function deliver(wanted = () => true) {
    for (const { panel, event, message } of load()) {
      const edit = wanted(message.ack) && pending.get(message.ack);
      if (!edit || !load().some((item) => item.message.ack === message.ack)) continue; // another tab had it answered
      const since = stage.state.head?.id === message.project ? stage.state.revision : -1;
      edit.sent = Date.now();
      if (!await stage.inTime(stage.tell(`${panel}.${event}`, { ...message, since }))) return false;
    }
    return true;
  }

  /** Sends again what was never answered, after all that is on its way. */
  function sendAgain() {
    if (resending) return;
    resending = true;
    written = written.then(() => deliver()).catch(() => false).then(() => { resending = false; });
  }

  /** Once a page: edits that an earlier page could not deliver. From now on they are this page's. */
  function resend() {
    if (resent) return;
    resent = true;
    const list = load().filter((item) => Date.now() - item.at < OLD);
    keep(list);
    if (!list.length) return;
    for (const { message } of list) pending.set(message.ack, { verify: () => {}, at: Date.now(), sent: Date.now(), open: false });
    sendAgain();
    stage.notify(`${stage.say.count(list.length, "edit")} that had not reached the studio ${list.length === 1 ? "was" : "were"} sent again.`);
  }
  window.addEventListener("online", sendAgain);

  // A studio that was away, without the browser noticing: this page's own edits are sent until they are answered.
  setInterval(() => {
    const late = [...pending].filter(([, edit]) => Date.now() - edit.sent > (edit.open ? stage.HUNG : AGAIN));
    if (!late.length) return;
    const kept = load();
    for (const [ack] of late) if (!kept.some((item) => item.message.ack === ack)) pending.delete(ack); // overwritten by a newer one
    sendAgain();
    stage.announce("saved");
  }, AGAIN / 4);

  /** "saved", "saving", or "waiting" when the studio has not answered for a while. */
  function savedState() {
    if (!pending.size) return "saved";
    return [...pending.values()].some((edit) => Date.now() - edit.at > LATE) ? "waiting" : "saving";
  }

  function waitUntil(done, then) {
    const look = () => {
      for (const [ack, { at }] of asked) if (Date.now() - at > PATIENCE) asked.delete(ack);
      if (done()) then();
      else setTimeout(look, 30);
    };
    look();
  }

  /** Calls `then` once no shot is on its way that will be the selected one. */
  const arrived = (then) => waitUntil(() => [...asked.values()].every(({ event }) => !BRINGING.includes(event)), then);

  /** Sends what is still being written, and calls `then` once all that was sent is done: undo means the last of it. */
  function settled(then) {
    stage.writing.forEach((commit) => commit());
    waitUntil(() => !pending.size && !asked.size, then);
  }

  const UNANSWERED = 3000; // ms without an answer, after which a question is asked again

  /**
   * A panel's question that is answered in state.told[topic]: asker(topic, ask) -> (basis, data) => void. It is asked when
   * what the answer rests on (`basis`) changed, and again when nobody answered. A basis of null withdraws the
   * question. Returns the key.
   */
  function asker(topic, ask) {
    let [known, key, timer] = [null, "", 0];
    return (basis, data = {}) => {
      if (basis === known) return key;
      known = basis;
      clearTimeout(timer);
      key = basis === null ? "" : `${topic}-${++acks}`;
      const wanted = key;
      const go = async () => {
        if (key !== wanted || await ask({ ...data, key: wanted }) || key !== wanted) return;
        timer = setTimeout(go, UNANSWERED);
      };
      if (wanted) timer = setTimeout(go, 150);
      return key;
    };
  }

  Object.assign(stage, { asker, sender, acknowledge, arrived, settled, resend, savedState, writing: new Set() });
})();
