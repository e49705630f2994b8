// Draws one source's timeline: for each face the score, intervals, what was planted, turns, head pose and eye distance.

import { exactTime, timeOfDay } from "./format.js";

const LEFT = 62;
const RIGHT = 8;
const SCORE = 74;
const BAND = 13;
const TRUTH = 9;
const SPEAKER = 10;
const POSE = 44;
const GAP = 5;
const MISSING = 4;
const BETWEEN = 12;
const AXIS = 20;
const MOST_FACES = 6;
// A hole of the curve this wide is no line.
const HOLE_MS = 500;
const STEPS = [1e3, 2e3, 5e3, 10e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3, 7200e3];

export function laneHeight(pose) {
  return SCORE + GAP + BAND + 2 + TRUTH + 2 + SPEAKER + (pose ? GAP + POSE : 0) + BETWEEN;
}

export class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.pose = true;
    this.pointer = null;
  }

  /** Faces to draw, those of which there is something in the time shown. */
  faces(data, start, end) {
    const found = new Set();
    for (const [face, curve] of data.curves) {
      const times = curve.t;
      if (times.length && times[times.length - 1] >= start && times[0] <= end) found.add(face);
    }
    for (const mark of data.marks.values())
      if (mark.face !== undefined && mark.start <= end && (mark.end ?? end) >= start) found.add(mark.face);
    return [...found].sort((a, b) => a - b).slice(-MOST_FACES);
  }

  resize(faces) {
    const height = Math.max(1, faces) * laneHeight(this.pose) + AXIS;
    const ratio = devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    if (this.height !== height) {
      this.height = height;
      this.canvas.style.height = `${height}px`;
    }
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.width = width;
  }

  x(time) {
    return LEFT + ((time - this.start) / (this.end - this.start)) * (this.width - LEFT - RIGHT);
  }

  timeAt(x) {
    return this.start + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (this.end - this.start);
  }

  draw(data, [start, end], marked, styles) {
    const { pen } = this;
    [this.start, this.end, this.styles] = [start, end, styles];
    const faces = this.faces(data, start, end);
    this.resize(faces.length);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = styles.font;
    this.axis();
    const marks = [...data.marks.values()].filter((mark) => mark.start <= end && (mark.end ?? end) >= start);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, this.width - LEFT - RIGHT, this.height);
    pen.clip();
    this.breaks(marks);
    this.moment(marked, styles.accent);
    pen.restore();
    faces.forEach((face, n) => {
      // The demo says nothing of numbers: what it planted stands with the newest face.
      this.lane(n * laneHeight(this.pose), face, data, marks, n === faces.length - 1);
      if (data.dense) this.dense(n * laneHeight(this.pose), face, data.dense);
    });
    if (!faces.length) this.nothing();
    if (this.pointer !== null) this.moment(this.timeAt(this.pointer), styles.faint);
  }

  nothing() {
    this.pen.fillStyle = this.styles.muted;
    this.pen.textAlign = "center";
    this.pen.fillText("no face in the time shown", (LEFT + this.width) / 2, SCORE / 2);
    this.pen.textAlign = "left";
  }

  moment(time, colour) {
    if (time === null || time < this.start || time > this.end) return;
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = 1;
    this.pen.beginPath();
    this.pen.moveTo(this.x(time), 0);
    this.pen.lineTo(this.x(time), this.height - AXIS);
    this.pen.stroke();
  }

  axis() {
    const { pen, styles } = this;
    const span = this.end - this.start;
    const most = Math.max(2, Math.floor((this.width - LEFT) / 84));
    const step = STEPS.find((one) => span / one <= most) ?? STEPS[STEPS.length - 1];
    // Round times of the day where one lives.
    const shift = new Date(this.end).getTimezoneOffset() * 60_000;
    pen.textAlign = "center";
    for (let time = Math.ceil((this.start - shift) / step) * step + shift; time <= this.end; time += step) {
      const x = this.x(time);
      pen.strokeStyle = styles.grid;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(Math.round(x) + 0.5, 0);
      pen.lineTo(Math.round(x) + 0.5, this.height - AXIS + 3);
      pen.stroke();
      if (x > LEFT + 26 && x < this.width - 30) {
        pen.fillStyle = styles.muted;
        pen.fillText(timeOfDay(time), x, this.height - 6);
      }
    }
    pen.textAlign = "left";
  }

  /** Where the source was away, and where a new epoch began. */
  breaks(marks) {
    const { pen, styles } = this;
    pen.fillStyle = styles.gap;
    for (const mark of marks) {
      if (mark.kind === "gap" && mark.cause !== "no_face") {
        pen.fillRect(this.x(mark.start), this.height - AXIS - MISSING, Math.max(2, this.x(mark.end) - this.x(mark.start)), MISSING);
      } else if (mark.kind === "state" && mark.state !== "connecting") {
        pen.strokeStyle = mark.state === "live" ? styles.faint : styles.bad;
        pen.setLineDash([2, 3]);
        pen.beginPath();
        pen.moveTo(this.x(mark.start), 0);
        pen.lineTo(this.x(mark.start), this.height - AXIS);
        pen.stroke();
        pen.setLineDash([]);
      }
    }
  }

  lane(top, face, data, marks, last) {
    const { pen, styles } = this;
    const right = this.width - RIGHT;
    const own = marks.filter((mark) => mark.face === face);
    const bandTop = top + SCORE + GAP;
    const truthTop = bandTop + BAND + 2;
    const speakerTop = truthTop + TRUTH + 2;
    const poseTop = speakerTop + SPEAKER + GAP;
    pen.fillStyle = styles.ink;
    pen.fillText(`face ${face}`, 4, top + 12);
    pen.fillStyle = styles.muted;
    pen.fillText("score", 4, top + 26);
    pen.textAlign = "right";
    pen.fillText("1", LEFT - 5, top + 9);
    pen.fillText("0", LEFT - 5, top + SCORE);
    pen.textAlign = "left";
    pen.fillText("found", 4, bandTop + 10);
    pen.fillText("speaking", 4, speakerTop + 9);
    if (this.pose) pen.fillText("head °", 4, poseTop + 12);

    pen.strokeStyle = styles.grid;
    pen.beginPath();
    for (const level of [0, 0.5, 1]) {
      const y = Math.round(top + 2 + (1 - level) * (SCORE - 3)) + 0.5;
      pen.moveTo(LEFT, y);
      pen.lineTo(right, y);
    }
    pen.stroke();

    pen.save();
    pen.beginPath();
    pen.rect(LEFT, top, right - LEFT, laneHeight(this.pose));
    pen.clip();
    const curve = data.curves.get(face);
    if (curve) this.unjudged(curve, top);
    for (const mark of own) if (mark.kind === "interval") this.interval(mark, top, bandTop);
    for (const mark of own) if (mark.kind === "speaker" && mark.state === "speaking") this.turn(mark, speakerTop);
    if (data.dense && curve) this.speaking(curve, speakerTop);
    if (last) for (const mark of marks) if (mark.kind === "truth") this.truth(mark, truthTop, speakerTop);
    if (curve) {
      this.curve(curve, top + 2, SCORE - 3);
      if (this.pose) this.head(curve, poseTop);
    }
    pen.restore();
  }

  interval(mark, top, bandTop) {
    const { pen, styles } = this;
    const colour = mark.type === "macro" ? styles.macro : styles.me;
    const x = this.x(mark.start);
    const width = Math.max(3, this.x(mark.end) - x);
    const open = mark.status !== "closed";
    pen.globalAlpha = mark.status === "provisional" ? 0.08 : 0.16;
    pen.fillStyle = colour;
    pen.fillRect(x, top, width, SCORE);
    pen.globalAlpha = mark.status === "closed" ? 1 : mark.status === "confirmed" ? 0.5 : 0.12;
    pen.fillRect(x, bandTop, width, BAND);
    pen.globalAlpha = 1;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.25;
    if (open) {
      pen.setLineDash(mark.status === "provisional" || mark.left ? [3, 2] : []);
      pen.strokeRect(x + 0.6, bandTop + 0.6, Math.max(2, width - 1.2), BAND - 1.2);
      pen.setLineDash([]);
    }
    if (mark.status !== "provisional" && this.end - this.start <= 600_000) {
      const apex = this.x(mark.apex);
      pen.fillStyle = colour;
      pen.beginPath();
      pen.moveTo(apex - 3.5, top);
      pen.lineTo(apex + 3.5, top);
      pen.lineTo(apex, top + 6);
      pen.fill();
    }
  }

  turn(mark, top) {
    const { pen, styles } = this;
    const x = this.x(mark.start);
    const end = mark.end ?? this.end;
    pen.fillStyle = styles.speaking;
    pen.globalAlpha = mark.end === null ? 0.7 : 1;
    pen.fillRect(x, top, Math.max(1, this.x(end) - x), SPEAKER);
    pen.globalAlpha = 1;
  }

  truth(mark, top, speakerTop) {
    const { pen, styles } = this;
    const x = this.x(mark.start);
    const width = Math.max(3, this.x(mark.end) - x);
    pen.lineWidth = 1.25;
    if (mark.what === "speech") {
      pen.strokeStyle = styles.ink;
      pen.strokeRect(x + 0.6, speakerTop + 0.6, width - 1.2, SPEAKER - 1.2);
      return;
    }
    pen.strokeStyle = mark.what === "me" || mark.what === "macro" ? styles.ink : styles.faint;
    pen.strokeRect(x + 0.6, top + 0.6, width - 1.2, TRUTH - 1.2);
  }

  unjudged(curve, top) {
    const { pen } = this;
    pen.fillStyle = this.styles.unjudged;
    let from = null;
    for (let i = 0; i <= curve.t.length; i++) {
      const not = i < curve.t.length && curve.judged[i] !== null && curve.judged[i] < 0.5;
      if (not && from === null) from = curve.t[i];
      if (!not && from !== null) {
        const to = curve.t[Math.min(i, curve.t.length - 1)];
        pen.fillRect(this.x(from), top, Math.max(1, this.x(to) - this.x(from)), SCORE);
        from = null;
      }
    }
  }

  curve(curve, top, height) {
    const { pen, styles } = this;
    const y = (value) => top + (1 - value) * height;
    const hole = Math.max(HOLE_MS, ((this.end - this.start) / Math.max(1, this.width)) * 4);
    pen.strokeStyle = styles.score;
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    pen.beginPath();
    let last = null;
    for (let i = 0; i < curve.t.length; i++) {
      const time = curve.t[i];
      if (time < this.start - hole || time > this.end + hole) continue;
      if (curve.high[i] === null) {
        last = null;
        continue;
      }
      const x = this.x(time);
      if (last === null || time - last > hole) pen.moveTo(x, y(curve.high[i]));
      else pen.lineTo(x, y(curve.high[i]));
      if (curve.low[i] !== curve.high[i]) pen.lineTo(x, y(curve.low[i]));
      last = time;
    }
    pen.stroke();
  }

  head(curve, top) {
    const { pen, styles } = this;
    const reach = 40;
    const y = (value) => top + POSE / 2 - (Math.max(-reach, Math.min(reach, value)) / reach) * (POSE / 2 - 1);
    pen.strokeStyle = styles.grid;
    pen.beginPath();
    pen.moveTo(LEFT, Math.round(top + POSE / 2) + 0.5);
    pen.lineTo(this.width - RIGHT, Math.round(top + POSE / 2) + 0.5);
    pen.stroke();
    const hole = Math.max(HOLE_MS, ((this.end - this.start) / Math.max(1, this.width)) * 4);
    for (const [name, dash] of [["yaw", []], ["pitch", [4, 2]], ["roll", [1, 2]]]) {
      pen.strokeStyle = styles.pose;
      pen.lineWidth = 1.2;
      pen.setLineDash(dash);
      pen.beginPath();
      let last = null;
      for (let i = 0; i < curve.t.length; i++) {
        const value = curve[name][i];
        if (value === null || curve.t[i] < this.start - hole || curve.t[i] > this.end + hole) continue;
        const x = this.x(curve.t[i]);
        if (last === null || curve.t[i] - last > hole) pen.moveTo(x, y(value));
        else pen.lineTo(x, y(value));
        last = curve.t[i];
      }
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  /** Where there are too many intervals to draw each: how many began in each part of the time. */
  dense(top, face, { counts, width }) {
    const { pen, styles } = this;
    const own = counts.filter(([time, , of]) => of === face && time + width >= this.start && time <= this.end);
    const most = Math.max(1, ...own.map(([, count]) => count));
    pen.fillStyle = styles.me;
    for (const [time, count] of own) {
      const x = Math.max(LEFT, this.x(time));
      const height = Math.max(2, (count / most) * BAND);
      pen.fillRect(x, top + SCORE + GAP + BAND - height, Math.max(1, this.x(time + width) - x), height);
    }
  }

  /** Where there are too many turns to draw each: how sure it is that the person speaks. */
  speaking(curve, top) {
    const { pen } = this;
    pen.fillStyle = this.styles.speaking;
    for (let i = 0; i + 1 < curve.t.length; i++) {
      if (!(curve.speaking[i] > 0.5)) continue;
      pen.globalAlpha = curve.speaking[i] * curve.speaking[i];
      pen.fillRect(this.x(curve.t[i]), top, Math.max(1, this.x(curve.t[i + 1]) - this.x(curve.t[i])), SPEAKER);
    }
    pen.globalAlpha = 1;
  }

  /** What the curves say at a place, in words. */
  readout(data, x) {
    const time = this.timeAt(x);
    if (time < this.start || time > this.end) return "";
    const parts = [exactTime(time)];
    for (const face of this.faces(data, this.start, this.end)) {
      const curve = data.curves.get(face);
      const n = curve ? nearest(curve.t, time) : -1;
      if (n < 0 || Math.abs(curve.t[n] - time) > Math.max(HOLE_MS, (this.end - this.start) / 100)) continue;
      const number = (value, digits) => (value === null ? "–" : value.toFixed(digits));
      parts.push(
        `face ${face}: score ${number(curve.high[n], 2)}, speaking ${number(curve.speaking[n], 2)}, ` +
          `yaw ${number(curve.yaw[n], 0)}°, pitch ${number(curve.pitch[n], 0)}°, roll ${number(curve.roll[n], 0)}°, ` +
          `eyes ${number(curve.eyes[n], 0)} px apart`,
      );
    }
    return parts.join("  ·  ");
  }
}

/** Index of the time that is nearest, -1 when there is none. */
export function nearest(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && time - times[low - 1] < times[low] - time) low -= 1;
  return times.length ? low : -1;
}
