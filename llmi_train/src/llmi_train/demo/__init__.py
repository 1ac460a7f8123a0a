"""`llmi-train demo`: data, rewards, training and an illustrated document, offline, on real components.

The one place that knows the tiny model's world; everything it calls serves real models as well.
"""
