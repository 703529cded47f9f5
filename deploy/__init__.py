"""What brings the system onto machines: image, compose file, locks, and the making of topics. The product never imports it."""
