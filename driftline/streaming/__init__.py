"""Rules of event time for streams: what is late, what is ahead, when an idle partition may be passed by."""
