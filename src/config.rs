//! One YAML file, read with positions, checked whole, gathered from the rooms' own configs.
