"""Documents that citizens send (service `uploads`)."""
