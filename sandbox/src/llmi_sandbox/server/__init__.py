"""`llmi-sandbox serve`: diffusers pipelines behind the image endpoints that OpenAI's client speaks.

One process per GPU, one port for all: this process takes the requests, keeps the queue and hands them out (`pool.py`).
Install with `pip install 'llmi-sandbox[serve]'`.
"""
