"""Outfits: what is worn together, as tables, and the colours and patterns of cloth."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.runtime.imaging.photos import read_photo

Colour = tuple[float, float, float]  # linear light, 0-1

# From head to foot, or with one other piece.
SUITS_OF_MEN = [
    *(f"male_casualsuit{number:02d}" for number in range(1, 7)),
    "male_elegantsuit01",
    "male_worksuit01",
]
SUITS_OF_WOMEN = [
    "female_casualsuit01",
    "female_casualsuit02",
    "female_elegantsuit01",
    "female_sportsuit01",
    "Cocktaildress",
    "F_Dress_01",
    "F_Dress_02",
    "F_Dress_03",
    "F_Dress_04",
    "F_Beach_Dress_01",
    "TubeDress",
    "Sari1",
]
TOPS = [
    "Asymmetric_Tunic_and_Sash",
    "Sleeveless",
    "VNeckTop",
    "short_tail_camo_tee",
    "spaghetti-top",
    "Tank_Top_01",
    "TubeTop",
    "Harvey_Sweater2",
    "Rolled_neck_blouse",
    "female_top_01",
]
TROUSERS = ["Tightjeans", "ShortJeans", "Harvey_PantsBootsV1"]
SKIRTS = ["JeansSkirt", "miniskirt"]
OVER = ["Coat", "Harvey_VestV1"]
SHOES = [f"shoes{number:02d}" for number in range(1, 7)]
BOOTS = "WinterBoots"
# Bare legs, over which boots look right.
BARE_LEGS = {*SKIRTS, "ShortJeans", "TubeDress", "Cocktaildress", "F_Dress_01", "F_Dress_02"}
HATS = ["fedora", "fedora_cocked", "Fishing_Hat_01", "pith_helmet"]
BEARDS = ["Full_beard", "Moustache"]
LONG_HAIR = [
    "Braid01",
    "Wig_bun_blonde",
    "bob01",
    "bob02",
    "blondwithheadband",
    "curly",
    "curly2",
    "long01",
    "long2_alpha7",
    "long_alpha7",
    "minoan",
    "ponytail01",
    "short03",
    "southernbelleringlets",
    "afro01",
]
SHORT_HAIR = ["short01", "short02", "short03", "short04", "afro01", "Harvey_Hawk1", "junglebookhair"]
EYEBROWS = ["eyebrow001", "eyebrow004", "eyebrow009", "eyebrow010"]
# Black, brown, blond, red, grey.
HAIR_COLOURS = [(0.02, 0.015, 0.01), (0.09, 0.045, 0.02), (0.3, 0.18, 0.08), (0.25, 0.06, 0.02), (0.3, 0.3, 0.3)]
HAIR_SHARES = (0.4, 0.28, 0.15, 0.07, 0.1)
# How cloth is coloured: upper end of the interval in 0-1 that draws each. Beyond both it gets a pattern.
OWN, TINTED = 0.3, 0.75
PATTERN_SIDE = 256  # pixels


@dataclass
class Surface:
    """The look of a part of a person, beside its texture.

    Attributes:
        tint, tint_share: a colour, and how far it replaces that of the texture.
        pattern, pattern_share, pattern_scale: an image, uint8 [N, N, 4], how far it replaces the texture's colours, and
            how often it repeats.
        gain: factor of its brightness.
        gloss: of its highlights.
    """

    tint: Colour = (1.0, 1.0, 1.0)
    tint_share: float = 0.0
    pattern: U8Array | None = field(default=None, repr=False)
    pattern_share: float = 0.0
    pattern_scale: float = 1.0
    gain: float = 1.0
    gloss: float = 0.0


def draw_colour(random: np.random.Generator) -> Colour:
    """Draw a colour of cloth."""
    hsv = [random.integers(180), 255 * random.beta(1.2, 2.2), 255 * random.beta(1.6, 1.4)]
    pixel = np.asarray(cv2.cvtColor(np.asarray([[hsv]]).astype(np.uint8), cv2.COLOR_HSV2RGB))[0, 0]
    red, green, blue = (pixel / 255.0) ** 2.2
    return float(red), float(green), float(blue)


def draw_pattern(photo: U8Array, random: np.random.Generator) -> U8Array:
    """Cut a pattern out of a photo: uint8 [PATTERN_SIDE, PATTERN_SIDE, 4]."""
    height, width = photo.shape[:2]
    side = int(min(height, width) * random.uniform(0.15, 0.7))
    y, x = int(random.integers(height - side)), int(random.integers(width - side))
    square = (PATTERN_SIDE, PATTERN_SIDE)
    piece = cv2.resize(photo[y : y + side, x : x + side], square, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cv2.cvtColor(piece, cv2.COLOR_RGB2RGBA), np.uint8)


def draw_cloth(photo: Path, random: np.random.Generator) -> Surface:
    """Draw how cloth looks: its own colours, another colour, or a pattern out of a photo, which is read only then."""
    gloss = float(random.choice([0, 0.02, 0.1]))
    kind = random.uniform()
    if kind < OWN:
        return Surface(gloss=gloss)
    if kind < TINTED:
        return Surface(tint=draw_colour(random), tint_share=random.uniform(0.6, 1), gloss=gloss)
    coloured = random.uniform() < 0.5
    return Surface(
        tint=draw_colour(random),
        tint_share=0.5 if coloured else 0.0,
        pattern=draw_pattern(read_photo(photo), random),
        pattern_share=random.uniform(0.6, 1),
        pattern_scale=random.uniform(0.7, 5),
        gloss=gloss,
    )


def draw_outfit(male: bool, random: np.random.Generator) -> list[tuple[str, str]]:
    """Draw what somebody wears, with hair and eyes: kinds and names of garments."""
    if random.uniform() < (0.8 if male else 0.55):
        names = [random.choice(SUITS_OF_MEN if male else SUITS_OF_WOMEN)]
    else:
        names = [random.choice(TOPS), random.choice(TROUSERS if male else TROUSERS + SKIRTS)]
    if random.uniform() < 0.18:
        names.append(random.choice(OVER))
    if random.uniform() < 0.93:
        boots = random.uniform() < 0.4 and not BARE_LEGS.isdisjoint(names)
        names.append(BOOTS if boots else random.choice(SHOES))
    hat = random.uniform() < 0.15
    if hat:
        names.append(random.choice(HATS))
    names += [name for name, share in (("Rucksack1", 0.12), ("glasses", 0.15)) if random.uniform() < share]
    worn = [("clothes", str(name)) for name in names]
    if random.uniform() < (0.6 if hat else 0.88):
        worn.append(("hair", str(random.choice(SHORT_HAIR if male and random.uniform() < 0.85 else LONG_HAIR))))
    if male and random.uniform() < 0.25:
        worn.append(("hair", str(random.choice(BEARDS))))
    eyes = [("eyes", "Low-Poly"), ("eyebrows", str(random.choice(EYEBROWS))), ("eyelashes", "Eyelashes01")]
    return worn + eyes


def draw_hair_colour(random: np.random.Generator) -> Colour:
    """Draw the colour of somebody's hair; one in ten is dyed."""
    return draw_colour(random) if random.uniform() < 0.1 else HAIR_COLOURS[random.choice(5, p=HAIR_SHARES)]


def draw_hair(colour: Colour, random: np.random.Generator) -> Surface:
    """Draw how hair of a colour looks."""
    red, green, blue = (float(value) for value in np.asarray(colour) * random.uniform(1, 2.5))
    return Surface(tint=(red, green, blue), tint_share=random.uniform(0.3, 0.9), gloss=0.04)
