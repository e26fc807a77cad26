"""
How does a claims desk pay the garages that repair what was damaged in transit?
"""
