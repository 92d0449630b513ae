"""The names of the upsampling methods; `upsampling` computes them."""

from __future__ import annotations

from enum import StrEnum

from mmnet.errors import MMNetError


class Upsampling(StrEnum):
    """A method that brings the network's alpha to the photo's size.

    BILINEAR: without looking at the photo.
    GUIDED: with edges where the photo has them: the slopes of a guided filter carry the photo's detail into the alpha.
    """

    BILINEAR = "bilinear"
    GUIDED = "guided"


DEFAULT = Upsampling.GUIDED


class UpsamplingError(MMNetError):
    """The name of an unknown upsampling method."""


def choose_upsampling(name: str) -> Upsampling:
    """Return the upsampling method called `name`.

    Raises:
        UpsamplingError: there is no such method; the message lists the methods.
    """
    try:
        return Upsampling(name)
    except ValueError:
        raise UpsamplingError(f"unknown upsampling method {name!r}; choose one of {', '.join(Upsampling)}") from None
