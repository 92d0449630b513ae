"""Many photos on many machines: `mmnet batch`, and the actors that `mmnet evaluate --workers` measures with.

Planning, the job's record and a worker's work are plain functions and objects; `pool` alone knows Ray.
"""
