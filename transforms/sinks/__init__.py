"""Where rows go: files, streams of files, Kafka topics."""
