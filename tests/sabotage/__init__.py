"""Breaks the code on purpose, one sabotage at a time, and checks that the test of the broken promise fails.

`python -m tests.sabotage [--gate | --list | --moved] [AREA | ID ...]`. A sabotage is a file of `tests/sabotages/<area>/`.
"""
