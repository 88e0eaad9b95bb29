"""From events to the profiles of windows: profile, merge, survey, fit."""
