"""Drawings made on demand: a canvas, motifs (an owl, a tram, a bridge), backdrops and whole scenes."""
