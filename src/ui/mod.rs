//! View-model and theme to a buffer of cells. Decides nothing about releases.
