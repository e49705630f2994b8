// Browsers start no worker for a page that was opened from a folder. There the search runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.appendChild(frame)
      const inner = frame.contentWindow
      inner.importScripts = () => {}
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      const script = inner.document.createElement("script")
      script.src = url
      script.onload = () => {
        this.deliver = (data) => inner.dispatchEvent(new inner.MessageEvent("message", { data }))
        this.waiting.forEach(this.deliver)
      }
      inner.document.body.appendChild(script)
      this.frame = frame
    }
    postMessage(data) {
      // Never at once: a worker answers later.
      setTimeout(() => (this.deliver ? this.deliver(data) : this.waiting.push(data)))
    }
    terminate() {
      this.frame.remove()
    }
  }
}
