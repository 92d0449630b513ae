"""Exports through the library: every precision of a small network, and the failures that verification catches."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import random_checkpoint

from mmnet.export import exporter
from mmnet.export.choices import Choices
from mmnet.export.direct.models import float_tflite
from mmnet.export.exporter import ExportListener, ExportRequest, NeedsCalibrationError, run_export
from mmnet.export.verify import (
    ContractError,
    OperatorError,
    ParityError,
    check_against_float,
    check_against_keras,
    check_graph,
    probe_images,
    raise_on_failure,
)
from mmnet.graph.inference import inference_graph
from mmnet.network.checkpoint import load_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras
from mmnet.network.resolve import shipped
from mmnet.quantize.calibration import Calibration, CalibrationError, load_calibration
from mmnet.quantize.precision import PRECISIONS, PrecisionError, choose_precision
from mmnet.runtime import MattingModel, read_photo, to_model_input
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.metadata import read_metadata, recipe_path

pytestmark = pytest.mark.slow

SIZE = 64
CHECKPOINT = random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=1)
VARIANTS = [(precision.name, dtype) for precision in PRECISIONS.values() for dtype in precision.inputs]


@pytest.fixture(scope="module")
def calibration(photos):
    return load_calibration(photos, SIZE)


@pytest.fixture(scope="module")
def exported(calibration):
    """(precision, input dtype) -> the exported model."""
    return {
        (name, dtype): run_export(ExportRequest(CHECKPOINT, "random", PRECISIONS[name], dtype, calibration))
        for name, dtype in VARIANTS
    }


def test_variants_are_what_the_table_says():
    assert set(VARIANTS) == {
        ("int8", "uint8"), ("int8", "float32"), ("float16", "float32"), ("float32", "float32"), ("dynamic", "float32"),
    }  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
class TestEveryVariant:
    def test_contract_and_graph(self, exported, variant):
        report = inspect_model(exported[variant].content)
        (image,), (alpha,) = report.inputs, report.outputs
        assert (image.name, image.shape, image.dtype) == ("image", (1, SIZE, SIZE, 3), variant[1])
        assert (alpha.name, alpha.shape, alpha.dtype) == ("alpha", (1, SIZE, SIZE, 1), variant[1])
        assert [(entry.key, entry.inputs, entry.outputs) for entry in report.signatures] == [
            ("serving_default", ("image",), ("alpha",))
        ]
        assert report.delegation.partitions == 1
        assert set(report.delegation.outside) <= {"QUANTIZE", "DEQUANTIZE"}
        assert not {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "MUL", "SOFTMAX"} & set(report.operators)

    def test_the_runtime_computes_the_network(self, exported, variant, calibration):
        with MattingModel(exported[variant].content) as model:
            alphas = np.stack([model.run_float(image) for image in calibration.images])
        keras_model = build_keras(CHECKPOINT.config, keras)
        assign_weights(keras_model, CHECKPOINT.weights, CHECKPOINT.config)
        images = calibration.images.astype(np.float32) / np.float32(255)
        expected = tf.nn.softmax(keras_model(images, training=False)["final_block"]).numpy()[..., 1]
        assert expected.std() > 0.01
        # Random weights lose more in 8 bits than trained ones.
        allowed = {"int8": 0.02, "dynamic": 0.01, "float16": 1e-3, "float32": 1e-5}[variant[0]]
        assert np.abs(alphas - expected).mean() < allowed

    def test_every_check_passed_and_is_recorded(self, exported, variant):
        result = exported[variant]
        assert all(check.passed for check in result.checks)
        assert [entry["name"] for entry in result.recipe["verification"]] == [check.name for check in result.checks]
        assert len(result.checks) >= 4

    def test_the_file_tells_where_it_came_from(self, exported, variant):
        metadata = read_metadata(exported[variant].content)
        assert metadata.name == f"MMNet-0.35 {SIZE} {variant[0]}"
        assert metadata.recipe["checkpoint"]["sha256"] == CHECKPOINT.fingerprint()
        assert metadata.recipe["checkpoint"]["step"] == CHECKPOINT.step
        assert (metadata.recipe["precision"], metadata.recipe["input"]) == variant
        assert "flatbuffers" in metadata.recipe["versions"]
        assert "tensorflow" not in metadata.recipe["versions"]
        assert metadata.recipe["converter"] == "direct"


def test_int8_is_full_integer_and_per_channel(exported):
    report = inspect_model(exported["int8", "uint8"].content)
    assert set(report.precisions) == {"int8"}
    assert report.per_channel is True
    (image,), (alpha,) = report.inputs, report.outputs
    assert (image.scale, image.zero_point) == (pytest.approx(1 / 255), 0)
    assert (alpha.scale, alpha.zero_point) == (pytest.approx(1 / 256), 0)


def test_conversions_at_the_ends_are_fast_and_give_the_same_bytes(calibration, monkeypatch):
    request = ExportRequest(
        CHECKPOINT, "random", PRECISIONS["int8"], "uint8", calibration, choices=Choices(converter="tensorflow")
    )
    fast = run_export(request).content
    monkeypatch.setattr("mmnet.export.convert.through_float", lambda tree: None)
    plain = run_export(request).content
    assert inspect_model(fast).delegation.outside == ()
    assert inspect_model(plain).delegation.outside == ("QUANTIZE", "QUANTIZE")
    pixels = np.arange(SIZE * SIZE * 3, dtype=np.uint8).reshape(SIZE, SIZE, 3)  # every byte
    with MattingModel(fast) as new, MattingModel(plain) as old:
        for image in (pixels, *calibration.images):
            assert np.array_equal(new.run_raw(image), old.run_raw(image))


def test_pixels_go_in_as_they_are_even_if_no_photo_is_black_or_white(calibration):
    dull = replace(calibration, images=calibration.images // 2 + 60)
    report = inspect_model(run_export(ExportRequest(CHECKPOINT, "dull", PRECISIONS["int8"], "uint8", dull)).content)
    assert (report.inputs[0].scale, report.inputs[0].zero_point) == (pytest.approx(1 / 255), 0)


def test_sizes_follow_precision(exported):
    size = {variant: len(result.content) for variant, result in exported.items()}
    assert size["int8", "uint8"] < size["float16", "float32"] < size["float32", "float32"]
    assert size["dynamic", "float32"] < size["float32", "float32"]


def test_the_same_input_gives_the_same_bytes(exported, calibration):
    again = run_export(ExportRequest(CHECKPOINT, "random", PRECISIONS["int8"], "uint8", calibration))
    assert again.content == exported["int8", "uint8"].content
    assert again.recipe == exported["int8", "uint8"].recipe


def test_calibration_is_the_runtimes_preprocessing(calibration, photos):
    for name, image in zip(calibration.names, calibration.images, strict=True):
        assert np.array_equal(image, to_model_input(read_photo(photos / name), SIZE))


def test_calibration_takes_photos_spread_over_the_folder(calibration, photos):
    some = load_calibration(photos, SIZE, limit=3)
    assert some.names == (calibration.names[0], calibration.names[4], calibration.names[8])


def test_unreadable_photos_are_named_and_the_rest_used(photos, tmp_path):
    (tmp_path / "a.jpg").write_bytes((photos / "photo00.jpg").read_bytes())
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "c.png").write_bytes(b"no image")
    found = load_calibration(tmp_path, SIZE)
    assert found.names == ("a.jpg",)
    assert list(found.unreadable) == ["b.jpg", "c.png"]
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(CalibrationError, match="none of its 2 photos"):
        load_calibration(tmp_path, SIZE)


@pytest.mark.parametrize("folder", ["absent", "."])
def test_a_folder_without_photos_is_one_error(tmp_path, folder):
    with pytest.raises(CalibrationError):
        load_calibration(tmp_path / folder, SIZE)


def test_int8_without_photos_says_what_is_needed():
    with pytest.raises(NeedsCalibrationError, match="calibration=FOLDER"):
        ExportRequest(CHECKPOINT, "random", PRECISIONS["int8"], "uint8", None)


def test_wrong_combinations_list_what_is_accepted():
    with pytest.raises(PrecisionError, match="int8, float16, float32, dynamic"):
        choose_precision("int4", None)
    with pytest.raises(PrecisionError, match="float16: float32"):
        choose_precision("float16", "uint8")


def test_another_size_is_the_same_network():
    assert CHECKPOINT.resized(96).config == replace(CHECKPOINT.config, size=96)
    assert CHECKPOINT.resized(None) is CHECKPOINT


@pytest.fixture(scope="module")
def float_model():
    return float_tflite(CHECKPOINT)


class TestVerificationCatches:
    """Each check fails for a model with the defect that it looks for."""

    def test_another_networks_weights(self, float_model):
        other = random_checkpoint(CHECKPOINT.config, seed=2)
        check = check_against_keras(float_model, other, probe_images(SIZE))
        with pytest.raises(ParityError, match="against Keras"):
            raise_on_failure([check])

    def test_another_sampling(self, float_model):
        other = replace(CHECKPOINT, config=replace(CHECKPOINT.config, sampling="half_pixel"))
        assert not check_against_keras(float_model, other, probe_images(SIZE)).passed

    def test_a_bad_quantization_and_its_worst_image(self, float_model):
        other = random_checkpoint(CHECKPOINT.config, seed=2)
        wrong = float_tflite(other)
        images = probe_images(SIZE)
        mean, worst = check_against_float(wrong, float_model, PRECISIONS["int8"], images, ["a", "b", "c", "d"])
        assert not mean.passed
        assert not worst.passed
        with MattingModel(wrong) as one, MattingModel(float_model) as two:
            differences = [np.abs(one.run_float(image) - two.run_float(image)).mean() for image in images]
        assert worst.measured.endswith("abcd"[int(np.argmax(differences))])

    def test_the_naive_conversion(self):
        """The obvious conversion: from the Keras model, with an unknown batch."""
        model = build_keras(CHECKPOINT.config, keras)
        module = tf.Module()
        module.network = model
        signature = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="image")
        module.run = tf.function(
            lambda image: {"alpha": tf.nn.softmax(model(image)["final_block"])[..., 1:]}, input_signature=[signature]
        )
        converter = tf.lite.TFLiteConverter.from_concrete_functions([module.run.get_concrete_function()], module)
        checks = {
            check.name: check for check in check_graph(converter.convert(), PRECISIONS["float32"], "float32", SIZE)
        }
        assert not checks["operators"].passed
        assert "SPACE_TO_BATCH_ND" in checks["operators"].measured
        assert not checks["XNNPACK partitions"].passed
        with pytest.raises(OperatorError):
            raise_on_failure(list(checks.values()))

    def test_other_inputs_and_outputs(self, exported):
        model = exported["int8", "float32"].content
        for dtype, size in (("uint8", SIZE), ("float32", SIZE + 16)):
            failed = [check for check in check_graph(model, PRECISIONS["int8"], dtype, size) if not check.passed]
            assert [check.error for check in failed] == [ContractError]

    def test_float_weights_where_8_bits_were_asked_for(self, float_model):
        failed = [c.name for c in check_graph(float_model, PRECISIONS["int8"], "float32", SIZE) if not c.passed]
        assert failed == ["weights"]

    def test_a_failed_export_raises_and_reports(self, monkeypatch):
        monkeypatch.setattr(
            exporter, "inference_graph", lambda checkpoint: inference_graph(replace(CHECKPOINT, weights=other.weights))
        )
        other = random_checkpoint(CHECKPOINT.config, seed=3)
        seen = []
        listener = ExportListener()
        listener.on_check = seen.append
        with pytest.raises(ParityError, match="nothing was written"):
            run_export(ExportRequest(CHECKPOINT, "x", PRECISIONS["float32"], "float32"), listener)
        assert [check.passed for check in seen] == [False]


@pytest.fixture(scope="module")
def trained():
    return replace(load_checkpoint(shipped()[0]), ranges=None).resized(96)


class TestOtherImages:
    """Verification on images that nothing was measured on; at a small size of the network that ships."""

    def asked(self, trained, images, **changes):
        names = tuple(f"{index}.png" for index in range(len(images)))
        precision = replace(PRECISIONS["int8"], **changes)
        return ExportRequest(trained, "trained", precision, "uint8", Calibration(images, names, {}))

    def test_a_black_image_is_refused_before_any_work(self, trained):
        request = self.asked(trained, np.zeros((1, 96, 96, 3), np.uint8))
        with pytest.raises(CalibrationError, match="one colour"):
            run_export(request, ExportListener())

    def test_ranges_of_noise_fail_on_other_images(self, trained):
        trained = trained.resized(256)  # its own size: it is less sure of itself at others
        noise = np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), np.uint8)
        seen = []
        listener = ExportListener()
        listener.on_check = seen.append
        with pytest.raises(ParityError, match=r"drawn images: MAD .*; nothing was written; measure on more"):
            run_export(self.asked(trained, noise), listener)
        assert [check.passed for check in seen if check.name == "int8 against float"] == [True]

    def test_photos_that_were_held_out_are_judged_by_themselves(self, trained):
        photos = probe_images(96, 9)
        # At this size the network is less sure of itself than at its own.
        request = self.asked(trained, photos[:6], mean_tolerance=0.04)
        request = replace(
            request, calibration=replace(request.calibration, held_out=photos[6:], held_out_names=("g", "h", "i"))
        )
        checks = {check.name: check for check in run_export(request, ExportListener()).checks}
        assert checks["int8 against float, other photos"].measured.endswith("over 3 images")
        assert checks["int8 against float, other photos"].accepted == "at most 0.04"
        assert checks["int8 against float, drawn images"].accepted == "at most 0.2"

    def test_the_worst_image_only_warns(self, trained):
        exported = run_export(self.asked(trained, probe_images(96, 6), worst_tolerance=0.0), ExportListener())
        (warning,) = exported.warnings
        assert warning.name == "int8 against float, worst"
        assert str(warning).startswith("! ")
        assert "mmnet quantize" in warning.advice
        recorded = {check["name"]: check for check in exported.recipe["verification"]}
        assert recorded[warning.name]["passed"] is recorded[warning.name]["required"] is False
        assert recorded["int8 against float, drawn images"]["required"] is True


def test_probes_are_always_the_same_images():
    first, second = probe_images(SIZE), probe_images(SIZE)
    assert first.shape == (4, SIZE, SIZE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert (
        hashlib.sha256(probe_images(32).tobytes()).hexdigest() == hashlib.sha256(probe_images(32).tobytes()).hexdigest()
    )


def test_model_and_recipe_are_written_together(exported, tmp_path):
    path = tmp_path / "m.tflite"
    result = exported["int8", "uint8"]
    assert result.save(path) == path
    recipe = json.loads(recipe_path(path).read_text())
    assert path.read_bytes() == result.content
    assert recipe["file"]["sha256"] == hashlib.sha256(result.content).hexdigest()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.tflite", "m.tflite.recipe.json"]
