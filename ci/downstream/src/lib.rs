//! A driver; its scenarios are under `scenarios/`.
