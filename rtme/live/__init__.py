"""The rooms as one service: threads, queues, supervisor."""
