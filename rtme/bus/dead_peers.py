"""How a socket notices that the machine at the other end is gone."""

from typing import Any

import zmq

IDLE_S, EVERY_S, TRIES = 5, 2, 3
STUCK_MS = 30_000


def notice_dead_peers(socket: zmq.Socket[Any]) -> None:
    """Let TCP ask whether the other end is there, and give up what it has not taken for half a minute.

    ZeroMQ's own heartbeats are not for that: with them libzmq 4.3.5 aborts the whole process when the other end goes while
    the receiving queue is full (its issues 4364 and 4767), and breaks off whoever only reads slowly (3937).
    """
    socket.set(zmq.TCP_KEEPALIVE, 1)
    socket.set(zmq.TCP_KEEPALIVE_IDLE, IDLE_S)
    socket.set(zmq.TCP_KEEPALIVE_INTVL, EVERY_S)
    socket.set(zmq.TCP_KEEPALIVE_CNT, TRIES)
    socket.set(zmq.TCP_MAXRT, STUCK_MS)
