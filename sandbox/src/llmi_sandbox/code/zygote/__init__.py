"""The other side of the sandbox: the warm process, and the children it forks.

`main` starts it, `warm` imports and draws once, `server` forks and reaps, `child` is one snippet's process,
`execute` runs its code, `figure` finds and draws its figure, `disk` watches what it writes (tier B).
Only the standard library and the drawing libraries are imported here; see `boot`.
"""
