"""Profiles: what each sets, in the library and on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmnet.runtime import PortraitMatter, Profile, ProfileError, Upsampling, composite, cutout
from mmnet.runtime.fullres.methods import UpsamplingError
from mmnet.runtime.profiles import ProfileSettings, choose_profile


def test_what_the_profiles_set() -> None:
    assert Profile.FINE.settings == ProfileSettings(Upsampling.GUIDED, foreground=True)
    assert Profile.FAST.settings == ProfileSettings(Upsampling.BILINEAR, foreground=False)
    assert Profile.FAST.override("guided") == ProfileSettings(Upsampling.GUIDED, foreground=False)
    assert Profile.FAST.override(foreground=True) == ProfileSettings(Upsampling.BILINEAR, foreground=True)


def test_profiles_have_names() -> None:
    assert choose_profile("fast") is Profile.FAST
    with pytest.raises(ProfileError, match="unknown profile 'slow'; choose one of fine, fast"):
        PortraitMatter(profile="slow")
    with pytest.raises(UpsamplingError, match="unknown upsampling method 'nearest'"):
        PortraitMatter(upsampling="nearest")


def test_a_matter_has_a_profile(tiny_model: Path, noise: Any) -> None:
    image = noise(150, 190, 3)
    with PortraitMatter(tiny_model, 1) as fine, PortraitMatter(fine.model, profile="fast") as fast:
        guided, bilinear = fine(image), fast(image)
        assert fine.settings == Profile.FINE.settings
        np.testing.assert_array_equal(PortraitMatter(fine.model, upsampling="bilinear")(image), bilinear)
        assert (guided != bilinear).any()
        for matter, alpha, foreground in ((fine, guided, True), (fast, bilinear, False)):
            np.testing.assert_array_equal(
                matter.composite(image, (0, 255, 0)),
                composite(image, alpha, (0, 255, 0), estimate_foreground=foreground),
            )
            np.testing.assert_array_equal(matter.cutout(image), cutout(image, alpha, estimate_foreground=foreground))


def test_the_steps_are_those_of_a_matte(tiny_model: Path, noise: Any) -> None:
    image = noise(150, 190, 3)
    with PortraitMatter(tiny_model, 1) as matter:
        model_input = matter.prepare(image)
        alpha = matter.upsample([matter.infer(model_input)], image, model_inputs=[model_input])
        assert not isinstance(alpha, np.ndarray)
        np.testing.assert_array_equal(alpha.as_float(), matter(image))


def test_profiles_on_the_command_line(photo: Path, tmp_path: Path, mmnet: Any) -> None:
    def matted(*options: str) -> bytes:
        output = tmp_path / "green.png"
        done = mmnet("matte", photo, "-b", "lime", "-o", output, "--force", *options)
        assert (done.returncode, done.stderr) == (0, "")
        return output.read_bytes()

    fine, fast = matted(), matted("--profile", "fast")
    assert fine != fast
    assert matted("--profile", "fine") == fine
    assert matted("--upsampling", "bilinear", "--no-foreground") == fast
    assert matted("--profile", "fast", "--upsampling", "guided", "--foreground") == fine

    done = mmnet("matte", photo, "--profile", "slow")
    assert done.returncode == 1
    assert "unknown profile 'slow'; choose one of fine, fast" in done.stderr
