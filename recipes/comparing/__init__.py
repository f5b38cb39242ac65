"""What comparing two recipes needs: fields in words, parts matched by name, and where something stands in a file."""
