"""Training data: data sets on disk, their checks and repairs, and the input pipeline.

Modules:
    layouts: data sets as folders; which photo belongs to which matte.
    check: faults of a data set.
    mattes: soft mattes from binary masks.
    packs: images decoded once, in memory or in a file.
    dataset: reading of the data sets that a training names.
    batches: the input pipeline, from the number of a batch to its images.
    preview: a contact sheet of what training sees.
    scenes, scene_sets: people placed into backgrounds, alone or side by side.
    motion, sequences: short videos with known mattes, rendered from portraits.
"""

from mmnet.training.data.batches import Batches, Part
from mmnet.training.data.dataset import DataSet, load_data
from mmnet.training.data.layouts import DataError

__all__ = ["Batches", "DataError", "DataSet", "Part", "load_data"]
