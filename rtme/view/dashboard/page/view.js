// Which part of time is shown, and what time it is where the service runs.

const KEEP_MS = 30_000;

/** The service's wall clock, told from what arrives: it may run on another machine, and what it says is a little old. */
class ServiceClock {
  constructor() {
    this.seen = [];
    this.ahead = 0;
  }

  saw(time) {
    const now = performance.now();
    const ahead = time - Date.now();
    this.seen = this.seen.filter((one) => now - one.at < KEEP_MS && one.ahead > ahead);
    this.seen.push({ at: now, ahead });
    this.ahead = this.seen[0].ahead;
  }

  now() {
    return Date.now() + this.ahead;
  }
}

export const SPANS = [10_000, 30_000, 120_000, 600_000, 3_600_000, 28_800_000];

export class View extends EventTarget {
  constructor() {
    super();
    this.clock = new ServiceClock();
    this.span = 30_000;
    this.live = true;
    this.end = 0;
    this.marked = null;
  }

  range() {
    const end = this.live ? this.clock.now() : this.end;
    return [end - this.span, end];
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  goLive() {
    this.live = true;
    this.marked = null;
    this.changed();
  }

  /** Show a moment in the middle, and mark it. */
  jump(time) {
    if (this.span > 120_000) this.span = 30_000;
    this.marked = time;
    this.moveTo(time + this.span / 2);
  }

  moveBy(ms) {
    this.moveTo(this.range()[1] + ms);
  }

  moveTo(end) {
    const now = this.clock.now();
    this.live = false;
    // A moment that has just been may stand in the middle, with nothing to its right yet.
    this.end = Math.min(end, now + this.span / 2);
    this.changed();
  }

  zoom(span, around = null) {
    const [start, end] = this.range();
    if (!this.live) {
      const middle = around ?? (start + end) / 2;
      this.end = middle + (end - middle) * (span / this.span);
    }
    this.span = span;
    this.changed();
  }

  zoomStep(step, around = null) {
    const nearest = SPANS.reduce((best, one) => (Math.abs(one - this.span) < Math.abs(best - this.span) ? one : best));
    const next = SPANS[Math.max(0, Math.min(SPANS.length - 1, SPANS.indexOf(nearest) + step))];
    if (next !== this.span) this.zoom(next, around);
  }
}
