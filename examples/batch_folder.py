"""Matte all photos below a folder on every core, and list the photos that failed.

    python examples/batch_folder.py photos/ mattes/

Run it again after an interruption: it does the rest. It needs `pip install '.[ray]'`.
"""
