"""
How is the command run without being installed? ``python -m issuing_disburse.cli``.
"""

from issuing_disburse.cli import main

main()
