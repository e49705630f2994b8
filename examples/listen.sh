#!/bin/sh
# Prints what a service finds: examples/listen.sh tcp://127.0.0.1:5556. Needs rtme and jq.
rtme watch "${1:-tcp://127.0.0.1:5556}" --json --kind interval |
  jq --unbuffered -r 'select(.status == "closed") | "\(.stream) \(.type) \(.onset.time_s) \(.offset.time_s)"'
