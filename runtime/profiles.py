"""Profiles: how much work a matte gets after the network, by one name.

| profile | alpha at the image's size | colours of composites and cut-outs | who uses it |
|---|---|---|---|
| `fine` | guided by the image | the estimated foreground | `mmnet matte`, `PortraitMatter` by default, app and page |
| `fast` | bilinear | the image's own | where speed counts most |

The core in C computes the bilinear alpha in bytes (`mmnet.runtime.alpha_to_image`); `PortraitMatter` computes it in 16
bits (`mmnet.runtime.upsample_alpha`), so the two differ by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mmnet.errors import MMNetError
from mmnet.runtime.fullres.methods import Upsampling, choose_upsampling


class ProfileError(MMNetError):
    """The name of an unknown profile."""


@dataclass(frozen=True)
class ProfileSettings:
    """The settings of a profile.

    Attributes:
        upsampling: how the network's alpha is brought to the image's size.
        foreground: whether composites and cut-outs take the estimated foreground (True) or the image's own colours.
    """

    upsampling: Upsampling
    foreground: bool


class Profile(StrEnum):
    """The amount of work that a matte gets after the network; the module's table compares them.

    FINE: the best result: guided alpha, estimated foreground.
    FAST: the least work: bilinear alpha, the image's own colours.
    """

    FINE = "fine"
    FAST = "fast"

    @property
    def settings(self) -> ProfileSettings:
        """The settings of this profile."""
        return _SETTINGS[self]

    def override(self, upsampling: Upsampling | str | None = None, foreground: bool | None = None) -> ProfileSettings:
        """Return the profile's settings with some of them replaced.

        Args:
            upsampling: an `Upsampling` or its name; None keeps the profile's.
            foreground: whether the foreground is estimated; None keeps the profile's.

        Raises:
            UpsamplingError: there is no upsampling method of that name.
        """
        settings = self.settings
        return ProfileSettings(
            settings.upsampling if upsampling is None else choose_upsampling(upsampling),
            settings.foreground if foreground is None else foreground,
        )


DEFAULT_PROFILE = Profile.FINE

_SETTINGS = {
    Profile.FINE: ProfileSettings(Upsampling.GUIDED, foreground=True),
    Profile.FAST: ProfileSettings(Upsampling.BILINEAR, foreground=False),
}


def choose_profile(name: str) -> Profile:
    """Return the profile called `name`.

    Raises:
        ProfileError: there is no such profile; the message lists the profiles.
    """
    try:
        return Profile(name)
    except ValueError:
        raise ProfileError(f"unknown profile {name!r}; choose one of {', '.join(Profile)}") from None
