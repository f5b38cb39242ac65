"""Many dry runs of one recipe with some of its quantities varied: asking the line a thousand questions at night."""
