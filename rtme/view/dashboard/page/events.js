// The list of events: newest first, filtered, each a way to its moment on the timeline.

import { element, exactTime, say } from "./format.js";
import { ask } from "./link.js";

const MOST = 300;
const MOST_OLDER = 2000;
const PAGE = 100;
const TYPING_MS = 250;

const NAMES = {
  interval: "interval",
  speaker: "turn",
  face: "face",
  state: "state",
  gap: "gap",
  warning: "warning",
  truth: "planted",
};

export class EventList {
  /** @param {Function} jump called with the moment of an event that was chosen */
  constructor(jump) {
    this.jump = jump;
    this.rows = [];
    this.waiting = [];
    this.since = null;
    this.list = document.getElementById("rows");
    this.empty = document.getElementById("events-empty");
    this.older = document.getElementById("older");
    this.kind = document.getElementById("filter-kind");
    this.stream = document.getElementById("filter-stream");
    this.text = document.getElementById("filter-text");
    this.kind.onchange = this.stream.onchange = () => this.filterChanged();
    this.text.oninput = () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.filterChanged(), TYPING_MS);
    };
    this.older.onclick = () => this.fetchOlder();
    this.filterChanged(false);
  }

  query() {
    const query = { kind: this.kind.value, stream: this.stream.value, text: this.text.value.trim() };
    return Object.fromEntries(Object.entries(query).filter(([, value]) => value));
  }

  filterChanged(fetch = true) {
    const query = new URLSearchParams(this.query());
    for (const form of ["csv", "json"]) document.getElementById(`export-${form}`).href = `/export.${form}?${query}`;
    if (fetch) this.fetch();
  }

  streams(names) {
    const known = new Set([...this.stream.options].map((option) => option.value));
    for (const name of names) if (!known.has(name)) this.stream.append(new Option(name, name));
  }

  fits(row) {
    const { kind, stream, text } = this.query();
    return (
      (!kind || row.kind === kind) &&
      (!stream || row.stream === stream) &&
      (!text || `${row.stream} ${row.kind} ${row.words}`.toLowerCase().includes(text.toLowerCase()))
    );
  }

  async fetch() {
    const asked = (this.asking = Symbol("asking"));
    this.since = [];
    let answer;
    try {
      answer = await ask("/api/events", { ...this.query(), limit: PAGE });
    } catch {
      // What is known of it must do.
      answer = { rows: [...this.waiting].reverse().concat(this.rows).filter((row) => this.fits(row)), more: true };
    }
    if (asked !== this.asking) return;
    const known = new Set(answer.rows.map(key));
    const newer = this.since.filter((row) => !known.has(key(row)) && this.fits(row)).reverse();
    this.since = null;
    this.waiting = [];
    this.rows = [...newer, ...answer.rows];
    this.older.hidden = !answer.more;
    this.list.replaceChildren(...this.rows.map((row) => this.item(row)));
    this.showEmpty();
  }

  async fetchOlder() {
    const last = this.rows[this.rows.length - 1];
    if (!last) return this.fetch();
    const asked = this.asking;
    const answer = await ask("/api/events", { ...this.query(), limit: PAGE, run: last.run, before: last.seq }).catch(() => null);
    if (!answer || asked !== this.asking) return;
    this.rows.push(...answer.rows);
    this.list.append(...answer.rows.map((row) => this.item(row)));
    this.older.hidden = !answer.more || this.rows.length >= MOST_OLDER;
  }

  add(row) {
    this.since?.push(row);
    if (!this.fits(row)) return;
    this.waiting.push(row);
    // A page in the background is not painted.
    if (this.waiting.length > 2 * MOST) this.waiting.splice(0, MOST);
  }

  /** Called before each repaint. */
  frame() {
    if (!this.waiting.length || this.since) return;
    const newest = this.waiting.slice(-MOST).reverse();
    if (this.waiting.length > MOST) {
      // Between these and those shown some are left out: whoever asks for older ones gets them in turn.
      this.rows = [];
      this.list.replaceChildren();
      this.older.hidden = false;
    }
    this.waiting = [];
    this.rows.unshift(...newest);
    this.list.prepend(...newest.map((row) => this.item(row)));
    // Whoever asked for older ones keeps them.
    const most = Math.max(MOST, Math.min(this.rows.length - newest.length, MOST_OLDER));
    while (this.rows.length > most) {
      this.rows.pop();
      this.list.lastElementChild.remove();
      this.older.hidden = false;
    }
    this.showEmpty();
  }

  showEmpty() {
    this.empty.hidden = this.rows.length > 0;
    say(this.empty, Object.keys(this.query()).length ? "No event fits the filter." : "No event yet.");
  }

  item(row) {
    const item = element("li");
    item.dataset.testid = "event";
    item.dataset.kind = row.kind;
    item.dataset.stream = row.stream;
    item.dataset.seq = row.seq;
    const button = element("button");
    button.type = "button";
    button.append(
      element("time", "", exactTime(row.time)),
      element("span", "kind", NAMES[row.kind] ?? row.kind),
      element("span", "stream", row.stream),
      element("span", "words", row.words),
    );
    button.onclick = () => {
      this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
      item.setAttribute("aria-current", "true");
      this.jump(row.time, row.stream);
    };
    item.append(button);
    return item;
  }
}

function key(row) {
  return `${row.run}/${row.seq}`;
}
