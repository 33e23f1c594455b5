// Zoom: how wide a card is. From a strip in proportion to time, over pictures of one size, to large pictures.
const PAD = 14; // px, as in timeline.css
const SCENE = 20;
const LEAST = 14; // px that the shortest shot gets: it stays a target
const ZOOMS = [
  { time: 6 }, { time: 12 }, { time: 24 }, { time: 44 }, { time: 80 }, // px a second
  { width: 150 }, { width: 240 }, { width: 340 }, // px a card
];
const USUAL = 6;
const KEY = "stage-zoom";

const kept = stage.memory.get(KEY);
let zoomLevel = Number.isInteger(kept) && ZOOMS[kept] ? kept : USUAL;

const gap = () => (ZOOMS[zoomLevel].time ? 3 : 8);
const widthOf = (frames) => ZOOMS[zoomLevel].width ?? Math.max(LEAST, Math.round((frames / state.head.rate) * ZOOMS[zoomLevel].time));
/** Pixels that one frame is worth when the edge of a card is dragged. */
const pixelsOfFrame = () => Math.max(1, (ZOOMS[zoomLevel].time ?? 60) / state.head.rate);

const zoomOut = tool("minus", "Zoom the timeline out (−)", () => zoom(-1), { id: "zoom-out" });
const zoomIn = tool("plus", "Zoom the timeline in (+)", () => zoom(1), { id: "zoom-in" });

function zoom(by) {
  const wanted = Math.min(ZOOMS.length - 1, Math.max(0, zoomLevel + by));
  if (wanted === zoomLevel) return;
  zoomLevel = wanted;
  stage.memory.set(KEY, zoomLevel);
  paintZoom();
  for (const card of cards.values()) paintLength(card, card.shot.attributes.length);
  arrange();
  playhead();
  reveal(state.cursor);
}

function paintZoom() {
  const { time } = ZOOMS[zoomLevel];
  strip.style.gap = `${gap()}px`;
  attribute(scroller, "data-scale", time ? "time" : "picture");
  attribute(document.documentElement, "data-timeline", zoomLevel === ZOOMS.length - 1 ? "large" : null); // for page.css
  zoomOut.disabled = zoomLevel === 0;
  zoomIn.disabled = zoomLevel === ZOOMS.length - 1;
}

// ---------------------------------------------------------------- the ruler, and the playhead on it

const NUMBERS = 54; // px between two times on the ruler, at least
const ticks = [];
const head = element.querySelector(".tl-head");
let seen = { left: 0, width: 0 }; // what of the strip is in view, kept up to date by events instead of measured

scroller.addEventListener("scroll", () => { seen.left = scroller.scrollLeft; }, { passive: true });
new ResizeObserver(([entry]) => { seen.width = entry.contentRect.width; }).observe(scroller);

function paintRuler(total) {
  ruler.style.width = `${total}px`;
  let last = -NUMBERS;
  layout.forEach((place, index) => {
    ticks[index] ??= ruler.appendChild(h("span.tl-tick"));
    ticks[index].style.left = `${place.x}px`;
    const roomy = place.x - last >= NUMBERS;
    text(ticks[index], roomy ? say.time(place.from / state.head.rate) : "");
    if (roomy) last = place.x;
  });
  for (const tick of ticks.splice(layout.length)) tick.remove();
}

/** The frame of the film under a point of the strip: between two cards it is the cut. */
function frameAt(x) {
  const place = layout.findLast((item) => item.x <= x) ?? layout[0];
  const inside = Math.min(1, Math.max(0, (x - place.x) / place.width));
  return Math.min(place.from + place.length - 1, place.from + inside * place.length);
}

function playhead() {
  const at = stage.playhead;
  const place = at.on ? layout.find((item) => item.id === at.shot) : null;
  head.hidden = !place;
  attribute(ruler, "aria-valuemin", 0);
  attribute(ruler, "aria-valuemax", Math.max(0, stage.player.total() - 1));
  attribute(ruler, "aria-valuenow", Math.floor(at.frame));
  attribute(ruler, "aria-valuetext", say.timecode(at.frame, state.head?.rate ?? 24));
  if (!place) return;
  const x = place.x + at.fraction * place.width;
  head.style.transform = `translateX(${x.toFixed(1)}px)`;
  const [from, to] = [seen.left + 24, seen.left + seen.width - 48];
  if (at.playing && (x < from || x > to)) scroller.scrollLeft = Math.max(0, x - seen.width / 3);
}

function seekTo(event) {
  stage.playhead.on = true;
  stage.player.seek(frameAt(event.clientX - scroller.getBoundingClientRect().left + scroller.scrollLeft));
}

let scrubbing = false;
ruler.addEventListener("pointerdown", (event) => {
  if (event.button || !layout.length) return;
  scrubbing = true;
  ruler.setPointerCapture(event.pointerId);
  seekTo(event);
  event.preventDefault();
  ruler.focus({ preventScroll: true });
});
ruler.addEventListener("pointermove", (event) => scrubbing && seekTo(event));
for (const end of ["pointerup", "pointercancel"]) ruler.addEventListener(end, () => { scrubbing = false; });

ruler.addEventListener("keydown", (event) => {
  const second = Math.round(state.head.rate);
  const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -second, PageUp: second, Home: -Infinity, End: Infinity }[event.key];
  if (by === undefined || event.ctrlKey || event.altKey || event.metaKey || !layout.length) return;
  event.preventDefault();
  stage.playhead.on = true;
  stage.player.seek(Math.max(0, Math.min(stage.player.total() - 1, Math.floor(stage.playhead.frame) + by * (event.shiftKey ? 10 : 1))));
});
