"""Mutation testing: do the tests notice when the source is wrong? `python -m mutation` (or `make mutation`).

Every mutant is one small fault in one module: a comparison turned round, a number changed, a keyword dropped, a
statement left out. The tests that reach its line run against it, the quick ones first, in a forked child of a process
that has the heavy libraries loaded already, so that most mutants cost about a second.
"""
