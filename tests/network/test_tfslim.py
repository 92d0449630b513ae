"""TF-Slim checkpoints, written by TensorFlow itself."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from support import error_line, random_weights, run

from mmnet.network.checkpoint import (
    CheckpointCorruptError,
    CheckpointKindError,
    CheckpointNotFoundError,
    load_checkpoint,
    save_checkpoint,
)
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import open_checkpoint, resolve
from mmnet.network.tfslim import WeightsError, read_tfslim
from mmnet.network.tfslim_files import newest_prefix
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


def trained(name):
    return not name.endswith(("moving_mean", "moving_variance"))


AVERAGES = {f"{name}/ExponentialMovingAverage": w for name, w in WEIGHTS.items() if trained(name)}
RAW = {name: w + np.float32(1) if trained(name) else w for name, w in WEIGHTS.items()}
SOME_BIASES = "MMNet/final_block/pointwise_conv/biases"


def is_the_average(checkpoint):
    return all(np.array_equal(checkpoint.weights[name], value) for name, value in WEIGHTS.items())


class TestAverages:
    def test_complete_averages_are_taken_and_that_is_said(self, tmp_path):
        prefix = write(tmp_path, **RAW, **AVERAGES)
        opened = open_checkpoint(prefix)
        assert is_the_average(opened.checkpoint)
        assert opened.source.reason.endswith("weights: average")
        assert opened.checkpoint.provenance["left out"].endswith(
            f"{len(AVERAGES)} raw weights, beta1_power, beta2_power, global_step"
        )
        assert is_the_average(read_tfslim(prefix, weights="average"))
        raw = read_tfslim(prefix, weights="raw")
        assert all(np.array_equal(raw.weights[name], value) for name, value in RAW.items())
        assert raw.provenance["weights"] == "raw"

    def test_averages_alone(self, tmp_path):
        prefix = write(tmp_path, **AVERAGES, **dict.fromkeys(filter(trained, WEIGHTS)))
        assert is_the_average(read_tfslim(prefix))
        with pytest.raises(WeightsError, match=r"only the average of .*; take weights='average'"):
            read_tfslim(prefix, weights="raw")

    def test_incomplete_averages_give_way_to_the_raw_weights_and_that_is_said(self, tmp_path):
        some = {name: value for name, value in AVERAGES.items() if SOME_BIASES not in name}
        prefix = write(tmp_path, **RAW, **some)
        opened = open_checkpoint(prefix)
        assert all(np.array_equal(opened.checkpoint.weights[name], value) for name, value in RAW.items())
        assert f"weights: raw; the averages are incomplete: {SOME_BIASES} has none" in opened.source.reason
        with pytest.raises(WeightsError, match=f"{SOME_BIASES} has none; take weights='raw'"):
            read_tfslim(prefix, weights="average")

    def test_averages_of_the_statistics_too(self, tmp_path):
        every = {f"{name}/ExponentialMovingAverage": w for name, w in WEIGHTS.items()}
        moved = {name: w * np.float32(2) for name, w in WEIGHTS.items()}
        assert is_the_average(read_tfslim(write(tmp_path, **moved, **every)))

    def test_none_of_the_auxiliary_head_is_needed(self, tmp_path):
        some = {name: value for name, value in AVERAGES.items() if "aux_block" not in name}
        assert read_tfslim(write(tmp_path, **RAW, **some)).provenance["weights"] == "average"

    def test_options_that_do_not_fit(self, tmp_path):
        prefix = write(tmp_path / "tf")
        with pytest.raises(WeightsError, match="holds no averages"):
            read_tfslim(prefix, weights="average")
        with pytest.raises(WeightsError, match="choose raw or average"):
            read_tfslim(prefix, weights="best")
        assert "weights" not in read_tfslim(prefix, weights="raw").provenance
        save_checkpoint(read_tfslim(prefix), tmp_path / "ours")
        with pytest.raises(WeightsError, match="one set of weights"):
            open_checkpoint(tmp_path / "ours", weights="raw")


class TestOtherVariables:
    """What training code keeps beside the network."""

    @pytest.mark.parametrize(
        ("others", "left_out"),
        [
            ({f"{name}/Adagrad": w for name, w in WEIGHTS.items()}, f"{len(WEIGHTS)} Adagrad"),
            ({f"{name}/adam_v": w for name, w in WEIGHTS.items()}, f"{len(WEIGHTS)} adam_v"),
            ({f"{name}/local_step": w for name, w in WEIGHTS.items()}, f"{len(WEIGHTS)} local_step"),
            ({f"train_op/{name}/Ftrl": w for name, w in WEIGHTS.items()}, "others"),
            (
                {
                    f"{name.rpartition('/')[0]}/{part}": np.float32(1)
                    for name in WEIGHTS
                    if name.endswith("/weights")
                    for part in ("weights_quant/min", "act_quant/max", "act_quant/max/biased")
                },
                "ranges of contrib.quantize",
            ),
        ],
        ids=["Adagrad", "AdamW", "debiasing", "slots in a scope", "contrib.quantize"],
    )
    def test_they_are_left_out_and_named(self, tmp_path, others, left_out):
        checkpoint = read_tfslim(write(tmp_path, **others))
        assert is_the_average(checkpoint)
        assert left_out in checkpoint.provenance["left out"]
        assert len(checkpoint.provenance["left out"]) < 300

    def test_a_network_in_a_scope(self, tmp_path):
        scoped = {f"tower_0/{name}": value for name, value in WEIGHTS.items()}
        prefix = write(tmp_path, **scoped, **dict.fromkeys(WEIGHTS))
        assert is_the_average(read_tfslim(prefix))
        prefix = write(
            tmp_path,
            1,
            **scoped,
            **{name.replace("_0", "_1"): w for name, w in scoped.items()},
            **dict.fromkeys(WEIGHTS),
        )
        with pytest.raises(VariableError, match="several networks, in the scopes"):
            read_tfslim(prefix)


def write_version_1(folder, step=7):
    folder.mkdir(parents=True, exist_ok=True)
    variables = WEIGHTS | {"global_step": np.int64(step)}
    tensors = [tf.constant(value) for value in variables.values()]
    tf.raw_ops.Save(filename=str(folder / f"model.ckpt-{step}"), tensor_names=list(variables), data=tensors)
    return folder / f"model.ckpt-{step}"


class TestVersion1:
    """Checkpoints of one file, which TensorFlow wrote until 2016."""

    @pytest.mark.parametrize("named", ["model.ckpt-7", ""])
    def test_it_is_read(self, tmp_path, named):
        write_version_1(tmp_path)
        checkpoint = resolve(str(tmp_path / named), tmp_path).load()
        assert is_the_average(checkpoint)
        assert (checkpoint.step, checkpoint.provenance["format"]) == (7, "version 1")
        assert resolve("latest", tmp_path).path == tmp_path / "model.ckpt-7"

    def test_damage_is_one_typed_error(self, tmp_path):
        path = write_version_1(tmp_path)
        data = bytearray(path.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 100] = bytes(100)
        path.write_bytes(data)
        with pytest.raises(CheckpointCorruptError, match=path.name):
            read_tfslim(path)

    def test_a_file_of_another_kind_is_none(self, tmp_path):
        (tmp_path / "model.ckpt-7").write_bytes(b"PK\3\4")
        with pytest.raises(CheckpointKindError):
            resolve(str(tmp_path / "model.ckpt-7"), tmp_path)


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

    @pytest.mark.parametrize("place", ["best/", "/somewhere/else/best/", "C:\\\\training\\\\best\\\\"])
    def test_one_in_a_folder_below(self, tmp_path, place):
        write(tmp_path, 100)
        write(tmp_path / "best", 20)
        name_in(tmp_path, place + "MMNetModel-20")
        prefix, why = newest_prefix(tmp_path)
        assert prefix == tmp_path / "best" / "MMNetModel-20"
        assert "names it" in why

    @pytest.mark.parametrize("text", ["\ufeff", 'all_model_checkpoint_paths: "x"\r\n'])
    def test_a_byte_order_mark_and_other_lines(self, tmp_path, text):
        write(tmp_path, 100)
        write(tmp_path, 200)
        (tmp_path / "checkpoint").write_text(f'{text}model_checkpoint_path: "MMNetModel-100"\r\n', encoding="utf-8")
        assert newest_prefix(tmp_path)[0].name == "MMNetModel-100"

    def test_escapes_of_other_alphabets(self, tmp_path):
        write(tmp_path / "\u6a21\u578b", 20)
        write(tmp_path, 100)
        name_in(tmp_path, r"\346\250\241\345\236\213/MMNetModel-20")
        assert newest_prefix(tmp_path)[0].parent.name == "\u6a21\u578b"

    @pytest.mark.parametrize(
        ("removed", "message"),
        [(".index", "MMNetModel-100.index is not beside it"), (".data-00000-of-00001", "is not beside it")],
    )
    def test_a_missing_file_is_named(self, tmp_path, removed, message):
        prefix = write(tmp_path, 100)
        prefix.with_name(prefix.name + removed).unlink()
        with pytest.raises(CheckpointNotFoundError, match=message):
            resolve(str(tmp_path), tmp_path).load()

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

    @pytest.mark.parametrize("name", ["a\\nb", "x" * 5000, "\\000", "..", "/"])
    def test_a_name_that_no_file_has(self, tmp_path, name):
        name_in(tmp_path, name)
        with pytest.raises((CheckpointNotFoundError, CheckpointKindError)) as caught:
            resolve(str(tmp_path), tmp_path)
        assert "\n" not in str(caught.value)

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
        result = run("mmnet", "import", tmp_path / "tf", tmp_path / "ours", "--weights", "raw")
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

    def test_it_says_which_weights_it_takes(self, tmp_path):
        prefix = write(tmp_path / "tf", **RAW, **AVERAGES)
        # The folders above the checkpoint are made with it.
        result = run("mmnet", "import", prefix, tmp_path / "checkpoints" / "ours")
        assert "weights: average\n" in result.stdout
        assert is_the_average(load_checkpoint(tmp_path / "checkpoints" / "ours"))
        refused = run("mmnet", "import", prefix, tmp_path / "no", "--weights", "best")
        assert "choose raw or average" in error_line(refused)

    def test_bad_input_is_one_line_and_leaves_nothing(self, tmp_path):
        prefix = write(tmp_path / "tf", **{"MMNet/extra/weights": np.zeros(3, np.float32)})
        assert "MMNet/extra/weights" in error_line(run("mmnet", "import", prefix, tmp_path / "ours"))
        assert "no such checkpoint" in error_line(run("mmnet", "import", tmp_path / "absent", tmp_path / "ours"))
        assert not (tmp_path / "ours").exists()
