"""A local AWS endpoint: MiniStack, and what it lacks.

Each module adds one thing to the pinned emulator; `additions.install` puts them in, after it has checked that the
functions they replace still look as they did. Nothing outside `local` imports this package.
"""
