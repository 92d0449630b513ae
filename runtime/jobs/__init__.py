"""Jobs of `mmnet matte`: photos, videos or a camera in, mattes or composites out."""
