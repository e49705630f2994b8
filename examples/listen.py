"""Prints what a service finds. Needs pyzmq alone: ``python examples/listen.py tcp://127.0.0.1:5556``."""

import json
import sys

import zmq

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556")
socket.setsockopt_string(zmq.SUBSCRIBE, "rtme.")
run_id, last_seq = None, -1
while True:
    topic, body = socket.recv_multipart()
    event = json.loads(body)
    if event["run_id"] == run_id and event["seq"] > last_seq + 1:
        print(f"missed {event['seq'] - last_seq - 1} events", flush=True)
    run_id, last_seq = event["run_id"], event["seq"]
    # Kinds and fields that are not known here belong to a newer service: pass over them.
    if event["kind"] == "interval" and event["status"] == "closed":
        times = f"{event['onset']['time_s']:.3f} {event['offset']['time_s']:.3f}"
        print(event["stream"], event["type"], times, flush=True)
