"""What rides the spine: mergeable bytes of (segment, part), each kind with its reference, null and rows."""
