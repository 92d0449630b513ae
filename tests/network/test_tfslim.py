"""TF-Slim checkpoints, written by TensorFlow itself."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from support import error_line, random_weights, run

from mmnet.network.checkpoint import CheckpointCorruptError, CheckpointNotFoundError, load_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import resolve
from mmnet.network.tfslim import newest_prefix, read_tfslim
from mmnet.network.variables import VariableError

CONFIG = ModelConfig(0.5, 256, "legacy")
WEIGHTS = random_weights(CONFIG, 5)
TRAINING_STATE = {"global_step": np.int64(304500), "beta1_power": np.float32(0.9), "beta2_power": np.float32(0.999)}


def write(folder, step=304500, **changes):
    """Write a checkpoint like the original code: network, Adam slots, training state, the file `checkpoint`."""
    slots = {f"{name}/{slot}": w * 0 for name, w in WEIGHTS.items() for slot in ("Adam", "Adam_1")}
    variables = WEIGHTS | slots | TRAINING_STATE | {"global_step": np.int64(step)} | changes
    variables = {name: value for name, value in variables.items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / f"MMNetModel-{step}"
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(variables),
        shape_and_slices=[""] * len(variables),
        tensors=list(variables.values()),
    )
    name_in(folder, prefix.name)
    return prefix


def name_in(folder, name):
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n')


def test_the_network_is_read_and_the_rest_left(tmp_path):
    checkpoint = read_tfslim(write(tmp_path))
    assert checkpoint.config == CONFIG
    assert checkpoint.step == 304500
    assert set(checkpoint.weights) == set(WEIGHTS)
    assert all(np.array_equal(checkpoint.weights[name], value) for name, value in WEIGHTS.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MMNet/enc_block2/merge/pointwise_conv/weights": None}, "enc_block2/merge/pointwise_conv/weights is missing"),
        ({"MMNet/final_block/pointwise_conv/biases": np.zeros(3, np.float32)}, r"biases has the shape \[3\]"),
        ({"MMNet/attention/weights": np.zeros(3, np.float32)}, "attention/weights is not part of"),
        ({"MMNet/init_block/conv/weights": None}, "not the weights of an MMNet"),
        ({"MMNet/init_block/conv/BatchNorm/beta": np.full(16, np.nan, np.float32)}, "not finite"),
    ],
)
def test_variables_that_do_not_fit_are_named(tmp_path, changes, message):
    prefix = write(tmp_path, **changes)
    with pytest.raises(VariableError, match=message) as raised:
        read_tfslim(prefix)
    assert str(prefix) in str(raised.value)


@pytest.mark.parametrize("part", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("fraction", [0, 0.5, 0.99])
def test_damage_is_one_typed_error(tmp_path, part, fraction):
    prefix = write(tmp_path)
    path = prefix.with_name(prefix.name + part)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * fraction)])
    with pytest.raises(CheckpointCorruptError, match=prefix.name):
        read_tfslim(prefix)


def test_a_flipped_bit_is_noticed(tmp_path):
    prefix = write(tmp_path)
    path = prefix.with_name(prefix.name + ".data-00000-of-00001")
    data = bytearray(path.read_bytes())
    data[:2000] = bytes(byte ^ 1 for byte in data[:2000])
    path.write_bytes(data)
    with pytest.raises(CheckpointCorruptError):
        read_tfslim(prefix)


class TestFolders:
    @pytest.mark.parametrize("place", ["", "/somewhere/else/", "C:\\\\training\\\\"])
    def test_the_checkpoint_file_names_the_prefix_wherever_it_was_written(self, tmp_path, place):
        write(tmp_path, 100)
        name_in(tmp_path, place + "MMNetModel-100")
        prefix, why = newest_prefix(tmp_path)
        assert prefix == tmp_path / "MMNetModel-100"
        assert "names it" in why

    def test_an_older_one_that_is_named_wins(self, tmp_path):
        write(tmp_path, 100)
        write(tmp_path, 200)
        name_in(tmp_path, "MMNetModel-100")
        assert newest_prefix(tmp_path)[0].name == "MMNetModel-100"

    def test_an_absent_one_gives_way_to_the_highest_step(self, tmp_path):
        write(tmp_path, 99)
        write(tmp_path, 100)
        name_in(tmp_path, "MMNetModel-500")
        prefix, why = newest_prefix(tmp_path)
        assert prefix.name == "MMNetModel-100"
        assert "absent" in why

    def test_no_checkpoint_file(self, tmp_path):
        write(tmp_path, 100)
        (tmp_path / "checkpoint").unlink()
        assert newest_prefix(tmp_path)[0].name == "MMNetModel-100"

    def test_a_checkpoint_file_alone(self, tmp_path):
        name_in(tmp_path, "MMNetModel-500")
        with pytest.raises(CheckpointNotFoundError, match="copy it too"):
            newest_prefix(tmp_path)

    def test_a_checkpoint_file_that_is_no_text(self, tmp_path):
        (tmp_path / "checkpoint").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(CheckpointCorruptError, match="checkpoint"):
            newest_prefix(tmp_path)

    @pytest.mark.parametrize(
        "named", ["MMNetModel-100", "MMNetModel-100.index", "MMNetModel-100.data-00000-of-00001", ""]
    )
    def test_either_file_the_prefix_or_the_folder_will_do(self, tmp_path, named):
        write(tmp_path, 100)
        found = resolve(str(tmp_path / named), tmp_path)
        assert (found.path.name, found.tfslim) == ("MMNetModel-100", True)


@pytest.mark.parametrize("experiment", ["304500", "887000", "1898000"])
def test_the_experiments_checkpoints_load(research_data, experiment):
    checkpoint = resolve(experiment, research_data / "mmnet_exp_checkpoints").load()
    assert checkpoint.config == ModelConfig(1.0, 256, "legacy")
    assert checkpoint.step == int(experiment)


class TestImportCommand:
    def test_it_converts(self, tmp_path):
        prefix = write(tmp_path / "tf")
        result = run("mmnet", "import", tmp_path / "tf", tmp_path / "ours")
        assert result.returncode == 0, result.stderr
        assert "step 304500" in result.stdout
        loaded = load_checkpoint(tmp_path / "ours")
        assert loaded.provenance["imported from"] == prefix.name
        assert (
            f"left out {len(WEIGHTS)} Adam, {len(WEIGHTS)} Adam_1, beta1_power, beta2_power, global_step"
            in result.stdout
        )
        assert loaded.fingerprint() == read_tfslim(prefix).fingerprint()
        assert "--force" in error_line(run("mmnet", "import", tmp_path / "tf", tmp_path / "ours"))

    def test_bad_input_is_one_line_and_leaves_nothing(self, tmp_path):
        prefix = write(tmp_path / "tf", **{"MMNet/extra/weights": np.zeros(3, np.float32)})
        assert "MMNet/extra/weights" in error_line(run("mmnet", "import", prefix, tmp_path / "ours"))
        assert "no such checkpoint" in error_line(run("mmnet", "import", tmp_path / "absent", tmp_path / "ours"))
        assert not (tmp_path / "ours").exists()
