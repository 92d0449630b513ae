"""The time of every operator of a model, and how far each one is from what this machine can do.

Modules:
    litert: the process that runs a model under LiteRT's own profiler.
    peak: what this machine can do at most, measured with two small models.
    operators: the operators of a model with their times, work and utilisation.
"""
