"""The Beam side of driftline: PTransforms, DoFns, CombineFns, coders, sources and sinks."""
