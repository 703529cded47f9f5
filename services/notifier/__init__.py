"""Letters: made, sent once, and told of only when the gateway proved what became of them."""
