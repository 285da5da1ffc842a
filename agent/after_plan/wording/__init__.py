"""Changes and questions as people put them, in the words that the readers know: text in, text out; no state enters."""
