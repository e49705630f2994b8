// One source: its health, its faces, its timeline and picture, and the intervals of the time shown as a table.

import { duration, element, exactTime, say, timeOfDay, TYPES } from "./format.js";
import { ask } from "./link.js";
import { Picture } from "./picture.js";
import { Spark } from "./spark.js";
import { Timeline } from "./timeline.js";

const DRAW_MS = 33;
const CALM_MS = 1000;
const MOST_POINTS = 12_000;
const MOST_ROWS = 30;
// Up to this span every frame is drawn as it comes; longer ones are asked for again now and then.
const APPENDED_MS = 120_000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const STATES = { connecting: "connecting", live: "live", stalled: "no pictures come", backoff: "away, trying again", ended: "ended" };

export class SourceCard {
  /** @param {{view: object, styles: Function, picturesChanged: Function}} page what all cards share */
  constructor(name, page) {
    this.name = name;
    this.page = page;
    this.data = { curves: new Map(), marks: new Map(), dense: null };
    this.faces = new Map();
    this.turns = new Map();
    this.latest = new Map();
    this.beats = [];
    this.visible = true;
    this.dirty = true;
    this.rowsDirty = true;
    this.drawn = 0;
    this.asked = 0;
    this.since = null;
    this.showsPicture = false;
    this.build();
  }

  build() {
    const card = element("article", "card");
    card.dataset.testid = "source";
    card.dataset.stream = this.name;
    const id = `source-${this.name}`;
    card.setAttribute("aria-labelledby", id);

    const head = element("div", "card-head");
    const title = element("h2", "", this.name);
    title.id = id;
    this.badge = element("span", "badge", "waiting");
    this.figures = element("dl", "figures");
    this.figure = {};
    for (const [key, label, title] of [
      ["fps", "frames/s", "frames tracked in the last second"],
      ["delay", "delay p50 / p95", "from the frame leaving the decoder to its scores, over the last minute"],
      ["drops", "left out", "frames that were not looked at, since the start, and why"],
    ]) {
      const pair = element("div");
      pair.title = title;
      const spark = key === "drops" ? null : element("canvas", "spark");
      const term = element("dt", "", label);
      const value = element("dd", "", "–");
      pair.append(term, value);
      if (spark) {
        spark.setAttribute("aria-hidden", "true");
        pair.append(spark);
      }
      this.figures.append(pair);
      this.figure[key] = { value, spark, pair };
    }
    this.fpsSpark = new Spark(this.figure.fps.spark, ["score"]);
    this.delaySpark = new Spark(this.figure.delay.spark, ["score", "faint"]);
    this.pictureButton = element("button", "quiet", "Show picture");
    this.pictureButton.type = "button";
    this.pictureButton.hidden = true;
    this.pictureButton.onclick = () => this.showPicture(!this.showsPicture);
    head.append(title, this.badge, this.figures, this.pictureButton);

    this.faceList = element("ul", "faces");
    this.faceList.setAttribute("aria-label", `Faces of ${this.name}`);
    this.faceNodes = new Map();

    const body = element("div", "card-body");
    this.pictureBox = element("figure", "picture");
    this.pictureBox.hidden = true;
    const pictureCanvas = element("canvas");
    pictureCanvas.dataset.testid = "preview";
    pictureCanvas.setAttribute("role", "img");
    pictureCanvas.setAttribute("aria-label", `Picture of ${this.name} with the outlines of its faces`);
    this.picture = new Picture(pictureCanvas);
    this.pictureBox.append(pictureCanvas);
    const box = element("div", "timeline");
    this.canvas = element("canvas");
    this.canvas.dataset.testid = "timeline";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-describedby", `intervals-${this.name}`);
    this.timeline = new Timeline(this.canvas);
    this.readout = element("p", "readout");
    this.readout.setAttribute("aria-hidden", "true");
    box.append(this.canvas, this.readout);
    body.append(this.pictureBox, box);

    this.details = element("details", "intervals");
    this.details.open = true;
    this.summary = element("summary", "", "No interval in the time shown");
    const table = element("table");
    table.id = `intervals-${this.name}`;
    const heads = element("tr");
    for (const text of ["Status", "What", "Face", "Onset", "Apex", "Offset", "Lasts", "Confidence"]) {
      const cell = element("th", "", text);
      cell.scope = "col";
      heads.append(cell);
    }
    const top = element("thead");
    top.append(heads);
    this.tableBody = element("tbody");
    table.append(element("caption", "unseen", `Intervals of ${this.name} in the time shown`), top, this.tableBody);
    const scroll = element("div", "table-box");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Intervals of ${this.name}`);
    scroll.append(table);
    this.table = scroll;
    this.details.append(this.summary, scroll);
    this.rows = new Map();

    card.append(head, this.faceList, body, this.details);
    this.node = card;
    this.listen();
  }

  listen() {
    const { view } = this.page;
    const { canvas } = this;
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      from = { x: event.clientX, end: view.range()[1], moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      this.timeline.pointer = event.offsetX;
      this.dirty = true;
      say(this.readout, this.timeline.readout(this.data, event.offsetX) || " ");
      if (!from) return;
      const by = event.clientX - from.x;
      if (!from.moved && Math.abs(by) < 5) return;
      from.moved = true;
      view.moveTo(from.end - (by / canvas.clientWidth) * view.span);
    });
    const up = () => (from = null);
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => {
      this.timeline.pointer = null;
      this.dirty = true;
      say(this.readout, " ");
    });
    canvas.addEventListener(
      "wheel",
      (event) => {
        // A plain wheel scrolls the page.
        if (!event.ctrlKey) return;
        event.preventDefault();
        view.zoomStep(event.deltaY > 0 ? 1 : -1, this.timeline.timeAt(event.offsetX));
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const step = view.span / 5;
      const actions = {
        ArrowLeft: () => view.moveBy(-step),
        ArrowRight: () => view.moveBy(step),
        PageUp: () => view.moveBy(-view.span),
        PageDown: () => view.moveBy(view.span),
        "+": () => view.zoomStep(-1),
        "=": () => view.zoomStep(-1),
        "-": () => view.zoomStep(1),
        End: () => view.goLive(),
      };
      const action = event.altKey || event.ctrlKey || event.metaKey ? null : actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  /** Ask for what the time shown holds, and a little on both sides. */
  async fetch() {
    const { view } = this.page;
    const [start, end] = view.range();
    this.asked = performance.now();
    const asked = (this.asking = Symbol("asking"));
    // What is pushed while the answer is on its way.
    this.since = [];
    const reach = view.span / 2;
    let answer;
    try {
      answer = await ask("/api/timeline", {
        stream: this.name,
        from: start - reach,
        to: end + reach,
        points: Math.max(400, Math.min(4000, 2 * Math.round(this.canvas.clientWidth || 700))),
      });
    } catch {
      // What is shown stays, and what is pushed is still added to it.
      if (asked === this.asking) this.since = null;
      return;
    }
    if (asked !== this.asking) return;
    const since = this.since;
    this.since = null;
    this.data.curves = new Map(Object.entries(answer.curves).map(([face, curve]) => [Number(face), curve]));
    this.data.marks = new Map(answer.marks.map((mark) => [mark.key, mark]));
    this.data.dense = answer.dense ? { counts: answer.dense, width: answer.width } : null;
    for (const again of since) again();
    this.dirty = this.rowsDirty = true;
  }

  /** What happened, as it stands on a timeline. */
  mark(mark) {
    this.since?.push(() => this.put(mark));
    this.put(mark);
    this.stand(mark);
    this.dirty = this.rowsDirty = this.now = true;
  }

  put(mark) {
    const known = this.data.marks.get(mark.key);
    if (known && known.seq > mark.seq) return;
    if (mark.status === "retracted") this.data.marks.delete(mark.key);
    else this.data.marks.set(mark.key, mark);
  }

  /** How faces and turns stand. */
  stand(mark) {
    if (mark.kind === "face") {
      if (mark.status === "lost") {
        this.faces.delete(mark.face);
        this.turns.delete(mark.face);
        this.latest.delete(mark.face);
      } else this.faces.set(mark.face, mark);
    } else if (mark.kind === "speaker") {
      if (mark.end === null) this.turns.set(mark.face, mark);
      else if (this.turns.get(mark.face)?.id === mark.id) this.turns.delete(mark.face);
    } else if (mark.kind === "state" && mark.state !== "live" && mark.state !== "stalled") this.forgetStanding();
    this.facesDirty = true;
  }

  forgetStanding() {
    this.faces.clear();
    this.turns.clear();
    this.latest.clear();
    this.facesDirty = true;
  }

  trace(face, points) {
    if (!points.t.length) return;
    this.page.view.clock.saw(points.t[points.t.length - 1]);
    const last = points.t.length - 1;
    this.latest.set(face, { yaw: points.yaw[last], pitch: points.pitch[last], roll: points.roll[last], eyes: points.eyes[last] });
    this.facesDirty = true;
    this.since?.push(() => this.append(face, points));
    this.append(face, points);
  }

  append(face, points) {
    if (!this.page.view.live) return;
    let curve = this.data.curves.get(face);
    if (!curve) {
      curve = Object.fromEntries(Object.keys(points).map((key) => [key, []]));
      this.data.curves.set(face, curve);
    }
    const newest = curve.t.length ? curve.t[curve.t.length - 1] : -Infinity;
    // The service's clock was set back: what was drawn of that time is not true any more.
    if (points.t[points.t.length - 1] < newest - 60_000) for (const key of Object.keys(curve)) curve[key].length = 0;
    for (let i = 0; i < points.t.length; i++) {
      if (points.t[i] <= newest && curve.t.length) continue;
      for (const key of Object.keys(curve)) curve[key].push(points[key][i]);
    }
    this.dirty = true;
  }

  /** Leave out what is far from what is shown. */
  prune() {
    const { view } = this.page;
    const [start, end] = view.range();
    const oldest = start - view.span;
    for (const [face, curve] of this.data.curves) {
      const cut = curve.t.findIndex((time) => time >= oldest);
      const many = cut === -1 ? curve.t.length : Math.max(cut, curve.t.length - MOST_POINTS);
      if (many > 600 || (many === curve.t.length && many)) for (const key of Object.keys(curve)) curve[key].splice(0, many);
      if (!curve.t.length) this.data.curves.delete(face);
    }
    for (const [key, mark] of this.data.marks)
      if ((mark.end ?? end) < oldest || mark.start > end + view.span) this.data.marks.delete(key);
    // Pieces of a curve come late, of faces that are gone.
    for (const face of this.latest.keys()) if (!this.faces.has(face)) this.latest.delete(face);
  }

  beat(health, time) {
    this.health = health;
    this.beats.push([time, health.fps, health.pipeline_ms?.p50 ?? null, health.pipeline_ms?.p95 ?? null]);
    if (this.beats.length > 600) this.beats.shift();
    this.showHealth();
    this.prune();
    this.rowsDirty = true;
  }

  /** No heartbeat comes: how the source does is not known. */
  loseSight() {
    say(this.badge, "no data");
    this.badge.dataset.state = this.node.dataset.state = "unknown";
  }

  showHealth() {
    const { health, figure } = this;
    if (!health) return;
    say(this.badge, STATES[health.state] ?? health.state);
    this.badge.dataset.state = health.state;
    this.node.dataset.state = health.state;
    say(figure.fps.value, health.fps.toFixed(0));
    const delay = health.pipeline_ms;
    say(figure.delay.value, delay ? `${delay.p50.toFixed(0)} / ${delay.p95.toFixed(0)} ms` : "–");
    const drops = Object.entries(health.drops).filter(([, count]) => count);
    const skipped = health.skipped ? [["windows skipped", health.skipped]] : [];
    say(figure.drops.value, [...drops, ...skipped].map(([why, count]) => `${count} ${why.replaceAll("_", " ")}`).join(", ") || "none");
    const styles = this.page.styles();
    this.fpsSpark.draw([this.beats.map((beat) => beat[1])], styles);
    this.delaySpark.draw([this.beats.map((beat) => beat[2]), this.beats.map((beat) => beat[3])], styles);
  }

  previewPossible(possible) {
    this.pictureButton.hidden = !possible;
    if (!possible && this.showsPicture) this.showPicture(false);
  }

  showPicture(wanted) {
    this.showsPicture = wanted;
    this.pictureBox.hidden = !wanted;
    say(this.pictureButton, wanted ? "Hide picture" : "Show picture");
    this.pictureButton.setAttribute("aria-pressed", String(wanted));
    this.dirty = true;
    this.page.picturesChanged();
  }

  showFrame(head, jpeg) {
    this.picture.show(head, jpeg, [...this.data.marks.values()], this.page.styles());
  }

  /** Called before each repaint. */
  frame(now) {
    const { view } = this.page;
    if (!this.visible) return;
    if (this.facesDirty) this.showFaces();
    if (this.rowsDirty) this.showRows();
    const pause = calm.matches ? CALM_MS : Math.max(DRAW_MS, view.span / Math.max(1, this.canvas.clientWidth) / 2);
    const moving = view.live && now - this.drawn >= pause;
    if (!moving && !this.now && !(this.dirty && now - this.drawn >= DRAW_MS && !(calm.matches && view.live))) return;
    this.drawn = now;
    this.dirty = this.now = false;
    this.timeline.pose = this.page.pose();
    this.timeline.draw(this.data, view.range(), view.marked, this.page.styles());
    if (view.live && view.span > APPENDED_MS && now - this.asked > Math.max(5000, view.span / 200)) this.fetch();
  }

  showFaces() {
    this.facesDirty = false;
    const present = [...this.faces.keys()].sort((a, b) => a - b);
    for (const [face, node] of this.faceNodes)
      if (!this.faces.has(face)) {
        node.item.remove();
        this.faceNodes.delete(face);
      }
    for (const face of present) {
      let node = this.faceNodes.get(face);
      if (!node) {
        const item = element("li", "face");
        item.dataset.testid = "face";
        item.dataset.face = face;
        const speaker = element("span", "speaker");
        speaker.dataset.testid = "speaker";
        node = { item, speaker, judged: element("span", "judged"), pose: element("span", "pose") };
        item.append(element("strong", "", `Face ${face}`), speaker, node.judged, node.pose);
        this.faceNodes.set(face, node);
        this.faceList.append(item);
      }
      const turn = this.turns.get(face);
      node.speaker.dataset.state = turn?.state ?? "unknown";
      say(node.speaker, turn ? `${turn.state} since ${timeOfDay(turn.start)}` : "not yet known who speaks");
      const said = this.faces.get(face);
      const not = said.status === "not_judged";
      node.item.dataset.judged = String(!not);
      say(node.judged, not ? `not judged: ${said.reason ?? "no reason given"}` : "judged");
      const pose = this.latest.get(face);
      const number = (value) => (value === null || value === undefined ? "–" : String(Math.round(value)));
      say(
        node.pose,
        pose ? `yaw ${number(pose.yaw)}°  pitch ${number(pose.pitch)}°  roll ${number(pose.roll)}°  eyes ${number(pose.eyes)} px apart` : "",
      );
    }
  }

  showRows() {
    this.rowsDirty = false;
    const [start, end] = this.page.view.range();
    const found = [...this.data.marks.values()]
      .filter((mark) => mark.kind === "interval" && mark.end >= start && mark.start <= end)
      .sort((a, b) => b.start - a.start);
    const shown = found.slice(0, MOST_ROWS);
    const keys = new Set(shown.map((mark) => mark.key));
    for (const [key, row] of this.rows)
      if (!keys.has(key)) {
        row.remove();
        this.rows.delete(key);
      }
    shown.forEach((mark, n) => {
      let row = this.rows.get(mark.key);
      if (!row) {
        row = element("tr");
        row.dataset.testid = "interval";
        row.dataset.key = mark.key;
        for (let i = 0; i < 8; i++) row.append(element("td"));
        this.rows.set(mark.key, row);
      }
      row.dataset.id = mark.id;
      row.dataset.status = mark.status;
      row.dataset.type = mark.type;
      const texts = [
        mark.left ? `${mark.status}, never closed` : mark.status,
        TYPES[mark.type] ?? mark.type,
        String(mark.face),
        exactTime(mark.start),
        exactTime(mark.apex),
        exactTime(mark.end),
        duration(mark.end - mark.start),
        mark.confidence.toFixed(2),
      ];
      texts.forEach((text, i) => say(row.children[i], text));
      if (this.tableBody.children[n] !== row) this.tableBody.insertBefore(row, this.tableBody.children[n] ?? null);
    });
    const many = this.data.dense ? this.data.dense.counts.reduce((sum, [, count]) => sum + count, 0) : found.length;
    const text = many ? `${many} interval${many === 1 ? "" : "s"} in the time shown` : "No interval in the time shown";
    say(this.summary, text + (this.data.dense ? ": show less time to see each" : ""));
    this.table.hidden = !shown.length;
    this.canvas.setAttribute("aria-label", `Timeline of ${this.name}: ${text}. Arrow keys move, plus and minus zoom.`);
  }
}
