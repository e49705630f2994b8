// The picture of a source, with outlines of the faces and what was found in them.

import { TYPES } from "./format.js";

const FRESH_MS = 1500;

/** Head and JPEG of a binary message. */
export function readPicture(data) {
  const length = new DataView(data).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  return [head, new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" })];
}

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.busy = false;
  }

  /** Draw a picture; one that comes while another is decoded is left out. */
  async show(head, jpeg, marks, styles) {
    if (this.busy) return;
    this.busy = true;
    try {
      const bitmap = await createImageBitmap(jpeg);
      if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
        this.canvas.width = bitmap.width;
        this.canvas.height = bitmap.height;
      }
      this.pen.drawImage(bitmap, 0, 0);
      bitmap.close();
      this.outline(head, marks, styles);
      this.canvas.dataset.time = head.time;
    } catch {
      // Not a picture: the next one may be.
    } finally {
      this.busy = false;
    }
  }

  outline(head, marks, styles) {
    const { pen } = this;
    const scale = this.canvas.width / head.width;
    // As large on the page whatever the size of the picture.
    const unit = this.canvas.width / (this.canvas.clientWidth || this.canvas.width);
    const size = 12 * unit;
    for (const face of head.faces) {
      const found = marks
        .filter((mark) => mark.kind === "interval" && mark.face === face.face && !mark.left)
        .filter((mark) => head.time - mark.end < FRESH_MS && mark.start <= head.time)
        .sort((a, b) => b.start - a.start)[0];
      const colour = found ? (found.type === "macro" ? styles.onPictureMacro : styles.onPictureMe) : styles.onPicture;
      pen.strokeStyle = face.judged ? colour : styles.onPictureNot;
      pen.lineWidth = unit * (found ? 1.5 : 1);
      pen.setLineDash(face.judged ? [] : [4, 3]);
      pen.beginPath();
      for (const line of face.outline)
        line.forEach(([x, y], n) => (n ? pen.lineTo(x * scale, y * scale) : pen.moveTo(x * scale, y * scale)));
      pen.stroke();
      pen.setLineDash([]);
      const said = found ? `${TYPES[found.type]}, ${found.status}` : face.judged ? "" : "not judged";
      const label = `face ${face.face}${said ? `: ${said}` : ""}`;
      const [x, y] = face.box;
      pen.font = `${size}px system-ui, sans-serif`;
      const width = pen.measureText(label).width + size * 0.8;
      const left = Math.max(0, Math.min(x * scale, this.canvas.width - width));
      const top = Math.max(0, y * scale - size * 1.6);
      pen.fillStyle = "rgb(0 0 0 / 65%)";
      pen.fillRect(left, top, width, size * 1.45);
      pen.fillStyle = found ? colour : "#fff";
      pen.fillText(label, left + size * 0.4, top + size * 1.1);
    }
  }
}
