"""
How does the documentation become a site? `make site` builds it; a warning is an error.

The pages are plain Markdown, readable where the repository is shown, too; what only a site needs is here and in `_ext`.
"""

import sys
from pathlib import Path

import issuing_disburse

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "issuing_disburse"
author = "The issuing_disburse maintainers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx calls it so
version = release = issuing_disburse.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "contents",
    "public_names",
    "names_in_text",
]
exclude_patterns = ["_build"]

myst_heading_anchors = 4  # links name headings as they do where the repository is shown
myst_enable_extensions = ["tasklist"]

autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
default_role = "py:obj"  # one pair of backquotes in a docstring names something of ours
napoleon_use_ivar = False
napoleon_use_rtype = False
nitpicky = True
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"issuing_disburse {version}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
copybutton_exclude = ".linenos, .gp, .go"  # neither the prompt nor what a command answers
