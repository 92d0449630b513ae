"""Metrics, evaluation and reports of videos with known mattes."""
