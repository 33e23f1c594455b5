// Pictures from the user's disk: by a click or a drop, checked for kind and size, sent as base64 in an event.
// What is really a picture the studio decides; here only the sentence comes sooner.
(() => {
  const stage = window.stage;
  const { h } = stage;
  const KINDS = ["image/png", "image/jpeg", "image/webp"];
  const MOST = 15e6; // bytes; the studio's own limit

  function read(file, take) {
    if (!KINDS.includes(file.type)) { stage.notify("Choose a PNG, JPEG or WebP picture.", "error"); return; }
    if (file.size > MOST) { stage.notify("This file is too large: choose a picture of at most 15 MB.", "error"); return; }
    const reader = new FileReader();
    reader.onload = () => take(String(reader.result).split(",")[1]);
    reader.onerror = () => stage.notify("The browser cannot read this file: choose another one.", "error");
    reader.readAsDataURL(file);
  }

  /** A button that lets choose a picture; `take(base64)` gets it. Returns the button, with its file input inside. */
  function chooser(label, take, content, spec = "button.s-quiet") {
    const file = h("input", { type: "file", accept: KINDS.join(","), hidden: true, tabindex: -1, "aria-hidden": "true" });
    file.addEventListener("change", () => {
      if (file.files.length) read(file.files[0], take);
      file.value = "";
    });
    file.addEventListener("click", (event) => event.stopPropagation());
    return h(spec, { type: "button", "aria-label": label, title: label, onclick: () => file.click() }, content, file);
  }

  /** Lets pictures be dropped onto an element; the style of [data-over] shows where they would land. */
  function accept(host, take) {
    const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    host.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      host.dataset.over = "";
    });
    host.addEventListener("dragleave", (event) => { if (!host.contains(event.relatedTarget)) delete host.dataset.over; });
    host.addEventListener("drop", (event) => {
      delete host.dataset.over;
      if (!carries(event)) return;
      event.preventDefault();
      for (const file of event.dataTransfer.files) read(file, take);
    });
  }
  // A picture that misses its card must not replace the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => {
    if ([...(event.dataTransfer?.types ?? [])].includes("Files")) event.preventDefault();
  });

  stage.upload = { chooser, accept };
})();
