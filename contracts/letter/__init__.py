"""Letters: asked for by `tasks`, told of by `notifier`."""
