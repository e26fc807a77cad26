"""
How do finance, an auditor and a program look at the books?
"""

from .csv_file import write_csv
from .document import report_document
from .gathering import gather
from .values import AgeBand, DeclineReason, Exceptional, OrderLine, Report

__all__ = [
    "AgeBand",
    "DeclineReason",
    "Exceptional",
    "OrderLine",
    "Report",
    "gather",
    "report_document",
    "write_csv",
]
