"""
What do tests of code that uses this library need?
"""
