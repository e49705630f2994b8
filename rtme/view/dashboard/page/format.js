// Times and numbers as people read them.

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });

/** 12:03:04, with the day when it is another one than today. */
export function timeOfDay(ms) {
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return (today ? "" : `${day.format(date)} `) + clock.format(date);
}

/** 12:03:04.250 */
export function exactTime(ms) {
  return `${timeOfDay(ms)}.${String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, "0")}`;
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
}

export const TYPES = { me: "micro-expression", macro: "macro-expression" };

/** An element with a class and text. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Change the text only when it is another: what does not change is not read out or laid out again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
