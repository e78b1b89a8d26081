"Programs as people write them: each broken in one way (or two), and mended; and sound ones."
PROGRAMS = {}

def program(*ids, kind='diagnose', source=''):
    "A function of `broken`: with True a program with the faults `ids`, with False its mended twin. No id: a sound program, which takes no argument."
    def register(f):
        assert f.__name__ not in PROGRAMS, f.__name__
        PROGRAMS[f.__name__] = dict(make=f, ids=ids, kind=kind, source=source, file=f.__module__.rpartition('.')[2])
        return f
    return register
