"""`llmi-reward serve`: one process that scores for many trainers, over HTTP.

`metrics.py` counts, `app.py` speaks the protocols, `run.py` starts and drains. Needs `llmi-reward[serve]`.
"""
