// Prints what a service finds: npm install && npm start -- tcp://127.0.0.1:5556
import { Subscriber } from "zeromq"

const socket = new Subscriber()
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:5556")
socket.subscribe("rtme.")
let runId = null
let lastSeq = -1
for await (const [topic, body] of socket) {
  // Nanoseconds (capture_ns, wall_ns) are beyond what a JavaScript number holds exactly; time_s is not.
  const event = JSON.parse(body.toString())
  if (event.run_id === runId && event.seq > lastSeq + 1) {
    console.log(`missed ${event.seq - lastSeq - 1} events`)
  }
  runId = event.run_id
  lastSeq = event.seq
  // Kinds and fields that are not known here belong to a newer service: pass over them.
  if (event.kind === "interval" && event.status === "closed") {
    console.log(event.stream, event.type, event.onset.time_s.toFixed(3), event.offset.time_s.toFixed(3))
  }
}
