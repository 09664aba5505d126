"""Archives: millions of frames labeled, a Parquet row for each; pyarrow is imported when one is written or read."""

from handkit.archive.engines import Annotated, annotate
from handkit.archive.job import Labeling

__all__ = ["Annotated", "Labeling", "annotate"]
