"""The feature contract's version and number of columns, which logs and stored runs carry.

The columns themselves stand in `geiger.features`; another column, order or formula is another version.
"""

VERSION = "features v1"
COLUMNS = 154
