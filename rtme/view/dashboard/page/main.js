// The page of `rtme dashboard`. What it offers to tests, as data-testid:
//
//   connection     data-state: live (heartbeats come), silent (none for 3 s, or none yet), lost (the dashboard itself is not reached, or lets this browser in no more)
//   source         one card a drawn source; data-stream, data-state (of the source)
//   face           data-face, data-judged (true or false)
//   speaker        inside a face; data-state: speaking, listening, unknown
//   timeline       canvas of a source
//   interval       table row; data-id, data-status, data-type, data-key (unique over runs and epochs)
//   events         the list; its rows are `event` with data-kind, data-stream, data-seq
//   filter-kind, filter-stream, filter-text, export-csv, export-json
//   preview        canvas of a source's picture; data-time when one was drawn
//   choice         in the list of sources: a checkbox; data-stream
//   theme, go-live

import { EventList } from "./events.js";
import { element, say, timeOfDay } from "./format.js";
import { Link, isRefused } from "./link.js";
import { readPicture } from "./picture.js";
import { SourceCard } from "./source.js";
import { SPANS, View } from "./view.js";

const MOST_CHOSEN = 4;
const ANNOUNCE_MS = 8000;
const FETCH_MS = 120;
const node = (id) => document.getElementById(id);

const view = new View();
const cards = new Map();
const choices = new Map();
const chosen = new Set();
let chosenByHand = false;
let styles = null;
let beat = null;
let presence = null;
let reached = false;
let everReached = false;
let refused = false;

// ---- looks

const COLOURS = {
  ink: "--ink", muted: "--muted", faint: "--faint", grid: "--grid", accent: "--accent", bad: "--bad", me: "--me", macro: "--macro",
  score: "--score", pose: "--pose", speaking: "--speaking", unjudged: "--unjudged", gap: "--gap",
};

function readStyles() {
  if (styles) return styles;
  const values = getComputedStyle(document.documentElement);
  styles = Object.fromEntries(Object.entries(COLOURS).map(([name, variable]) => [name, values.getPropertyValue(variable).trim()]));
  styles.font = "11px system-ui, sans-serif";
  // Pictures are as dark or light as they are.
  Object.assign(styles, { onPicture: "#ffffff", onPictureNot: "#ffb4a8", onPictureMe: "#5ff0e4", onPictureMacro: "#e6b3ff" });
  return styles;
}

const darkByDefault = matchMedia("(prefers-color-scheme: dark)");

function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  const dark = theme ? theme === "dark" : darkByDefault.matches;
  say(node("theme"), dark ? "Light" : "Dark");
  node("theme").setAttribute("aria-label", dark ? "Change to light colours" : "Change to dark colours");
  styles = null;
  for (const card of cards.values()) {
    card.dirty = card.now = true;
    card.showHealth();
  }
  showConnection();
}

node("theme").onclick = () => {
  const dark = (document.documentElement.dataset.theme ?? (darkByDefault.matches ? "dark" : "light")) === "dark";
  const theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("rtme-theme", theme);
  } catch {
    // Private windows may keep nothing.
  }
  showTheme(theme);
};
darkByDefault.addEventListener("change", () => showTheme(document.documentElement.dataset.theme));
let kept = null;
try {
  kept = localStorage.getItem("rtme-theme");
} catch {
  // As above.
}

// ---- sources

const page = { view, styles: readStyles, pose: () => node("pose").checked, picturesChanged: () => want() };

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const card = cards.get(target.dataset.stream);
    if (card) card.visible = isIntersecting;
  }
});

function want() {
  link.want(cards.keys(), [...cards.values()].filter((card) => card.showsPicture).map((card) => card.name).slice(0, MOST_CHOSEN));
}

/** A source is there: it stands in the list, and is drawn if there is room. */
function know(name) {
  if (choices.has(name)) return;
  const item = element("li");
  const label = element("label");
  const box = element("input");
  box.type = "checkbox";
  box.dataset.testid = "choice";
  box.dataset.stream = name;
  const state = element("span", "choice-state");
  label.append(box, element("span", "choice-name", name), state);
  item.append(label);
  choices.set(name, { item, box, state });
  box.onchange = () => {
    chosenByHand = true;
    choose(name, box.checked);
  };
  const after = [...choices.keys()].sort().find((other) => other > name);
  node("choices").insertBefore(item, after ? choices.get(after).item : null);
  node("chooser").hidden = choices.size < 2;
  say(node("chooser-title"), `Sources (${choices.size})`);
  events.streams([name]);
  if (!chosenByHand && chosen.size < MOST_CHOSEN) choose(name, true);
}

function choose(name, wanted) {
  choices.get(name).box.checked = wanted;
  if (wanted === chosen.has(name)) return;
  if (wanted) {
    chosen.add(name);
    const card = new SourceCard(name, page);
    cards.set(name, card);
    const after = [...cards.keys()].sort().find((other) => other > name);
    node("cards").insertBefore(card.node, after ? cards.get(after).node : null);
    seen.observe(card.node);
    const health = beat?.streams[name];
    card.beats = [...(figures[name] ?? [])];
    if (health) card.beat(health, Date.now());
    for (const mark of standing) if (mark.stream === name) card.stand(mark);
    showPreviews();
    card.fetch();
  } else {
    chosen.delete(name);
    seen.unobserve(cards.get(name).node);
    cards.get(name).node.remove();
    cards.delete(name);
  }
  node("empty").hidden = cards.size > 0;
  want();
}

node("find").oninput = () => {
  const text = node("find").value.trim().toLowerCase();
  for (const [name, { item }] of choices) item.hidden = !name.toLowerCase().includes(text);
};

function showPreviews() {
  for (const card of cards.values()) card.previewPossible(Boolean(beat?.preview));
}

// ---- what comes from the dashboard

let figures = {};
let standing = [];

const handlers = {
  hello(message) {
    figures = message.health;
    standing = message.standing;
    beat = message.beat;
    handlers.presence(message.presence);
    for (const name of [...message.streams, ...Object.keys(beat?.streams ?? {})]) know(name);
    for (const [name, card] of cards) {
      card.forgetStanding();
      card.beats = [...(figures[name] ?? [])];
      for (const mark of standing) if (mark.stream === name) card.stand(mark);
      card.fetch();
    }
    events.fetch();
    if (beat) showBeat(Date.now());
  },
  presence(message) {
    presence = message;
    showConnection();
  },
  beat(message) {
    beat = message.beat;
    showBeat(message.time);
  },
  event({ row, mark }) {
    if (row.stream !== "_service") know(row.stream);
    events.add(row);
    if (!mark) return;
    // Times of other kinds may be of the dashboard's clock.
    if (mark.kind === "interval" || mark.kind === "speaker") view.clock.saw(mark.end ?? mark.start);
    remember(mark);
    cards.get(row.stream)?.mark(mark);
    if (mark.kind === "truth") node("legend-truth").hidden = false;
    if (mark.kind === "interval" && mark.status === "closed") found.push(mark);
  },
  trace({ stream, face, points }) {
    cards.get(stream)?.trace(face, points);
  },
  // Too much waited for this browser: begin anew.
  behind() {
    link.socket.close();
  },
};

/** How things stand, for a source that is chosen later. */
function remember(mark) {
  if (mark.kind !== "face" && mark.kind !== "speaker") return;
  standing = standing.filter((one) => !(one.stream === mark.stream && one.kind === mark.kind && one.face === mark.face));
  if (mark.status !== "lost" && !(mark.kind === "speaker" && mark.end !== null)) standing.push(mark);
}

function showBeat(time) {
  for (const [name, health] of Object.entries(beat.streams)) {
    know(name);
    const { state } = choices.get(name);
    state.dataset.state = health.state;
    say(state, `${health.state === "live" ? `${health.fps.toFixed(0)} fps` : health.state}`);
    cards.get(name)?.beat(health, time);
  }
  showPreviews();
  const learned = beat.engine_note || "`rtme engine info` says what it learned from.";
  say(node("engine"), `Engine ${beat.engine}, sensitivity ${beat.sensitivity}. ${learned}`);
  showConnection();
}

function showConnection() {
  const bar = node("connection");
  const state = !reached ? "lost" : presence?.state ?? "silent";
  bar.dataset.state = state;
  everReached ||= reached;
  bar.classList.toggle("waiting", !everReached || (state === "silent" && !presence?.since && !presence?.why));
  if (state !== "live") for (const card of cards.values()) card.loseSight();
  const since = presence?.since;
  if (!everReached) return;
  if (state === "lost" && refused)
    say(node("connection-text"), "The dashboard no longer lets this browser in: open the link that `rtme dashboard` printed last.");
  else if (state === "lost") say(node("connection-text"), "The dashboard is not answering: is `rtme dashboard` still running? Trying again.");
  else if (presence?.why && state !== "live") say(node("connection-text"), presence.why);
  else if (state === "silent" && since)
    say(node("connection-text"), `No data since ${timeOfDay(since)}: the service at ${presence.address} is not answering.`);
  else if (state === "silent")
    say(node("connection-text"), `Waiting for a service at ${presence?.address ?? "…"}: \`rtme live demo\` starts one.`);
  else say(node("connection-text"), "Live");
  const journal = !beat?.journal ? "no journal" : beat.journal.state === "ok" ? "journal ok" : `journal failing: ${beat.journal.waiting} wait, ${beat.journal.missing} missing`;
  const pictures = beat?.preview ? "" : " · no pictures: start the service with --preview";
  const missed = beat?.missed ? ` · ${beat.missed} events missed` : "";
  say(node("service"), state === "live" && beat ? `${presence.address} · ${beat.backend ?? "no backend"} · ${journal}${missed}${pictures}` : "");
  node("service").dataset.journal = beat?.journal?.state ?? "none";
  document.title = state === "live" ? "rtme dashboard" : `✕ ${state === "lost" ? "not reached" : "no data"} · rtme`;
}

// ---- what was found, for those who listen: now and then, never one by one

let found = [];
setInterval(() => {
  if (!found.length) return;
  const last = found[found.length - 1];
  say(node("announcer"), `${found.length} interval${found.length === 1 ? "" : "s"} found, the newest in ${last.stream} at ${timeOfDay(last.start)}`);
  found = [];
}, ANNOUNCE_MS);

// ---- time

function showRange() {
  const [start, end] = view.range();
  say(node("range"), view.live ? "live" : `${timeOfDay(start)} – ${timeOfDay(end)}`);
  node("go-live").hidden = view.live;
  node("later").disabled = view.live;
  if (SPANS.includes(view.span)) node("span").value = String(view.span);
}

let fetching = null;
view.addEventListener("change", () => {
  showRange();
  for (const card of cards.values()) card.dirty = card.rowsDirty = true;
  clearTimeout(fetching);
  fetching = setTimeout(() => {
    for (const card of cards.values()) card.fetch();
  }, FETCH_MS);
});
node("span").onchange = () => view.zoom(Number(node("span").value));
node("earlier").onclick = () => view.moveBy(-view.span / 2);
node("later").onclick = () => view.moveBy(view.span / 2);
node("go-live").onclick = () => view.goLive();
node("pose").onchange = () => {
  node("legend-pose").hidden = !node("pose").checked;
  for (const card of cards.values()) card.dirty = card.now = true;
};
addEventListener("resize", () => {
  for (const card of cards.values()) card.dirty = card.now = true;
});

const events = new EventList((time, stream) => {
  if (choices.has(stream) && !chosen.has(stream)) {
    chosenByHand = true;
    choose(stream, true);
  }
  view.jump(time);
  cards.get(stream)?.node.scrollIntoView({ block: "nearest" });
});

/** Something was not answered. */
async function findOutWhy() {
  refused = await isRefused();
  // The link tries again until the browser is let in.
  if (refused && reached) link.socket.close();
  showConnection();
}
addEventListener("unanswered", findOutWhy);

const link = new Link({
  open() {
    reached = true;
    refused = false;
    showConnection();
  },
  lost() {
    reached = false;
    showConnection();
    findOutWhy();
  },
  message(message) {
    handlers[message.t]?.(message);
  },
  picture(data) {
    const [head, jpeg] = readPicture(data);
    cards.get(head.stream)?.showFrame(head, jpeg);
  },
});

showTheme(kept);
showRange();
(function frame(now) {
  for (const card of cards.values()) card.frame(now);
  events.frame();
  requestAnimationFrame(frame);
})(performance.now());
