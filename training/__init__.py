"""Training of MMNet: data, augmentation, recipes, losses, and the loop that a run goes through.

`mmnet.train` (`mmnet.api.training`) is the entrance. It describes a run (`run`), which `loop.train` trains stage by
stage; every checkpoint holds all that a later process needs to go on with the same bits.

Packages:
    data: data sets on disk, and the input pipeline.
    augment: augmentation of training images.
    engines: what computes the steps: Keras, or the compiled step.
    compiled: the compiled step.
    qat: quantization-aware training, with a loop of its own.

Modules:
    recipes: stages, loss weights and augmentation, as data.
    run: the description of a run.
    loop, stages: the training of a run and of one stage.
    models, losses: what Keras computes.
    optimizer: Adam and the learning rate, for every engine.
    checkpoints: writing, reading and resuming; both loops use it.
    evaluation: metrics and contact sheet of a checkpoint.
    listener, events, curves: progress, its record for TensorBoard, and the curves drawn from the record.
    backend, process: the choice of the backend, and settings of the process.
"""

if __name__ != "mmnet.training":
    raise ImportError("import mmnet.training: this folder is a package of mmnet")
