"""What `uploads` does, one file a verb."""
