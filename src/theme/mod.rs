//! Roles, palettes, colour depth and glyph sets. Here live all colours; nothing else may name one.
