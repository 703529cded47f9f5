"""What tests share: the real servers, and fresh databases and topics upon them."""
