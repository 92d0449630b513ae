"""The parts of `tools/datasets/rendered_people.py`: MakeHuman's data, bodies, poses, outfits, cameras, the renderer."""
