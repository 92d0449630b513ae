"""How good a matte is: metrics in NumPy and OpenCV, and models measured with them on photos. Never TensorFlow.

from mmnet.evaluation.datasets.pairs import load_pairs
from mmnet.evaluation.evaluate import evaluate
from mmnet.evaluation.models import open_file
"""
