// The websocket to the dashboard, opened again whenever it is lost.

const FIRST_MS = 500;
const MOST_MS = 5000;

export class Link {
  /** @param {{message: Function, picture: Function, open: Function, lost: Function}} told what to call */
  constructor(told) {
    this.told = told;
    this.wait = FIRST_MS;
    this.wanted = { watch: [], pictures: [] };
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/live`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.wait = FIRST_MS;
      this.told.open();
      this.socket.send(JSON.stringify(this.wanted));
    };
    this.socket.onmessage = ({ data }) => {
      if (typeof data === "string") for (const message of JSON.parse(data)) this.told.message(message);
      else this.told.picture(data);
    };
    this.socket.onclose = () => {
      this.told.lost();
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, MOST_MS);
    };
  }

  /** Which streams are drawn, and of which pictures are shown. */
  want(watch, pictures) {
    const wanted = { watch: [...watch], pictures: [...pictures] };
    if (JSON.stringify(wanted) === JSON.stringify(this.wanted)) return;
    this.wanted = wanted;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wanted));
  }
}

/** Answers what the dashboard knows; when it gives no answer, the window is told: `unanswered`. */
export async function ask(path, query) {
  try {
    const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return await answer.json();
  } catch (error) {
    dispatchEvent(new Event("unanswered"));
    throw error;
  }
}

/** Whether the dashboard is there but does not let this browser in: it has another token now, or the cookie is too old. */
export async function isRefused() {
  try {
    const { status } = await fetch("/", { method: "HEAD" });
    return status === 401 || status === 403;
  } catch {
    return false;
  }
}
