// A small curve of the last minutes.

export class Spark {
  constructor(canvas, colours) {
    this.canvas = canvas;
    this.colours = colours;
  }

  /** @param {Array<Array<number|null>>} lines values of each line, oldest first */
  draw(lines, styles) {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio)) this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const most = Math.max(1, ...lines.flat().filter((value) => value !== null));
    lines.forEach((values, n) => {
      pen.beginPath();
      pen.strokeStyle = styles[this.colours[n]];
      pen.lineWidth = 1.25;
      const shown = values.slice(-120);
      let drawing = false;
      shown.forEach((value, i) => {
        if (value === null) {
          drawing = false;
          return;
        }
        const x = width - ((shown.length - 1 - i) / 119) * (width - 2) - 1;
        const y = height - 1.5 - (value / most) * (height - 3);
        if (drawing) pen.lineTo(x, y);
        else pen.moveTo(x, y);
        drawing = true;
      });
      pen.stroke();
    });
  }
}
