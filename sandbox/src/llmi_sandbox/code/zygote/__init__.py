"""The other side of the sandbox: the launcher, its zygotes, and the children they fork.

`main` is the launcher, `warm` imports and draws once, `fonts` finds letters, `server` is a zygote, `child` is
one snippet's process, `pages` copies its memory ahead, `execute` runs its code, `figure` finds and draws its figures,
`disk` watches its disk (tier B).
Only the standard library and the drawing libraries are imported here; see `boot`.
"""
